"""Converting from and to the forms of Vertex AI, Bedrock, Anthropic and Cohere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tunelint.fixes.convert import Unconvertible, convert_record

CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "track", "arguments": '{"order": 7}'}},
        ]},
        {"role": "tool", "tool_call_id": "t1", "content": '{"city": "Lyon"}'},
        {"role": "assistant", "content": "In Lyon."},
    ],
    "tools": [{"type": "function", "function": {"name": "track", "parameters": {"type": "object", "properties": {}}}}],
}  # fmt: skip
GEMINI: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "You help."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Where is it?"}]},
        {"role": "model", "parts": [{"text": "I look."}, {"functionCall": {"name": "track", "args": {"order": 7}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "track", "response": {"city": "Lyon"}}}]},
        {"role": "model", "parts": [{"text": "In Lyon."}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "track", "parameters": {"type": "object", "properties": {}}}]}],
}


def test_chat_to_gemini_and_back() -> None:
    (made,), lost = convert_record(CHAT, "openai-chat", "gemini")
    assert made == GEMINI
    assert lost == ["the ids of tool calls"]
    (back,), lost = convert_record(GEMINI, "gemini", "openai-chat")
    assert back == json.loads(json.dumps(CHAT).replace("t1", "call_1"))
    assert lost == ["that tool calls had no ids (numbered ones are made up)"]


def test_bedrock_and_anthropic_to_chat() -> None:
    bedrock = {
        "schemaVersion": "bedrock-conversation-2024", "system": [{"text": "You help."}],
        "messages": [
            {"role": "user", "content": [{"text": "Where is it?"}]},
            {"role": "assistant", "content": [{"text": "I look."}, {"toolUse": {"toolUseId": "t1", "name": "track", "input": {"order": 7}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": '{"city": "Lyon"}'}]}}]},
            {"role": "assistant", "content": [{"text": "In Lyon."}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "track", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]},
    }  # fmt: skip
    assert convert_record(bedrock, "openai-chat", "openai-chat") == ([CHAT], [])
    anthropic = {
        "system": "You help.",
        "messages": [
            {"role": "user", "content": "Where is it?"},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."}, {"type": "tool_use", "id": "t1", "name": "track", "input": {"order": 7}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": '{"city": "Lyon"}'}]},
            {"role": "assistant", "content": "In Lyon."},
        ],
        "tools": [{"name": "track", "input_schema": {"type": "object", "properties": {}}}],
    }  # fmt: skip
    assert convert_record(anthropic, "openai-chat", "openai-chat") == ([CHAT], [])


def test_cohere_to_chat() -> None:
    row = {"messages": [{"role": "User", "content": "A?"}, {"role": "Chatbot", "content": "B."}]}
    assert convert_record(row, "openai-chat", "openai-chat")[0] == [
        {"messages": [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]}
    ]


def test_vertex_pairs_to_openai_s() -> None:
    row = {
        "system_instruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"role": "user", "parts": [{"text": "A?"}]}],
        "completions": [
            {"score": 1, "completion": {"role": "model", "parts": [{"text": "B."}]}},
            {"score": 0, "completion": {"role": "model", "parts": [{"text": "C."}]}},
        ],
    }  # fmt: skip
    assert convert_record(row, "preference", "openai-preference") == ([{
        "input": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A?"}]},
        "preferred_output": [{"role": "assistant", "content": "B."}], "non_preferred_output": [{"role": "assistant", "content": "C."}],
    }], [])  # fmt: skip


@pytest.mark.parametrize("row", [
    {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBOR"}}]}]},
    {"contents": [{"role": "bot", "parts": [{"text": "A"}]}]},
    {"contents": [{"role": "user", "parts": [{"functionResponse": {"name": "track", "response": {}}}]}]},
    {"contents": [3]},
])  # fmt: skip
def test_what_cannot_be_said_is_left_out(row: dict[str, Any]) -> None:
    with pytest.raises(Unconvertible):
        convert_record(row, "gemini", "openai-chat")


@pytest.mark.parametrize("messages", [
    [{"role": "user", "content": "A?"}, {"role": "system", "content": "B"}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]}],
    [{"role": "tool", "tool_call_id": "x", "content": "B"}],
])  # fmt: skip
def test_what_gemini_cannot_hold_is_left_out(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(Unconvertible):
        convert_record({"messages": messages}, "openai-chat", "gemini")
