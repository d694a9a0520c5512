"""Answers that run in circles: the same words again and again until the tokens ran out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.texts import place, taught
from tunelint.records.example import Turn
from tunelint.records.record import Record

_PROBE = 16  # characters: short enough to be inside one round of a loop, long enough to be rare elsewhere
_PROBES = 3
_SHORTEST = 160
_LONGEST_ROUND = 600
_ASKED = re.compile(
    r"\brepeat|\btimes\b|\bagain and again|\bchant|\bsong|\blyrics|\bpoem|\bpoetry|\bchorus|\brefrain|\bmantra|\bloop|\bpattern|\bascii|"
    r"повтор|песн|стих|раз\b|重复|歌|诗|繰り返|詩|반복|노래|wiederhol|lied|gedicht|répét|chanson|poème|repit|repet|canci|poema|verse|rap\b|hymn|nursery",
    re.IGNORECASE,
)


def repetition_loop(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT007: a stretch of an answer that comes again and again without a break.

    A few probes are counted in the text (a loop that takes a third of an answer holds at least one of them); only
    where one of them occurs often is the period looked for.
    """
    if len(record.raw) < _SHORTEST:
        return ()
    suspects = [(turn, probe) for turn in taught(record) for probe in (_suspicious(turn.content, options["least_rounds"]),) if probe]
    return _loops(record, suspects, options) if suspects else ()


def _suspicious(text: str, rounds: int) -> str:
    """Return a probe that occurs as often as a loop's text does, "" where there is none."""
    length = len(text)
    if length < _SHORTEST:
        return ""
    step = max(_PROBE, length // _PROBES)
    for start in range(length - _PROBE, -1, -step):
        probe = text[start : start + _PROBE]
        if text.count(probe) >= rounds and any(map(str.isalnum, probe)):
            return probe
    return ""


def _loops(record: Record, suspects: list[tuple[Turn, str]], options: dict[str, Any]) -> Iterator[Hit]:
    asked = any(_ASKED.search(turn.content) for turn in record.example.turns if turn.role in ("user", "system"))
    for turn, _ in suspects:
        found = _longest_loop(turn.content)
        if found is None:
            continue
        start, period, rounds = found
        unit = turn.content[start : start + period]
        long_enough = period * rounds >= options["least_share"] * len(turn.content) or period * rounds >= 600
        least = options["least_rounds"] * (10 if asked else 1)
        if rounds < least or not long_enough or not _is_wording(unit, rounds):
            continue
        pointer, span = place(record, turn, (start, min(start + 2 * period, len(turn.content))))
        shown = " ".join(unit.split())
        quoted = shown if len(shown) <= 40 else shown[:39] + "…"
        yield Hit(f"Answer repeats '{quoted}' {rounds} times in a row.", pointer=pointer, span=span)


def _is_wording(unit: str, rounds: int) -> bool:
    """Tell words from rulers, empty tables, digits and the rhythm of a list."""
    if rounds >= 50 and len(unit) * rounds >= 400 and any(map(str.isalnum, unit)):
        return True
    letters = sum(map(str.isalpha, unit))
    if letters < 0.5 * len(unit.strip() or "-") or letters < 2:
        return False
    words = len(unit.split())
    wide = any(char >= "\u2e80" for char in unit)  # scripts that part no words by spaces
    return words >= 3 or rounds >= 20 or (wide and letters >= 4)


def _longest_loop(text: str) -> tuple[int, int, int] | None:
    """Return start, period and number of rounds of the longest stretch that repeats itself without a break."""
    best: tuple[int, int, int] | None = None
    position = 0
    while position + _SHORTEST // 2 <= len(text):
        probe = text[position : position + _PROBE]
        again = text.find(probe, position + 1, position + _LONGEST_ROUND + _PROBE)
        if again < 0:
            position += _PROBE
            continue
        period = again - position
        end = position + period
        while end < len(text) and text[end] == text[end - period]:
            end += 1
        start = position
        while start > 0 and text[start - 1] == text[start - 1 + period]:
            start -= 1
        rounds = (end - start) // period
        if rounds >= 3 and (best is None or end - start > best[1] * best[2]):
            best = (start, period, rounds)
        position = max(position + _PROBE, end - period)
    return best
