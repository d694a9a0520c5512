"""convert: there and back is the identity where the page says so; where it is not, the loss is counted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests_rows import chat
from tunelint.fixes.convert import KINDS, Unconvertible, convert_record
from tunelint.records.shapes import detect

PAGE = Path(__file__).parents[2] / "docs/convert.md"
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
items = st.one_of(text, st.integers(), st.lists(text, max_size=2))
extras = st.dictionaries(st.sampled_from(["id", "source", "metadata", "difficulty"]), items, max_size=2)


def message(role: str) -> st.SearchStrategy[dict]:
    return text.map(lambda content: {"role": role, "content": content})


def turns(least: int = 1) -> st.SearchStrategy[list[dict]]:
    """Whole exchanges, with or without a system message."""
    exchange = st.tuples(message("user"), message("assistant")).map(list)
    body = st.lists(exchange, min_size=least, max_size=3).map(lambda pairs: [m for pair in pairs for m in pair])
    return st.tuples(st.lists(message("system"), max_size=1), body).map(lambda parts: [*parts[0], *parts[1]])


prompt = st.tuples(st.lists(message("system"), max_size=1), message("user")).map(lambda parts: [*parts[0], parts[1]])
answer = message("assistant").map(lambda one: [one])
weighted = turns().map(lambda messages: [{**m, "weight": 0} if m["role"] == "assistant" and len(m["content"]) % 2 else m for m in messages])


def record(**keys: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.tuples(st.fixed_dictionaries(keys), extras).map(lambda parts: {**parts[0], **parts[1]})


# The records for which docs/convert.md promises identity, by format.
RECORDS = {
    "openai-chat": record(messages=turns()),
    "sharegpt": record(conversations=st.lists(st.tuples(text, text), min_size=1, max_size=3).map(
        lambda pairs: [turn for a, b in pairs for turn in ({"from": "human", "value": a}, {"from": "gpt", "value": b})])),
    "prompt-completion": record(prompt=text, completion=text),
    "instruction": record(instruction=text, input=st.just(""), output=text),
    "openai-preference": record(input=st.fixed_dictionaries({"messages": prompt}), preferred_output=answer, non_preferred_output=answer),
    "preference": record(prompt=prompt, chosen=answer, rejected=answer),
    "kto": record(prompt=text, completion=text, label=st.booleans()),
    "prompt-only": record(prompt=prompt),
    "text": record(text=text),
}  # fmt: skip


def promised() -> list[tuple[str, str]]:
    """The pairs of formats in the page's table of loss-free ways."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [(shape, other) for shape, others in rows for other in re.findall(r"`([a-z-]+)`", others)]


def test_the_page_names_formats_and_promises_something():
    pairs = promised()
    assert len(pairs) >= 14
    assert {shape for pair in pairs for shape in pair} <= set(KINDS)
    assert {first for first, _ in pairs} >= {"openai-chat", "sharegpt", "prompt-completion", "instruction", "preference", "openai-preference"}


@pytest.mark.parametrize(("shape", "other"), promised())
@given(st.data())
def test_there_and_back_is_the_identity(shape, other, data):
    value = data.draw(RECORDS[shape])
    assert detect(value, shape) == shape
    [there], lost = convert_record(value, shape, other)
    assert lost == []
    assert detect(there, other) == other
    [back], lost = convert_record(there, other, shape)
    assert lost == []
    assert back == value


@given(weighted, extras)
def test_weights_and_extras_survive_sharegpt(messages, more):
    value = {"messages": messages, **more}
    [there], _ = convert_record(value, "openai-chat", "sharegpt")
    assert convert_record(there, "sharegpt", "openai-chat")[0] == [value]


INNER_KEYS = ["role", "content", "from", "value", "tool_calls", "function", "name", "arguments", "messages", "text", "type", "id"]
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), text, st.sampled_from(["user", "assistant", "human", "gpt", "function_call"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(INNER_KEYS), inner, max_size=4)),
    max_leaves=8,
)
KEYS = ["messages", "conversations", "prompt", "completion", "instruction", "input", "output", "chosen", "rejected", "label", "history", "system",
        "tools", "text", "preferred_output", "non_preferred_output", "rejected_response"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=5), st.sampled_from(sorted(KINDS)))
