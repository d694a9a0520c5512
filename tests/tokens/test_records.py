"""Tokens per record, as OpenAI counts a chat request."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelint.records.chunks import Chunk
from tunelint.records.reader import records_of
from tunelint.records.views import view
from tunelint.tokens.counters import counter_for
from tunelint.tokens.records import count_examples

JARGON = [
    {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
    {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
    {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
    {"role": "system", "name": "example_user",
     "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
    {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
    {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."},
]  # fmt: skip
WEATHER = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ],
    "tools": [{"type": "function", "function": {
        "name": "get_current_weather", "description": "Get the current weather in a given location",
        "parameters": {"type": "object", "required": ["location"], "properties": {
            "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
            "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]},
        }}}}],
}  # fmt: skip


def total(record: dict[str, Any], shape: str, model: str) -> int:
    return int(count_examples([view(record, shape)], counter_for(model))[0])


@pytest.mark.parametrize(("model", "messages", "tools"), [("gpt-4o", 124, 101), ("gpt-4", 129, 105)])
def test_the_counts_that_openai_publishes(model: str, messages: int, tools: int) -> None:
    """The cookbook "How to count tokens with tiktoken" compares these two requests with what the API billed."""
    assert total({"messages": JARGON}, "openai-chat", model) == messages
    assert total(WEATHER, "openai-chat", model) == tools


def test_other_shapes_count_their_text() -> None:
    counter = counter_for("gpt-4o")
    record = {"instruction": "Translate to German.", "input": "Good morning", "output": "Guten Morgen"}
    wanted = counter.count(["Translate to German.\nGood morning", "Guten Morgen"]).sum()
    assert total(record, "instruction", "gpt-4o") == wanted


def test_both_answers_of_a_pair_count() -> None:
    pair = {"prompt": "Where is it?", "chosen": "On its way.", "rejected": "No idea at all."}
    wanted = counter_for("gpt-4o").count(["Where is it?", "On its way.", "No idea at all."]).sum()
    assert total(pair, "preference", "gpt-4o") == wanted


def test_a_call_counts_its_name_and_arguments() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "track", "arguments": '{"id": 7}'}}
    wanted = 3 + 3 + 3 + counter_for("gpt-4o").count(["assistant", "track", '{"id": 7}']).sum()
    assert total({"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}, "openai-chat", "gpt-4o") == wanted


_CALL = st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": st.sampled_from(["", "a", "find"]), "arguments": st.just("{}")})})
_MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": st.sampled_from(["", " ", "hi", "hello there", "ж"]) | st.none()},
    optional={"name": st.sampled_from(["", "ann", "bob"]), "tool_calls": st.lists(_CALL, max_size=2), "weight": st.sampled_from([0, 1])},
)
_CHAT = st.fixed_dictionaries(
    {"messages": st.lists(_MESSAGE, max_size=3)}, optional={"tools": st.just(WEATHER["tools"]), "functions": st.just([{"name": "f"}])}
)
_OTHER = st.fixed_dictionaries({"instruction": st.sampled_from(["do", "do it"]), "output": st.sampled_from(["", "done"])})


@given(st.lists(_CHAT | _OTHER, max_size=8))
def test_what_records_of_one_kind_share_is_counted_as_for_each_alone(rows: list[dict[str, Any]]) -> None:
    data = b"".join(json.dumps(row).encode() + b"\n" for row in [*rows, *rows])
    records = [record for record in records_of(Chunk(data=data)) if record.value is not None]
    counter = counter_for("gpt-4o")
    together = count_examples([record.example for record in records], counter, [record.kind for record in records])
    assert together.tolist() == [count_examples([record.example], counter)[0] for record in records]


def test_arguments_as_an_object_count_as_json() -> None:
    def record(arguments: Any) -> dict[str, Any]:
        return {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}]}

    assert total(record({"city": "Köln"}), "openai-chat", "gpt-4o") == total(record('{"city": "Köln"}'), "openai-chat", "gpt-4o")


def test_no_records_and_empty_records() -> None:
    assert count_examples([], counter_for("gpt-4o")).tolist() == []
    assert count_examples([view({}, "unknown"), view({"messages": []}, "openai-chat")], counter_for("gpt-4o")).tolist() == [0, 3]


def test_malformed_tools_do_not_raise() -> None:
    tools = [None, 3, {"function": None}, {"function": {"name": 1, "parameters": {"properties": {"a": None, "b": {"enum": [1, "x"]}}}}}]
    counts = count_examples([view({"messages": [], "tools": tools}, "openai-chat")], counter_for("gpt-4o"))
    assert counts[0] > 12


def test_repeated_texts_are_counted_once() -> None:
    seen: list[str] = []

    class Spy:
        name, exact, note = "spy", True, ""

        def count(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
            seen.extend(texts)
            return np.ones(len(texts), dtype=np.int64)

    record = view({"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]}, "openai-chat")
    totals = count_examples([record] * 50, Spy())
    assert sorted(seen) == ["be kind", "hi", "system", "user"]
    assert totals.tolist() == [3 + 2 * (3 + 2)] * 50
