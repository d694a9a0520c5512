"""What the HTML report's script reads: findings as rows of numbers and strings, records' views, clusters of copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tunelint.engine.result import Report
from tunelint.findings import Excerpt, Finding, Related, Severity
from tunelint.report.evidence import Evidence, collect
from tunelint.report.places import rule_link, rules_of
from tunelint.report.record_view import shown

# More findings than anybody will look at; the page says how many are left out.
MOST_FINDINGS = 100_000
_CLUSTERED = ("DUP001", "DUP002")


def page_data(report: Report) -> dict[str, Any]:
    """Return the object that is embedded in the page; its layout is known to `page/report.js` alone.

    finding: [rule, severity rank, file or -1, line, row, end line, column, count, message, where, [before, hit, after] or
    null, [[file, line, row, score, view or -1]], view or -1, mark or null, fix]. A view is a list of parts
    [label, segment, ...], a segment a text or the number of characters left out; a mark is [part, segment, start, end].
    """
    findings = _worst_first(report.findings)
    evidence = collect(report)
    numbers = {id(finding): number for number, finding in enumerate(report.findings)}
    files = {file.path: number for number, file in enumerate(report.files)}
    for finding in findings:
        for path in [finding.path, *(other.path for other in finding.related)]:
            if path is not None:
                files.setdefault(path, len(files))
    rules = list(dict.fromkeys(finding.name for finding in findings))
    return {
        "files": [shown(path) for path in files],
        "rules": _rules(report, findings, rules),
        "findings": [_row(finding, numbers[id(finding)], rules.index(finding.name), files, evidence) for finding in findings],
        "views": [[[part.label, *part.segments] for part in view] for view in evidence.views],
        "clusters": _clusters(findings, files, evidence),
        "left": len(report.findings) - len(findings),
    }


def _worst_first(findings: Sequence[Finding]) -> Sequence[Finding]:
    if len(findings) <= MOST_FINDINGS:
        return findings
    return sorted(sorted(findings, key=lambda item: -item.severity.rank)[:MOST_FINDINGS], key=Finding.sort_key)


def _rules(report: Report, findings: Sequence[Finding], names: Sequence[str]) -> list[dict[str, Any]]:
    links = {rule.name: rule_link(rule) for rule in rules_of(report)}
    first = {finding.name: finding for finding in reversed(findings)}
    return [
        {"code": first[name].code, "name": name, "why": first[name].why, "help": first[name].help, "link": links.get(name)} for name in names
    ]


def _row(finding: Finding, number: int, rule: int, files: dict[str, int], evidence: Evidence) -> list[Any]:
    view = evidence.of_row.get((finding.path or "", finding.row or 0), -1)
    return [
        rule, finding.severity.rank, -1 if finding.path is None else files[finding.path], finding.line, finding.row, finding.end_line,
        finding.column, finding.count, shown(finding.message), shown(finding.excerpt.where) if finding.excerpt else "",
        _excerpt(finding.excerpt), [_partner(other, files, evidence) for other in finding.related[:10]], view,
        evidence.marks.get(number), finding.fix,
    ]  # fmt: skip


def _excerpt(excerpt: Excerpt | None) -> list[str] | None:
    if excerpt is None:
        return None
    text = excerpt.text
    return [shown(text[: excerpt.start]), shown(text[excerpt.start : excerpt.end]), shown(text[excerpt.end :])]


def _partner(other: Related, files: dict[str, int], evidence: Evidence) -> list[Any]:
    score = None if other.score is None else round(other.score, 3)
    return [files[other.path], other.line, other.row, score, evidence.of_row.get((other.path, other.row or 0), -1)]


def _clusters(findings: Sequence[Finding], files: dict[str, int], evidence: Evidence) -> list[list[list[Any]]]:
    """Return the clusters of copies, largest first: lists of members [file, line, row, view or -1], in order."""
    root: dict[tuple[int, int], tuple[int, int]] = {}
    line: dict[tuple[int, int], tuple[str, int | None]] = {}

    def find(member: tuple[int, int]) -> tuple[int, int]:
        while root[member] != member:
            root[member] = root[root[member]]
            member = root[member]
        return member

    for finding in findings:
        if finding.code not in _CLUSTERED or not finding.row or finding.path is None:
            continue
        ends = []
        for path, row, at in [(finding.path, finding.row, finding.line), *((o.path, o.row or 0, o.line) for o in finding.related)]:
            member = (files[path], row)
            root.setdefault(member, member)
            line[member] = (path, at)
            ends.append(find(member))
        for other in ends[1:]:
            root[find(other)] = find(ends[0])
    groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for member in sorted(root):
        groups[find(member)].append(member)
    ordered = sorted(groups.values(), key=lambda members: (-len(members), members[0]))
    return [
        [[member[0], line[member][1], member[1], evidence.of_row.get((line[member][0], member[1]), -1)] for member in members]
        for members in ordered
    ]


def severity_counts(report: Report) -> dict[str, int]:
    """Return findings by severity, worst first."""
    return {severity.value: report.count(severity) for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)}