def test_junk_is_left_out_never_a_crash_and_what_comes_out_is_of_the_format(value, to):
    shape = detect(value)
    try:
        values, lost = convert_record(value, shape, to)
    except Unconvertible:
        return
    assert all(lost)
    if shape != to:
        assert all(detect(item, to) == to for item in values), values


def lossy(value: dict, to: str) -> tuple[list[dict], list[str]]:
    return convert_record(value, detect(value, None), to)


def test_losses_are_said():
    call = {"id": "c9", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    result = {"role": "tool", "tool_call_id": "c9", "content": "1"}
    tools = [{"type": "function", "function": {"name": "f"}}]
    question, answered = json.loads(chat("q", "a"))["messages"]
    value = {"messages": [question, {"role": "assistant", "content": None, "tool_calls": [call]}, result, answered], "tools": tools}
    [sharegpt], lost = lossy(value, "sharegpt")
    assert lost == ["the ids of tool calls"]
    assert sharegpt["conversations"][1] == {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'}
    assert sharegpt["conversations"][2] == {"from": "observation", "value": "1"}
    [back], lost = lossy(sharegpt, "openai-chat")
    assert lost == ["that tool calls had no ids (numbered ones are made up)"]
    assert back["messages"][1]["tool_calls"][0]["id"] == back["messages"][2]["tool_call_id"] == "call_1"
    assert back["tools"] == tools
    with pytest.raises(Unconvertible, match="calls tools"):
        lossy(value, "instruction")
    assert lossy({"instruction": "Add.", "input": "1 2", "output": "3"}, "openai-chat") == (
        [json.loads(chat("Add.\n1 2", "3"))], ["that 'input' was apart from the instruction"],
    )  # fmt: skip
    pair = {"prompt": "q", "chosen": "a", "rejected": "b"}
    assert lossy(pair, "prompt-completion") == ([{"prompt": "q", "completion": "a"}], ["the rejected answer"])
    assert lossy(pair, "kto")[0] == [{"prompt": "q", "completion": "a", "label": True}, {"prompt": "q", "completion": "b", "label": False}]
    assert lossy(json.loads(chat("q", "a")), "text") == ([{"text": "User: q\n\nAssistant: a"}], ["the roles (they become words of the text)"])
    assert lossy(json.loads(chat("q", "a")), "prompt-only") == ([{"prompt": [{"role": "user", "content": "q"}]}], ["the answer"])
    image = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, {"role": "assistant", "content": "a"}]}
    with pytest.raises(Unconvertible, match="images"):
        lossy(image, "instruction")
    with pytest.raises(Unconvertible, match="not a pair of answers"):
        lossy(json.loads(chat("q", "a")), "preference")
    hh = {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"}
    assert lossy(hh, "preference")[0][0] == hh
    assert lossy(hh, "openai-preference")[0][0]["preferred_output"] == [{"role": "assistant", "content": "a"}]


def test_files_of_all_kinds_and_what_is_left_out(tunelint, tmp_path):
    Path("data").mkdir()
    rows = [chat("q1", "a1", id=1), "", "{broken", chat("q2", "a2"), '{"instruction": "i", "output": "o"}']
    Path("data/train.jsonl").write_text("\n".join(rows) + "\n")
    Path("data/eval.csv").write_text('prompt,completion\nq,"a\nb"\n')
    ran = tunelint("convert", "data/train.jsonl", "data/eval.csv", "--to", "sharegpt")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "data/train.jsonl -> converted/train.jsonl: 3 records of 4 as sharegpt", "data/eval.csv -> converted/eval.jsonl: 1 record of 1 as sharegpt",
    ]  # fmt: skip
    assert "left out 1 record: it is no JSON object (kept in converted/removed.jsonl)" in ran.err
    lines = [json.loads(line) for line in Path("converted/train.jsonl").read_text().splitlines()]
    assert lines[0] == {"conversations": [{"from": "human", "value": "q1"}, {"from": "gpt", "value": "a1"}], "id": 1}
    [entry] = [json.loads(line) for line in Path("converted/removed.jsonl").read_text().splitlines()]
    assert (entry["line"], entry["rule"], entry["raw"]) == (3, "convert", "{broken")
    files = tunelint("lint", "converted", "--format", "json").json["files"]
    assert [(file["path"], file["split"], file["shape"]) for file in files] == [
        ("converted/train.jsonl", "train", "sharegpt"), ("converted/eval.jsonl", "eval", "sharegpt"),
    ]  # fmt: skip
    assert tunelint("convert", "data/train.jsonl", "--to", "sharegpt").code == 2  # not empty


