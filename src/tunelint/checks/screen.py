"""Which records a check has to look at.

Most checks look for something that most records cannot hold. What a check needs stands at its head: `by_outline` where the
record's outline decides whether anything is found (see `tunelint.records.outline`), `only_where` where it takes tools, images
or a pair, or signs in the record's bytes (see `tunelint.records.signs`). The engine asks once per outline and set of signs
and then calls, record by record, only the checks that are due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.records.record import Record

Check = Callable[[Record, dict[str, Any]], Iterable[Hit]]
Fact = Callable[[Record], bool]

_PAIRS = frozenset({"preference", "openai-preference"})
_TOOL_KEYS = frozenset({"tools", "functions", "available_tools"})
_IMAGE_KEYS = frozenset({"images", "image"})


@dataclass(frozen=True)
class Need:
    """What a check needs: a `fact` that records of one outline share, or one of the `signs`; `by_outline`: what it says of one
    record it says of all with its outline, at least when it is silent."""

    by_outline: bool = False
    fact: Fact | None = None
    signs: int = 0


class Screened:
    """A check with what it needs: called directly, it looks only where that is met."""

    def __init__(self, check: Check, need: Need) -> None:
        self.check = check
        self.need = need
        update_wrapper(self, check)

    def __call__(self, record: Record, options: dict[str, Any]) -> Iterable[Hit]:
        """Return the check's hits."""
        need = self.need
        if need.by_outline or (need.fact is not None and need.fact(record)) or record.signs & need.signs:
            return self.check(record, options)
        return ()


def by_outline(check: Check) -> Screened:
    """Mark a check that is silent on all records of an outline, or on none: it reads keys, types, roles and whether texts are
    empty, never what they say."""
    return Screened(check, Need(by_outline=True))


def only_where(fact: Fact | None = None, signs: int = 0) -> Callable[[Check], Screened]:
    """Mark a check that finds something only in records of which `fact` is true (and which an outline decides), or that have
    one of the signs."""
    return lambda check: Screened(check, Need(fact=fact, signs=signs))


def is_pair(record: Record) -> bool:
    """Tell a preference record."""
    return record.shape in _PAIRS


def has_tools(record: Record) -> bool:
    """Tell whether a record has calls, tool results or tool declarations."""
    example = record.example
    if example.tools or not _TOOL_KEYS.isdisjoint(record.value or {}):
        return True
    if any(turn.calls or turn.role == "tool" or turn.own_role in ("function_call", "tool_call") for turn in example.turns):
        return True
    return any(turn.calls or turn.role == "tool" for turn in example.rejected)


def has_images(record: Record) -> bool:
    """Tell whether a record has image parts, or a key for images."""
    return not _IMAGE_KEYS.isdisjoint(record.value or {}) or any(turn.images for turn in record.example.turns)
