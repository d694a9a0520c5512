"""The automaton of turns against patterns that say the same in another way, on every short conversation."""

from __future__ import annotations

import re
from itertools import product

import pytest

from tunelint.checks.order import indices, missteps
from tunelint.records.example import Turn

LETTERS = {"s": "system", "d": "developer", "u": "user", "a": "assistant", "t": "tool"}
CONVERSATIONS = ["".join(letters) for length in range(1, 6) for letters in product("suat", repeat=length)] + ["dua", "uda", "sda"]


def turns(letters: str) -> list[Turn]:
    return [Turn(LETTERS[letter], "text", f"/messages/{index}", "", own_role=LETTERS[letter]) for index, letter in enumerate(letters)]


def every(pattern: str, letters: str) -> list[int]:
    """The indices at which a pattern of two letters ends, overlapping ones too."""
    return [index + 1 for index in range(len(letters) - 1) if re.fullmatch(pattern, letters[index : index + 2])]


def test_every_short_conversation() -> None:
    for letters in CONVERSATIONS:
        conversation = turns(letters)
        systems = letters.replace("d", "s")
        assert indices(conversation, "repeated-role") == every("uu|aa", letters), letters
        assert indices(conversation, "misplaced-system-message") == [i for i, letter in enumerate(systems) if letter == "s" and i], letters
        opening = re.match("s?a", systems)
        assert indices(conversation, "opening-assistant-turn") == ([opening.end() - 1] if opening else []), letters
        assert indices(conversation, "last-turn-not-assistant") == ([] if letters.endswith("a") else [len(letters) - 1]), letters


@pytest.mark.parametrize("letters", ["", "a", "ua", "suata"])
def test_nothing_is_found_twice(letters: str) -> None:
    found = list(missteps(turns(letters)))
    assert len(found) == len(set(found))


def test_an_unknown_role_is_no_step_of_the_table() -> None:
    conversation = [*turns("u"), Turn("critic", "text", "/messages/1", "", own_role="critic"), *turns("a")]
    assert list(missteps(conversation)) == []
