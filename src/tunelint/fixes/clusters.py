"""Which member of a cluster of copies stays: the first, or the longest; and never none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

from tunelint.findings import Finding, Related
from tunelint.fixes.decide import Decisions, Removal

Keep = Literal["first", "longest"]
Member = tuple[str, int]  # path, row

_RULES = ("exact-duplicate", "near-duplicate")


def clusters_of(findings: Iterable[Finding], rules: Iterable[str] = _RULES) -> tuple[list[list[Member]], dict[Member, Related]]:
    """Return the connected clusters of copies that the findings name, members in order, and where each member stands."""
    wanted = frozenset(rules)
    root: dict[Member, Member] = {}
    places: dict[Member, Related] = {}

    def find(member: Member) -> Member:
        while root[member] != member:
            root[member] = root[root[member]]
            member = root[member]
        return member

    for finding in findings:
        if finding.name not in wanted or finding.path is None or not finding.row:
            continue
        own = Related(finding.path, finding.line, finding.record, None, finding.row)
        ends = []
        for place in (own, *(other for other in finding.related if other.row)):
            member = (place.path, place.row or 0)
            root.setdefault(member, member)
            places.setdefault(member, replace(place, score=None))
            ends.append(find(member))
        for other in ends[1:]:
            root[find(other)] = find(ends[0])
    groups: dict[Member, list[Member]] = defaultdict(list)
    for member in sorted(root):
        groups[find(member)].append(member)
    return sorted(groups.values()), places


def choose_survivors(
    findings: Iterable[Finding], decisions: dict[str, Decisions], keep: Keep, lengths: Callable[[set[Member]], dict[Member, int]]
) -> None:
    """Change the decisions so that of every cluster of copies the right member stays.

    A near copy is not dropped in the pass in which the record that it copies leaves for another reason: whether it is
    still a copy of anything is for the next pass to say. `lengths` returns the characters of records.
    """
    findings = list(findings)
    clusters, places = clusters_of(findings)
    near = {(finding.path, finding.row) for finding in findings if finding.name == "near-duplicate"}
    contested: list[tuple[list[Member], list[Member]]] = []
    for members in clusters:
        dropped = [member for member in members if _reason(decisions, member) in _RULES]
        if not dropped:
            continue
        if any(_reason(decisions, member) is None for member in members):
            contested.append((members, dropped))
        elif near.intersection(dropped):
            for path, row in dropped:
                del decisions[path].rows[row]
    if keep == "longest" and contested:
        _keep_longest(contested, decisions, places, lengths)


def _reason(decisions: dict[str, Decisions], member: Member) -> str | None:
    chosen = decisions.get(member[0])
    removal = chosen.rows.get(member[1]) if chosen is not None else None
    return removal.rule if removal is not None else None


def _keep_longest(
    contested: list[tuple[list[Member], list[Member]]], decisions: dict[str, Decisions], places: dict[Member, Related],
    lengths: Callable[[set[Member]], dict[Member, int]],
) -> None:  # fmt: skip
    length = lengths({member for members, _ in contested for member in members})
    for members, dropped in contested:
        staying = [member for member in members if _reason(decisions, member) is None]
        longest = max([*staying, *dropped], key=lambda member: (length.get(member, 0), [-members.index(member)]))
        if longest in staying:
            continue
        path, row = longest
        rule = decisions[path].rows.pop(row).rule
        twin = places[longest]
        where = f"{twin.path}:{twin.line}" if twin.line else f"{twin.path} row {twin.row}"
        removal = Removal(rule, f"Record is a copy of {where}, the longest of {len(members)} copies.", twin)
        for other_path, other_row in [member for member in (*staying, *dropped) if member != longest]:
            decisions[other_path].rows[other_row] = removal
            decisions[other_path].edits.pop(other_row, None)
