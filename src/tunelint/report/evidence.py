"""The records behind the findings, looked up again for the HTML report: every file is read once, and only some rows kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunelint.engine.result import Report
from tunelint.findings import Finding
from tunelint.records.reader import read_records
from tunelint.records.record import Record
from tunelint.report.record_view import WHOLE, Part, Place, view_record

# A page of some ten megabytes still opens at once; every rule gets its share before any rule gets more.
MOST_RECORDS, SHARE_OF_A_RULE = 12_000, 1_000
MOST_PARTNERS = 2

Row = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Views by number, the number of each row's view, and the mark of each finding (its index in the report) in its view."""

    views: list[list[Part]]
    of_row: dict[Row, int]
    marks: dict[int, tuple[int, int, int, int]]


def collect(report: Report) -> Evidence:
    """Read the wanted records again and cut them to views. A record that is not what it was is left out."""
    places: dict[Row, list[tuple[int, Place]]] = {row: [] for row in _wanted(report.findings)}
    digests: dict[Row, str] = {}
    for index, finding in enumerate(report.findings):
        row = (finding.path or "", finding.row or 0)
        if row in places:
            if finding.record:
                digests[row] = finding.record
            if finding.pointer is not None:
                places[row].append((index, Place(finding.pointer, finding.span)))
    records = dict(_read(places, digests, report.extras.get("stdin")))
    for row, extra in _differences(report.findings, records).items():
        places[row] += extra
    evidence = Evidence([], {}, {})
    for row, record in records.items():
        view = view_record(record, [place for _, place in places[row]])
        evidence.of_row[row] = len(evidence.views)
        evidence.views.append(view.parts)
        for (index, _), mark in zip(places[row], view.marks, strict=True):
            if mark is not None and index >= 0:
                evidence.marks[index] = mark
    return evidence


def _wanted(findings: Sequence[Finding]) -> list[Row]:
    """Return the rows to look up: of every rule's first findings, then of the others; each with its closest partners."""
    seen: Counter[str] = Counter()
    first: list[Finding] = []
    later: list[Finding] = []
    for finding in findings:
        if finding.path is None or not finding.row:
            continue
        seen[finding.name] += 1
        (first if seen[finding.name] <= SHARE_OF_A_RULE else later).append(finding)
    rows: dict[Row, None] = {}
    for finding in (*first, *later):
        if len(rows) >= MOST_RECORDS:
            break
        rows[(finding.path or "", finding.row or 0)] = None
        for other in finding.related[:MOST_PARTNERS]:
            if other.row:
                rows[(other.path, other.row)] = None
    return list(rows)


def _read(wanted: dict[Row, list[tuple[int, Place]]], digests: dict[Row, str], stdin: bytes | None) -> Iterator[tuple[Row, Record]]:
    by_path: dict[str, set[int]] = defaultdict(set)
    for path, row in wanted:
        by_path[path].add(row)
    for path, rows in by_path.items():
        last = max(rows)
        for record in read_records(path, stdin):
            if record.row in rows and digests.get((path, record.row), record.digest) == record.digest:
                yield (path, record.row), record
            if record.row >= last:
                break


def _differences(findings: Sequence[Finding], records: dict[Row, Record]) -> dict[Row, list[tuple[int, Place]]]:
    """Where two long records belong to each other, show of both the stretch in which they first differ.

    (Otherwise the comparison of two long texts could show their equal beginnings only.)
    """
    extra: dict[Row, list[tuple[int, Place]]] = defaultdict(list)
    for finding in findings:
        own = (finding.path or "", finding.row or 0)
        if own not in records or not finding.related:
            continue
        other = (finding.related[0].path, finding.related[0].row or 0)
        if other not in records:
            continue
        mine, theirs = records[own].example.turns, records[other].example.turns
        for left, right in zip(mine, theirs, strict=False):
            if left.content == right.content or max(len(left.content), len(right.content)) <= WHOLE:
                continue
            start = _common(left.content, right.content)
            for row, turn in ((own, left), (other, right)):
                if len(turn.content) > WHOLE and isinstance(turn.raw, dict | str):
                    extra[row].append((-1, Place(turn.content_pointer, (start, min(start + 200, len(turn.content))))))
    return extra


def _common(left: str, right: str) -> int:
    """Return the length of the common beginning."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
