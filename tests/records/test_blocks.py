"""Rows of Gemini, Bedrock, Anthropic and Cohere as conversations, and what the rules say about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tunelint import lint
from tunelint.findings import Severity
from tunelint.records.shapes import detect
from tunelint.records.views import view

SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}


def gemini(number: int, *, order: Any = 7) -> dict[str, Any]:
    """A row after Vertex AI's page on supervised tuning data, with a call."""
    declared = {"name": "track", "parameters": {"type": "OBJECT", "properties": {"order": {"type": "INTEGER"}}, "required": ["order"]}}
    return {
        "systemInstruction": {"role": "whoever", "parts": [{"text": "You help."}]},
        "contents": [
            {"role": "user", "parts": [{"text": f"Where is parcel {number}?"}]},
            {"role": "model", "parts": [{"text": "I look."}, {"functionCall": {"name": "track", "args": {"order": order}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "track", "response": {"city": "Lyon"}}}]},
            {"role": "model", "parts": [{"text": f"It is in Lyon, street {number}."}]},
        ],
        "tools": [{"functionDeclarations": [declared]}],
    }


def bedrock(number: int, *, order: Any = 7) -> dict[str, Any]:
    """A row after AWS's page on Nova's tuning data, with a call and reasoning."""
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "You help."}],
        "messages": [
            {"role": "user", "content": [{"text": f"Where is parcel {number}?"}]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "They ask for a place."}}}, {"text": "I look."},
                {"toolUse": {"toolUseId": "t1", "name": "track", "input": {"order": order}}},
            ]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"city": "Lyon"}}]}}]},
            {"role": "assistant", "content": [{"text": f"It is in Lyon, street {number}."}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "track", "inputSchema": {"json": SCHEMA}}}]},
    }  # fmt: skip


def anthropic(number: int, *, order: Any = 7) -> dict[str, Any]:
    """A row after Anthropic's Messages API, as Bedrock takes it for Claude."""
    return {
        "system": "You help.",
        "messages": [
            {"role": "user", "content": f"Where is parcel {number}?"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "They ask for a place."}, {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "track", "input": {"order": order}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": '{"city": "Lyon"}'}]},
            {"role": "assistant", "content": f"It is in Lyon, street {number}."},
        ],
        "tools": [{"name": "track", "input_schema": SCHEMA}],
    }  # fmt: skip


FORMS = {"gemini": (gemini, "gemini"), "bedrock": (bedrock, "openai-chat"), "anthropic": (anthropic, "openai-chat")}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_are_the_same_conversation(form: str) -> None:
    row, shape = FORMS[form][0](3), FORMS[form][1]
    assert detect(row) == shape
    example = view(row, shape)
    assert [(turn.role, turn.content) for turn in example.turns] == [
        ("system", "You help."), ("user", "Where is parcel 3?"), ("assistant", "I look."), ("tool", '{"city": "Lyon"}'),
        ("assistant", "It is in Lyon, street 3."),
    ]  # fmt: skip
    (call,) = example.turns[2].calls
    assert (call.name, call.arguments) == ("track", {"order": 7})


@pytest.mark.parametrize("form", FORMS)
def test_rules_read_them(form: str, tmp_path: Path) -> None:
    rows = [FORMS[form][0](number) for number in range(12)]
    path = tmp_path / "train.jsonl"

    def found() -> list[tuple[str, int | None]]:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        report = lint([str(path)], ignore=["SIZE", "DUP", "SCH006"])
        return [(finding.name, finding.line) for finding in report.findings if finding.severity is not Severity.NOTE]

    assert found() == []
    rows[2] = FORMS[form][0](2, order="seven")
    last = rows[4]["contents" if form == "gemini" else "messages"][-1]
    last["parts" if form == "gemini" else "content"] = [{"type": "text", "text": " "} if form == "anthropic" else {"text": " "}]
    rows[6]["contents" if form == "gemini" else "messages"].pop(2)
    assert found() == [("arguments-break-schema", 3), ("empty-content", 5), ("unanswered-tool-call", 7)]


def test_preference_pairs_of_vertex_ai(tmp_path: Path) -> None:
    row = {
        "contents": [{"role": "user", "parts": [{"text": "Name a colour."}]}],
        "completions": [
            {"score": 0, "completion": {"role": "model", "parts": [{"text": "Tuesday."}]}},
            {"score": 1, "completion": {"role": "model", "parts": [{"text": "Blue."}]}},
        ],
    }
    assert detect(row) == "preference"
    example = view(row, "preference")
    assert [(turn.role, turn.content) for turn in example.turns] == [("user", "Name a colour."), ("assistant", "Blue.")]
    assert [turn.content for turn in example.rejected] == ["Tuesday."]
    same = json.loads(json.dumps(row).replace("Tuesday.", "Blue."))
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(same) + "\n")
    report = lint([str(path)], ignore=["SIZE", "DUP"], target="vertex")
    assert [(finding.name, finding.line) for finding in report.findings] == [("identical-pair", 2)]


def test_media_are_content(tmp_path: Path) -> None:
    parts = [{"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b.png"}}, {"fileData": {"mimeType": "audio/mp3", "fileUri": "gs://a/b.mp3"}}]
    for part in parts:
        row = {"contents": [{"role": "user", "parts": [part]}, {"role": "model", "parts": [{"text": "A dog."}]}]}
        path = tmp_path / "train.jsonl"
        path.write_text(json.dumps(row) + "\n")
        assert [finding.name for finding in lint([str(path)], ignore=["SIZE"]).findings if finding.severity is not Severity.NOTE] == []
    images = view({"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b.png"}}}},
    ]}]}, "openai-chat").turns[0].images  # fmt: skip
    assert [image.url for image in images] == ["data:image/png;base64,iVBOR", "s3://a/b.png"]


@pytest.mark.parametrize("broken", [
    {"contents": [3, {"role": 7, "parts": [None, {"functionCall": 3}, {"functionResponse": {}}, {"text": 3}]}]},
    {"contents": [{"parts": "x"}], "completions": [1, {"score": "x", "completion": [1]}], "systemInstruction": [1]},
    {"messages": [{"role": "user", "content": [{"toolResult": 3}, {"type": "tool_result"}, {"type": "tool_use"}, {"toolUse": {"name": 1}}]}]},
])  # fmt: skip
def test_malformed_blocks_never_raise(broken: dict[str, Any], tmp_path: Path) -> None:
    view(broken, detect(broken))
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(broken) + "\n")
    assert lint([str(path)], target="vertex").findings


def test_cohere_s_roles_are_told(tmp_path: Path) -> None:
    row = {"messages": [{"role": "System", "content": "Hi"}, {"role": "User", "content": "A?"}, {"role": "Chatbot", "content": "B."}]}
    assert [turn.role for turn in view(row, detect(row)).turns] == ["system", "user", "assistant"]
