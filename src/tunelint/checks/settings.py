"""Faults of what a run is told: entries of a baseline that accept nothing, a target that ends or whose facts are old.

These checks have the scope `settings`: they see neither bytes nor records, and run when the data has been checked. Each
yields hits with the file that they are about (None: none).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tunelint.checks.hit import Hit
from tunelint.findings import Severity

if TYPE_CHECKING:
    from tunelint.targets import Target


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """What was left of a baseline: names of rules that do not exist, each with a hint, and entries that fit nothing."""

    path: str
    unknown_rules: tuple[tuple[str, str], ...] = ()
    stale_entries: int = 0


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name in marks of a file's records that is no rule: the line of the first, a hint, how many records have it."""

    path: str
    line: int | None
    name: str
    hint: str
    count: int


@dataclass(frozen=True, slots=True)
class SettingsUse:
    """What a run was told, and the day of the run."""

    today: date
    baseline: BaselineUse | None = None
    target: Target | None = None
    marks: tuple[UnknownName, ...] = ()


def unknown_rule(use: SettingsUse, options: dict[str, Any]) -> Iterator[tuple[str | None, Hit]]:
    """CFG001: the baseline, or a mark inside a record, names a rule that does not exist."""
    if use.baseline is not None:
        for name, hint in use.baseline.unknown_rules:
            yield use.baseline.path, Hit(f"Baseline names the rule '{name}', which does not exist{hint or '.'}")
    for item in use.marks:
        what = "Mark names" if item.count == 1 else f"{item.count:,} marks name"
        yield item.path, Hit(f"{what} the rule '{item.name}', which does not exist{item.hint or '.'}", line=item.line, count=item.count)


def stale_baseline_entry(use: SettingsUse, options: dict[str, Any]) -> Iterator[tuple[str | None, Hit]]:
    """CFG002: an entry of the baseline fits no finding. One hit for all of them."""
    if use.baseline is not None and use.baseline.stale_entries:
        number = use.baseline.stale_entries
        what = "1 entry of the baseline fits" if number == 1 else f"{number:,} entries of the baseline fit"
        yield use.baseline.path, Hit(f"{what} no finding any more.", count=number)


def closing_service(use: SettingsUse, options: dict[str, Any]) -> Iterator[tuple[str | None, Hit]]:
    """CFG003: the target, or a part of it, ends or has ended. An error from the day itself on."""
    for fact in use.target.endings if use.target is not None else ():
        left = (fact.value - use.today).days
        when = f"in {left} days" if left > 1 else "tomorrow" if left == 1 else "today" if left == 0 else f"{-left:,} days ago"
        severity = Severity.ERROR if left <= 0 else Severity.WARNING if left <= options["warn_days"] else Severity.NOTE
        yield None, Hit(f"{fact.says.removesuffix('.')} ({fact.value}, {when}).", severity=severity)


def old_target_facts(use: SettingsUse, options: dict[str, Any]) -> Iterator[tuple[str | None, Hit]]:
    """CFG004: facts of the target were read so long ago that they may no longer hold. One hit for all of them."""
    old = use.target.old_facts(use.today, options["fresh_days"]) if use.target is not None else ()
    if old and use.target is not None:
        oldest = min(old, key=lambda fact: fact.read)
        what = "1 fact" if len(old) == 1 else f"{len(old)} facts"
        yield None, Hit(f"{what} about {use.target.title} may be out of date: '{oldest.name}' was read on {oldest.read}.", count=len(old))
