"""The kinds of findings that clean can do something about, for a person to accept or decline one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tunelint.engine.result import Report
from tunelint.findings import Finding
from tunelint.fixes.decide import Mode, decide

_MODES: tuple[Mode, ...] = ("safe-only", "default", "unsafe")


@dataclass(frozen=True, slots=True)
class Kind:
    """One rule's findings: how many records they edit and remove, the first of them, and the mode that does it."""

    rule: str
    findings: int
    edited: int
    removed: int
    mode: Mode
    example: Finding


def kinds_of(report: Report) -> list[Kind]:
    """Return the kinds, harmless ones first: safe fixes, then what clean removes unasked, then fixes with loss.

    A rule that can mend with loss what clean would remove otherwise is offered as mending.
    """
    kinds: list[Kind] = []
    for rule in report.by_rule:
        found = report.of_rule(rule)
        effects = {mode: _effect(report, found, mode) for mode in _MODES}
        mode = next((mode for mode in _MODES if effects[mode][0]), None) or next((mode for mode in _MODES if effects[mode][1]), None)
        if mode is not None:
            kinds.append(Kind(rule, len(found), *effects[mode], mode, found[0]))
    return sorted(kinds, key=lambda kind: _MODES.index(kind.mode))


def _effect(report: Report, findings: tuple[Finding, ...], mode: Mode) -> tuple[int, int]:
    """Return how many records (or files) the findings alone would edit and remove."""
    alone = Report(report.files, findings, extras=report.extras)
    counts: Counter[str] = Counter()
    for chosen in decide(alone, mode).values():
        counts["edited"] += len(chosen.edits) + len(chosen.file_fixes)
        counts["removed"] += len(chosen.rows) + len(chosen.lines)
    return counts["edited"], counts["removed"]


def settle(report: Report, kinds: list[Kind], accepted: set[str]) -> tuple[Mode, tuple[str, ...]]:
    """Return the mode and the rules to ignore that do what was accepted, and only that."""
    mode: Mode = "unsafe" if any(kind.mode == "unsafe" and kind.rule in accepted for kind in kinds) else "default"
    declined = (kind.rule for kind in kinds if kind.rule not in accepted)
    return mode, tuple(rule for rule in declined if any(_effect(report, report.of_rule(rule), mode)))
