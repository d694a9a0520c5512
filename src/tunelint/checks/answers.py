"""Answers that only give the prompt back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.records.record import Record
from tunelint.similarity.words import normalised, words

_LONG_PROMPT = 80  # characters from which a prompt repeated at the start of an answer is no coincidence


def echoed_prompt(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN009: the answer is the user's turn again, or begins with all of it."""
    example = record.example
    answer = example.answer
    asked = [turn for turn in example.prompt_turns if turn.role == "user"]
    if answer is None or not asked or answer.calls or answer.images:
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


def _may_be_the_same(prompt: str, reply: str) -> bool:
    """Compare the first letters and digits, which equal words must share: splitting every answer into words is dear."""
    one, other = prompt[0], reply[0]
    # Two letters suffice to tell that no combining mark changes the first.
    if one.isalnum() and other.isalnum() and one.lower() != other.lower() and (prompt[:2] + reply[:2]).isascii():
        return False
    first, second = ([char for char in normalised(text[:60]) if char.isalnum()] for text in (prompt, reply))
    # The last characters of a cut text may lack what they combine with, so they do not count.
    shared = min(len(first), len(second)) - 4
    return shared <= 0 or first[:shared] == second[:shared]