def test_lossless_writes_nothing_unless_it_is(tunelint, tmp_path):
    Path("train.jsonl").write_text(chat("q", "a") + '\n{"instruction": "i", "input": "x", "output": "o"}\n')
    ran = tunelint("convert", "train.jsonl", "--to", "openai-chat", "--lossless")
    assert ran.code == 1
    assert "lost in 1 record: that 'input' was apart from the instruction (first: train.jsonl:2)" in ran.err
    assert not Path("converted").exists()
    Path("train.jsonl").write_text(chat("q", "a") + "\n")
    assert tunelint("convert", "train.jsonl", "--to", "sharegpt", "--lossless").code == 0


def test_a_duplicate_key_is_a_loss(tunelint, tmp_path):
    Path("train.jsonl").write_text('{"prompt": "a", "prompt": "b", "completion": "c"}\n')
    assert "lost in 1 record: all but the last value of a key that is there twice" in tunelint("convert", "train.jsonl", "--to", "sharegpt").err
    assert tunelint("convert", "train.jsonl", "--to", "sharegpt", "--lossless", "-o", "x").code == 1


def test_targets_marks_extras_and_standard_output(tunelint, tmp_path, capfdbinary):
    Path("tunelint.toml").write_text('in-record-key = "lint"\n')
    Path("a.jsonl").write_text(json.dumps({"instruction": "i", "output": "o", "lint": ["TEXT"], "id": 5}) + "\n")
    tunelint("convert", "a.jsonl", "--target", "openai")
    assert json.loads(Path("converted/a.jsonl").read_text()) == {
        "messages": [{"role": "user", "content": "i"}, {"role": "assistant", "content": "o"}], "id": 5,
    }  # fmt: skip
    tunelint("convert", "a.jsonl", "--target", "openai", "--drop-extra", "-o", "b")
    assert set(json.loads(Path("b/a.jsonl").read_text())) == {"messages"}
    assert tunelint("convert", "a.jsonl").code == 2
    assert tunelint("convert", "a.jsonl", "--to", "alpaca").code == 2
    assert "no target 'opnai'" in tunelint("convert", "a.jsonl", "--target", "opnai").err
    same = '{"messages":[{"role":"user",  "content":"q"},{"role":"assistant","content":"\\u0061"}]}\n'
    Path("c.jsonl").write_text(same)
    tunelint("convert", "c.jsonl", "--to", "openai-chat", "-o", "c")
    assert Path("c/c.jsonl").read_text() == same


_ODD = [None, 1, True, 1.5, "", "[" * 2000, [], [1], [{}], {}, {"a": 1}, {"text": 1}, "{}"]
_PLACES: list[tuple[dict, tuple]] = [
    ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}, ("messages", 1, "tool_calls")),
    ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}, ("messages", 1, "function_call")),
    ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"text": "a"}]}]}, ("messages", 1, "content", 0, "text")),
    ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, ("conversations", 1, "from")),
    ({"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "{}"}]}, ("conversations", 1, "value")),
    ({"prompt": "q", "completion": "a"}, ("tools",)),
    ({"contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}]}, ("contents", 1, "parts", 0, "text")),
]


@pytest.mark.parametrize("odd", _ODD, ids=lambda odd: json.dumps(odd)[:10])
@pytest.mark.parametrize(("record", "place"), _PLACES, ids=lambda item: "/".join(map(str, item)) if isinstance(item, tuple) else "")
def test_odd_values_are_converted_or_refused_with_a_reason(record, place, odd):
    record = json.loads(json.dumps(record))
    inner: Any = record
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = odd
    for to in KINDS:
        try:
            values, lost = convert_record(record, detect(record, None), to)
        except Unconvertible:
            continue
        assert values
        json.dumps([values, lost])
