"""The order of a conversation's turns: one small automaton, walked once, whose forbidden steps are the findings.

The state is the role of the turn before (`start` before the first, and `end` is read after the last). What is no step of the
table is allowed. Sources of the table: the chat templates of Mistral and Gemma ("roles must alternate"), LLaMA-Factory's
converter (odd turns are the user's), FastChat (drops an answer that comes first), Together's file check (equal roles).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from tunelint.records.example import Turn

Misstep = Literal["opening-assistant-turn", "misplaced-system-message", "repeated-role", "last-turn-not-assistant"]

_SPOKEN = ("user", "assistant", "tool")
STEPS: dict[tuple[str, str], Misstep] = {
    ("start", "assistant"): "opening-assistant-turn",
    ("system first", "assistant"): "opening-assistant-turn",
    ("system first", "system"): "misplaced-system-message",
    **{(state, "system"): "misplaced-system-message" for state in (*_SPOKEN, "system")},
    ("user", "user"): "repeated-role",
    ("assistant", "assistant"): "repeated-role",
    **{(state, "end"): "last-turn-not-assistant" for state in ("user", "tool", "system", "system first")},
}


def missteps(turns: Sequence[Turn]) -> Iterator[tuple[Misstep, int]]:
    """Yield every forbidden step with the index of the turn that makes it (of the last turn, for `end`)."""
    state = "start"
    for index, turn in enumerate(turns):
        symbol = "system" if turn.role == "developer" else turn.role
        fault = STEPS.get((state, symbol))
        if fault is not None:
            yield fault, index
        state = "system first" if symbol == "system" and index == 0 else symbol
    fault = STEPS.get((state, "end"))
    if fault is not None:
        yield fault, len(turns) - 1


def indices(turns: Sequence[Turn], fault: Misstep) -> list[int]:
    """Return the indices of the turns that make one kind of misstep."""
    return [index for kind, index in missteps(turns) if kind == fault]
