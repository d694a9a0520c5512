"""From findings to decisions: which records leave, for which reason, and which edits the others get."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from tunelint.checks.hit import Edit
from tunelint.engine.result import Report
from tunelint.findings import Finding, Related, Severity

# safe-only: nothing is lost; fixes: also what the findings offer as a fix with loss (lint --fix --unsafe-fixes); default:
# what clean does unasked; unsafe: both.
Mode = Literal["safe-only", "fixes", "default", "unsafe"]

# What clean removes without being asked for unsafe fixes: exact copies, and train records that give eval records away.
# Of rewordings (LEAK005) a person, or --unsafe-fixes, must decide.
_DUPLICATES = {"DUP001"}
_LEAKS = {"LEAK001", "LEAK002", "LEAK003", "LEAK004", "LEAK006", "LEAK008"}
_UNSAFE_LEAKS = _LEAKS | {"LEAK005"}
_LOSSY = ("fixes", "unsafe")


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a record leaves: the rule, the finding's message, and the other record it was compared with."""

    rule: str
    reason: str
    twin: Related | None = None


@dataclass
class Decisions:
    """For one file: records by row, faulty lines by line, and the file-level fixes that apply."""

    rows: dict[int, Removal] = field(default_factory=dict)
    lines: dict[int, Removal] = field(default_factory=dict)
    edits: dict[int, list[Edit]] = field(default_factory=lambda: defaultdict(list))
    file_fixes: set[str] = field(default_factory=set)

    @property
    def empty(self) -> bool:
        """Nothing to do: the file can be copied as it is."""
        return not (self.rows or self.lines or self.edits or self.file_fixes)


def decide(report: Report, mode: Mode) -> dict[str, Decisions]:
    """Return the decisions for every file of a report, by path."""
    decisions = {file.path: Decisions() for file in report.files}
    place: Callable[[int], tuple[str, int]] | None = report.extras.get("place")
    decided: set[int] = set()
    # Errors first, then copies, then leaks: the first reason that applies is the one that is written down.
    for finding in sorted(report.findings, key=_order):
        if finding.path is None or finding.path not in decisions:
            continue
        _edit(finding, decisions[finding.path], mode)
        if mode != "safe-only":
            _remove(finding, decisions, mode, place, decided)
    for chosen in decisions.values():
        for row in chosen.rows:
            chosen.edits.pop(row, None)
    return decisions


def _order(finding: Finding) -> tuple[Any, ...]:
    return (finding.severity is not Severity.ERROR or finding.code.startswith("LEAK"), finding.code.startswith("LEAK"), finding.sort_key())


def _edit(finding: Finding, decisions: Decisions, mode: Mode) -> None:
    wanted = finding.fix == "safe" or (finding.fix == "unsafe" and mode in _LOSSY)
    if not wanted:
        return
    edit: Edit | None = finding.edit
    if edit is not None and edit.action != "drop" and finding.row is not None:
        decisions.edits[finding.row].append(edit)
    elif edit is None and (finding.line is None or finding.row is None):
        decisions.file_fixes.add(finding.name)


def _remove(
    finding: Finding,
    decisions: dict[str, Decisions],
    mode: Mode,
    place: Callable[[int], tuple[str, int]] | None,
    decided: set[int],
) -> None:
    assert finding.path is not None
    own = decisions[finding.path]
    leaks = _UNSAFE_LEAKS if mode in _LOSSY else _LEAKS
    if finding.code.startswith("LEAK"):
        if finding.code in leaks:
            _remove_partners(finding, decisions, place, decided)
        return
    drops = isinstance(finding.edit, Edit) and finding.edit.action == "drop"
    if finding.code in _DUPLICATES or (drops and mode in _LOSSY):
        reason: Removal | None = Removal(finding.name, finding.message, finding.related[0] if finding.related else None)
    elif finding.severity is Severity.ERROR and mode != "fixes" and not _mended(finding, mode):
        reason = Removal(finding.name, finding.message)
    else:
        reason = None
    if reason is None:
        return
    if finding.row is not None:
        own.rows.setdefault(finding.row, reason)
    elif finding.line is not None and finding.end_line is None:
        own.lines.setdefault(finding.line, reason)


def _mended(finding: Finding, mode: Mode) -> bool:
    return finding.fix == "safe" or (finding.fix == "unsafe" and mode in _LOSSY and finding.edit is not None)


def _remove_partners(finding: Finding, decisions: dict[str, Decisions], place: Callable[[int], tuple[str, int]] | None, decided: set[int]) -> None:
    """Drop the train side of a leak; the eval record itself always stays.

    `decided` holds the identities of the lists of partners that an earlier finding dropped: thousands of eval records may
    share one list.
    """
    twin = Related(finding.path or "", finding.line, finding.record, finding.score, finding.row)
    removal = Removal(finding.name, finding.message, twin)
    partners: Iterable[tuple[str, int]] = ((other.path, other.row or 0) for other in finding.related)
    if place is not None and "partners" in finding.details:
        if id(finding.details["partners"]) in decided:
            return
        decided.add(id(finding.details["partners"]))
        partners = (place(index) for index in finding.details["partners"])
    for path, row in partners:
        if path in decisions and row:
            decisions[path].rows.setdefault(row, removal)
