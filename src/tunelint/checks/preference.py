"""Preference pairs, one by one: are the answers different, and are they answers to the same prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import is_pair, only_where
from tunelint.records.example import Turn
from tunelint.records.record import Record

_CHOSEN = ("/chosen", "/preferred_output", "/response_j", "/completions")


@only_where(is_pair)
def identical_pair(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF001: chosen and rejected say the same, so the pair teaches nothing."""
    chosen, rejected = sides(record)
    if not chosen or not rejected or _begins(chosen[-1]) != _begins(rejected[-1]) or said(chosen) != said(rejected):
        return
    if any(text for _, text in said(chosen)):  # two empty answers: empty-content says so
        yield Hit("Chosen and rejected answer are the same.", pointer=rejected[-1].content_pointer, edit=Edit("drop"))


def _begins(turn: Turn) -> list[str]:
    """Return the first word of a turn: most pairs differ in it."""
    return turn.text.split(None, 1)[:1]


def sides(record: Record) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """Return the turns of the chosen and of the rejected answer, without the prompt where it is part of both.

    Where the two prompts differ, `rejected` is the whole rejected conversation (`Example.rejected`).
    """
    example = record.example
    chosen = _own_turns(record)
    if not chosen and example.rejected and example.answer_index is not None:  # ms-swift: the chosen answer ends the messages
        return example.turns[example.answer_index :], example.rejected
    if len(chosen) > 1 and len(chosen) == len(example.turns):  # TRL's implicit prompt: it stands inside both sides
        chosen = chosen[-1:]
    return chosen, example.rejected


def _own_turns(record: Record) -> list[Turn]:
    if record.value and "rejected_response" in record.value and record.example.answer is not None:  # ms-swift
        return [record.example.answer]
    return [turn for turn in record.example.turns if turn.pointer.startswith(_CHOSEN)]


def said(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """Return roles and texts of turns, white space left out of account."""
    return [(turn.role, " ".join(turn.text.split())) for turn in turns]


@only_where(is_pair)
def prompt_mismatch(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF002: the two answers of a pair belong to different prompts."""
    own, rejected = _own_turns(record), record.example.rejected
    if len(own) < 2 or len(rejected) < 2:  # prompts that agree are taken off `rejected`
        return
    left, right = said(own), said(rejected)
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one == other:
            continue
        if one[0] == other[0] == "assistant":
            return  # two courses of a conversation: from here on they differ as they should
        what = f"turn {index + 1}" if len(left) > 2 else "the prompt"
        message = f"Chosen and rejected differ in {what} ({own[index].own_role or 'a turn'}), before their answers."
        yield Hit(message, pointer=rejected[index].content_pointer)
        return
    if len(left) != len(right):
        longer, shorter = ("chosen", "rejected") if len(left) > len(right) else ("rejected", "chosen")
        yield Hit(f"The {longer} conversation goes on where the {shorter} one ends.", pointer=rejected[-1].content_pointer)
