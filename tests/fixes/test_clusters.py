"""Which copy stays: hand-made clusters, and a property over random ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunelint.engine.result import Report
from tunelint.findings import Finding, Related, Severity
from tunelint.fixes.clusters import choose_survivors, clusters_of
from tunelint.fixes.decide import Decisions, Removal


def copy(row: int, *others: int, rule: str = "near-duplicate") -> Finding:
    related = tuple(Related("a", other, f"r{other}", 0.9, other) for other in others)
    return Finding("DUP002", rule, Severity.WARNING, "m", "h", path="a", line=row, row=row, record=f"r{row}", related=related)


def chosen(findings, keep, lengths, gone=()):
    decisions = {"a": Decisions()}
    for finding in findings:
        decisions["a"].rows[finding.row] = Removal(finding.name, "m", finding.related[0])
    for row in gone:
        decisions["a"].rows[row] = Removal("empty-content", "m")
    choose_survivors(findings, decisions, keep, lambda members: {member: lengths[member[1]] for member in members})
    return decisions["a"].rows


def test_the_first_stays_or_the_longest_and_the_twin_is_the_one_that_stays():
    findings = [copy(2, 1), copy(5, 2, 1), copy(9, 8)]
    lengths = {1: 10, 2: 30, 5: 30, 8: 7, 9: 7}
    assert sorted(chosen(findings, "first", lengths)) == [2, 5, 9]
    rows = chosen(findings, "longest", lengths)
    assert sorted(rows) == [1, 5, 9]  # of equals the first
    assert {row: removal.twin.line for row, removal in rows.items()} == {1: 2, 5: 2, 9: 8}
    assert rows[1].reason == "Record is a copy of a:2, the longest of 3 copies."
    assert rows[1].twin.record == "r2"


def test_near_copies_of_a_record_that_leaves_wait_for_the_next_pass():
    assert sorted(chosen([copy(2, 1), copy(5, 2, 1)], "first", {}, gone=[1])) == [1]
    exact = [copy(2, 1, rule="exact-duplicate")]
    assert sorted(chosen(exact, "first", {}, gone=[1])) == [1, 2]  # a copy has the same fault
    assert sorted(chosen([copy(2, 1), copy(5, 2, 1)], "longest", {1: 9, 2: 1, 5: 3}, gone=[2])) == [2, 5]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=40), st.data())
def test_every_cluster_keeps_exactly_one(pairs, data):
    earliest: dict[int, int] = {}
    for a, b in pairs:
        if a != b:
            earliest.setdefault(max(a, b), min(a, b))
    findings = [copy(row, other) for row, other in sorted(earliest.items())]
    lengths = {row: data.draw(st.integers(0, 5)) for row in range(1, 31)}
    clusters, _ = clusters_of(findings)
    for keep in ("first", "longest"):
        rows = chosen(findings, keep, lengths)
        for members in clusters:
            [stays] = [row for _, row in members if row not in rows]
            best = members[0][1] if keep == "first" else min((-lengths[row], row) for _, row in members)[1]
            assert stays == best
    assert Report((), tuple(findings)).ok
