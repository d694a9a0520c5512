"""Conversations over the window are shortened to the longest beginning that fits; what has none is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunelint.checks.token_fixes import DROP, shortened
from tunelint.records.record import Record
from tunelint.records.views import view
from tunelint.tokens.context import TokenContext, token_context

FIXTURES = Path(__file__).parent / "fixtures"
CALL = {"id": "1", "type": "function", "function": {"name": "find", "arguments": "{}"}}

turn = st.tuples(st.sampled_from(["user", "assistant", "call", "tool", "off"]), st.integers(0, 12))


def message(kind: str, words: int) -> dict:
    content = " ".join(["word"] * words)
    if kind == "call":
        return {"role": "assistant", "content": content, "tool_calls": [CALL]}
    if kind == "off":
        return {"role": "assistant", "content": content, "weight": 0}
    return {"role": kind, "content": content}


def fits(context: TokenContext, messages: list[dict]) -> tuple[bool, bool]:
    """Whether a conversation fits the window whole, and whether anything of it is trained."""
    value = {"messages": messages}
    outcome = context.outcomes([(value, view(value, "openai-chat"))])[0]
    return outcome.kept == outcome.tokens, outcome.fate == "trained"


def ends(messages: list[dict]) -> list[int]:
    return [
        number + 1
        for number, item in enumerate(messages[:-1])
        if item["role"] == "assistant" and item["content"] and "tool_calls" not in item
    ]


@pytest.mark.parametrize("tokenizer", [None, str(FIXTURES / "chatml")])
@pytest.mark.parametrize("target", ["openai", "trl", "axolotl", "llamafactory"])
@given(st.lists(turn, min_size=1, max_size=9), st.integers(1, 90))
@example([("user", 0), ("assistant", 1), ("assistant", 1), ("user", 0)], 16)
@settings(max_examples=40, deadline=None)
def test_the_longest_beginning_that_fits(tokenizer: str | None, target: str, turns: list[tuple[str, int]], window: int) -> None:
    messages = [message(*item) for item in turns]
    context = token_context(tokenizer, target).with_window(window)
    edit = shortened(context, Record(1, 1, 0, b"", {"messages": messages}, shape="openai-chat"))
    possible = [end for end in ends(messages) if all(fits(context, messages[:end]))]
    if edit == DROP:
        assert not possible
    else:
        assert edit.action == "cut"
        assert edit.pointer == f"/messages/{max(possible)}"


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"prompt": "one", "completion": "two"}, "prompt-completion"),
        ({"text": "one two"}, "text"),
        ({"prompt": "one", "chosen": "two", "rejected": "three"}, "preference"),
        ({"messages": "none"}, "openai-chat"),
    ],
)
def test_what_is_no_conversation_is_dropped(value: dict, shape: str) -> None:
    context = token_context(None, "openai").with_window(1)
    assert shortened(context, Record(1, 1, 0, b"", value, shape=shape)) == DROP
