"""Preference pairs: a chosen and a rejected answer to one prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import screen
from tunelint.records.example import Turn
from tunelint.records.record import Record


def identical_pair(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """PREF001: chosen and rejected say the same, so the pair teaches nothing."""
    return _identical(record) if screen(record).pair else ()


def _identical(record: Record) -> Iterator[Hit]:
    chosen, rejected = sides(record)
    if not chosen or not rejected or _said(chosen) != _said(rejected):
        return
    if not any(text for _, text in _said(chosen)):
        return  # two empty answers: empty-content says so
    yield Hit("Chosen and rejected answer are the same.", pointer=rejected[-1].content_pointer, edit=Edit("drop"))


def sides(record: Record) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """Return the turns of the chosen and of the rejected answer, without the prompt where it is part of both.

    Where the two prompts differ, `rejected` is the whole rejected conversation (`Example.rejected`).
    """
    example = record.example
    chosen = [turn for turn in example.turns if turn.pointer.startswith(_CHOSEN)]
    if len(chosen) > 1 and len(chosen) == len(example.turns):  # TRL's implicit prompt: it stands inside both sides
        chosen = chosen[-1:]
    return chosen, example.rejected


_CHOSEN = ("/chosen", "/preferred_output", "/response_j")


def _said(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    return [(turn.role, " ".join(turn.text.split())) for turn in turns]
