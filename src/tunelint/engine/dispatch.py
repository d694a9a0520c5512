"""Which checks are due at a record: found out once per outline and set of signs, looked up for every other record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import Need, Screened
from tunelint.records.record import Record

RecordCheck = Callable[[Record, dict[str, Any]], Iterable[Hit]]
Entry = tuple[str, RecordCheck, dict[str, Any]]
"""A check with its rule's name before it and its options behind it."""

_ALWAYS = -1


class Dispatch:
    """The record checks of a run, and what they need (see `tunelint.checks.screen`)."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: list[tuple[Entry, Need]] = []
        for rule, check, options in entries:
            if isinstance(check, Screened):
                self._entries.append(((rule, check.check, options), check.need))
            else:
                self._entries.append(((rule, check, options), Need(signs=_ALWAYS)))
        self._by_kind: dict[int, tuple[list[tuple[Entry, int]], dict[int, Sequence[Entry]]]] = {}

    def due(self, record: Record) -> Sequence[Entry]:
        """Return the checks that may find something in a record, in the order of the run."""
        kind, signs = record.kind, record.signs
        known = self._by_kind.get(kind) if kind else None
        if known is None:
            # From records that have no outline, or nothing in common, there is nothing to learn.
            known = (self._open(record, bool(kind)), {})
            if kind:
                self._by_kind[kind] = known
        wanted, by_signs = known
        due = by_signs.get(signs)
        if due is None:
            due = by_signs[signs] = [entry for entry, needed in wanted if needed == _ALWAYS or signs & needed]
        return due

    def _open(self, record: Record, learns: bool) -> list[tuple[Entry, int]]:
        """Return the checks that may find something in a record of this outline, with the signs that it takes."""
        wanted = []
        for entry, need in self._entries:
            if need.by_outline:
                if not learns or _finds(entry, record):
                    wanted.append((entry, _ALWAYS))
            elif need.fact is not None and need.fact(record):
                wanted.append((entry, _ALWAYS))
            elif need.signs:
                wanted.append((entry, need.signs))
        return wanted


def _finds(entry: Entry, record: Record) -> bool:
    _, check, options = entry
    return next(iter(check(record, options)), None) is not None
