"""Answers that only give the prompt back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.records.example import Turn
from tunelint.records.record import Record
from tunelint.similarity.words import normalised, words

_LONG_PROMPT = 80  # characters from which a prompt repeated at the start of an answer is no coincidence


def echoed_prompt(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN009: the answer is the user's turn again, or begins with all of it."""
    example = record.example
    answer = example.answer
    if answer is None or _begin_apart(example.prompt_turns, answer.content):
        return
    asked = [turn for turn in example.prompt_turns if turn.role == "user"]
    if not asked or answer.calls or answer.images:
        return
    prompt, reply = asked[-1].content.strip(), answer.content.strip()
    if not prompt or len(reply) < 0.7 * len(prompt):
        return
    if len(reply) > 1.4 * len(prompt):
        if len(prompt) >= _LONG_PROMPT and reply.startswith(prompt):
            yield Hit("Answer begins with the whole prompt.", pointer=answer.content_pointer)
        return
    if not _may_be_the_same(prompt, reply):
        return
    asked_words = words(prompt)
    if len(asked_words) >= options["from_words"] and asked_words == words(reply):
        yield Hit("Answer is a copy of the prompt.", pointer=answer.content_pointer)


def _begin_apart(prompt: Sequence[Turn], reply: str) -> bool:
    """Tell most records by two letters: prompt and answer begin with different ones."""
    if not prompt or prompt[-1].role != "user":
        return False
    one, other = prompt[-1].content[:2], reply[:2]
    # Two letters of each suffice to tell that no combining mark changes the first.
    return one[:1].isalnum() and other[:1].isalnum() and one[0].lower() != other[0].lower() and (one + other).isascii()


def _may_be_the_same(prompt: str, reply: str) -> bool:
    """Compare the first letters and digits, which equal words must share: splitting every answer into words is dear."""
    first, second = ([char for char in normalised(text[:60]) if char.isalnum()] for text in (prompt, reply))
    # The last characters of a cut text may lack what they combine with, so they do not count.
    shared = min(len(first), len(second)) - 4
    return shared <= 0 or first[:shared] == second[:shared]
