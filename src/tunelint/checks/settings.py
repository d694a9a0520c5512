"""Faults of our own files: entries of a baseline that can accept nothing.

These checks have the scope `settings`: they see neither bytes nor records, and run when the baseline has been applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunelint.checks.hit import Hit


@dataclass(frozen=True, slots=True)
class BaselineUse:
    """What was left of a baseline: names of rules that do not exist, each with a hint, and entries that fit nothing."""

    unknown_rules: tuple[tuple[str, str], ...]
    stale_entries: int


def unknown_rule(use: BaselineUse, options: dict[str, Any]) -> Iterator[Hit]:
    """CFG001: the baseline names a rule that does not exist."""
    for name, hint in use.unknown_rules:
        yield Hit(f"Baseline names the rule '{name}', which does not exist{hint or '.'}")


def stale_baseline_entry(use: BaselineUse, options: dict[str, Any]) -> Iterator[Hit]:
    """CFG002: an entry of the baseline fits no finding. One hit for all of them."""
    if use.stale_entries:
        what = "1 entry of the baseline fits" if use.stale_entries == 1 else f"{use.stale_entries:,} entries of the baseline fit"
        yield Hit(f"{what} no finding any more.", count=use.stale_entries)
