"""Cutting a record for a reader: marks stand where the fault is, nothing long, nothing secret, nothing active."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tunelint.records.record import Record
from tunelint.records.shapes import detect
from tunelint.report.record_view import AROUND, HEAD, TAIL, WHOLE, Place, shown, view_record


def record(value: dict) -> Record:
    return Record(1, 1, 0, json.dumps(value).encode(), value, shape=detect(value, None))


def chat(*contents: str) -> dict:
    roles = ["user", "assistant"] * len(contents)
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]}


def marked(view, number: int) -> str:
    part, segment, start, end = view.marks[number]
    text = view.parts[part].segments[segment]
    assert isinstance(text, str)
    return text[start:end]


@given(st.text(max_size=2_500), st.data())
def test_a_mark_is_the_fault_and_the_gaps_add_up(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 200)))
    view = view_record(record(chat("hello", text)), [Place("/messages/1/content", (start, end)), Place("/messages/0/content")])
    assert marked(view, 1) == "hello"
    assert marked(view, 0) == shown(text[start:end])
    pieces = view.parts[1].segments
    if len(text) <= WHOLE:
        assert pieces == [shown(text)]
    else:
        assert pieces[0] == shown(text)[: len(pieces[0])]
        kept = sum(len(piece) for piece in pieces if isinstance(piece, str))
        gaps = sum(piece for piece in pieces if isinstance(piece, int))
        assert gaps <= len(text)
        if text.isprintable():
            assert kept + gaps == len(text)
            assert kept <= HEAD + TAIL + 2 * AROUND + 200 + 3 * TAIL


def test_places_outside_of_turns_and_missing_ones():
    value = {**chat("q", "a"), "tools": [{"type": "function", "function": {"name": "f"}}]}
    view = view_record(record(value), [Place("/tools/0/function/name"), Place("/messages/0/role"), Place("/messages/1/weight")])
    assert [part.label for part in view.parts[2:]] == ["tools[0].function.name", "messages[0].role", "messages[1].weight"]
    assert [marked(view, number) for number in range(3)] == ["f", "user", "(nothing there)"]


def test_parts_of_a_message_and_a_whole_message():
    content = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    value = {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "a"}]}
    view = view_record(record(value), [Place("/messages/0/content/1/text", (1, 2)), Place("/messages/1")])
    assert marked(view, 0) == "w"
    assert marked(view, 1) == "a"


def test_many_turns_are_cut_in_the_middle_but_not_the_fault():
    view = view_record(record(chat(*[f"turn {number}" for number in range(60)])), [Place("/messages/30/content")])
    assert len(view.parts) == 14
    assert marked(view, 0) == "turn 30"
    assert view.parts[7].segments == ["47 more turns"]


def test_a_record_of_no_known_shape_shows_its_keys():
    view = view_record(record({"x": "one", "y": [1, 2]}), [])
    assert [(part.label, part.segments) for part in view.parts] == [("x", ["one"]), ("y", ["[1, 2]"])]


def test_secrets_are_masked_even_where_the_cut_goes_through_them():
    key = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    text = "w " * (HEAD // 2 - 10) + key + " " + "v " * 900
    view = view_record(record(chat(text, "a")), [])
    whole = "".join(str(segment) for segment in view.parts[0].segments)
    assert key[:20] not in whole
    assert "sk-…" in whole
