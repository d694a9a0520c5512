"""Turns written as content blocks: Anthropic's, Bedrock's (tool use and results among a message's contents), Gemini's parts.

The forms are those of Anthropic's Messages API, of AWS's Converse API (which `bedrock-conversation-2024` follows) and of
Vertex AI's `contents` (https://cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tunelint.records.example import Image, ToolCall, Turn

_TYPES = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})
_KEYS = frozenset({"toolUse", "toolResult", "reasoningContent", "functionCall", "functionResponse", "function_call", "function_response"})
GEMINI_ROLES = {"user": "user", "model": "assistant", "function": "tool", "system": "system"}


@dataclass
class Result:
    """What a tool returned: the id of its call where the format has ids, the tool's name where it has names."""

    id: str | None
    name: str | None
    text: str
    pointer: str


@dataclass
class Blocks:
    """The contents of one message. `foreign` says that a part is of a kind that is not read (audio, documents)."""

    texts: list[str] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    foreign: bool = False


def has_blocks(content: Any) -> bool:
    """Tell whether a message's content holds blocks that OpenAI's format has as keys of the message or as messages."""
    return isinstance(content, list) and any(isinstance(part, dict) and (_kind(part) in _TYPES or not _KEYS.isdisjoint(part)) for part in content)


def _kind(part: dict[str, Any]) -> str:
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""


def read_blocks(parts: Any, pointer: str) -> Blocks:
    """Return what a list of blocks at a pointer holds. Malformed blocks are left out."""
    blocks = Blocks()
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        if isinstance(part, str):
            blocks.texts.append(part)
        elif isinstance(part, dict):
            _read(part, f"{pointer}/{index}", blocks)
    return blocks


def _read(part: dict[str, Any], where: str, blocks: Blocks) -> None:
    kind = _kind(part)
    if kind in ("thinking", "redacted_thinking") or "reasoningContent" in part or part.get("thought") is True:
        blocks.reasoning.append(_text_in(part.get("thinking", part.get("reasoningContent", part.get("text")))))
        return
    call = _inner(part, kind == "tool_use", "toolUse", "functionCall", "function_call")
    result = _inner(part, kind == "tool_result", "toolResult", "functionResponse", "function_response")
    image = image_of(part)
    if call is not None and isinstance(call.get("name"), str):
        arguments = call.get("input", call.get("args", {}))
        blocks.calls.append(ToolCall(call["name"], {} if arguments is None else arguments, _id(call), where, in_text=True))
    elif result is not None:
        name = result.get("name")
        text = _text_in(result.get("content", result.get("response")))
        blocks.results.append(Result(_id(result), name if isinstance(name, str) else None, text, where))
    elif isinstance(part.get("text"), str):
        blocks.texts.append(part["text"])
    elif image is not None:
        blocks.images.append(Image(image, where))
    else:
        blocks.foreign = True


def _inner(part: dict[str, Any], whole: bool, *keys: str) -> dict[str, Any] | None:
    if whole:
        return part
    return next((part[key] for key in keys if isinstance(part.get(key), dict)), None)


def _id(block: dict[str, Any]) -> str | None:
    found = next((block[key] for key in ("tool_use_id", "toolUseId", "id") if key in block), None)
    return found if isinstance(found, str) else None


def _text_in(value: Any) -> str:
    """Return the text of a result or of reasoning: a string, blocks with texts, or any JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("reasoningText"), dict):
        value = value["reasoningText"]
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    if isinstance(value, list) and value and all(isinstance(item, dict) and not {"text", "json"}.isdisjoint(item) for item in value):
        return "\n".join(_text_in(item.get("text", item.get("json"))) for item in value)
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def image_of(part: dict[str, Any]) -> str | None:
    """Return the address or data URL of an image block, None for what is no image."""
    inline, file = (next((part[key] for key in keys if isinstance(part.get(key), dict)), None) for keys in _GEMINI_MEDIA)
    media = inline or file
    if media is not None:
        kind = media.get("mimeType", media.get("mime_type"))
        if not isinstance(kind, str) or not kind.startswith("image/"):
            return None
        found = media.get("fileUri", media.get("file_uri")) if inline is None else f"data:{kind};base64,{media.get('data', '')}"
        return found if isinstance(found, str) else None
    image = part if part.get("type") == "image" else part.get("image")
    source = image.get("source") if isinstance(image, dict) else None
    if not isinstance(source, dict):
        return None
    if isinstance(source.get("data"), str):  # Anthropic
        return f"data:{source.get('media_type', 'image/png')};base64,{source['data']}"
    if isinstance(source.get("bytes"), str) and isinstance(image, dict):  # Bedrock
        return f"data:image/{image.get('format', 'png')};base64,{source['bytes']}"
    place = source.get("s3Location")
    found = place.get("uri") if isinstance(place, dict) else source.get("url")
    return found if isinstance(found, str) else None


_GEMINI_MEDIA = (("inlineData", "inline_data"), ("fileData", "file_data"))


def block_turns(role: str, own_role: str, parts: Any, pointer: str, key: str, raw: Any, *, trained: bool = True) -> Iterator[Turn]:
    """Yield the turns of one message: one for every tool's result in it, and one for the rest, if there is any."""
    place = f"{pointer}/{key}"
    blocks = read_blocks(parts, place)
    for result in blocks.results:
        named = None if result.name is None else {"name": result.name}
        yield Turn("tool", result.text, result.pointer, result.pointer, own_role=own_role, call_id=result.id, raw=named)
    if blocks.texts or blocks.images or blocks.calls or not blocks.results:
        content_pointer = place
        if len(blocks.texts) == 1 == len(parts or ()):
            content_pointer = f"{place}/0" if isinstance(parts[0], str) else f"{place}/0/text"
        yield Turn(
            role, "\n".join(blocks.texts), pointer, content_pointer, own_role=own_role, calls=tuple(blocks.calls),
            images=tuple(blocks.images), trained=trained, raw=raw,
        )  # fmt: skip


def gemini_turns(contents: Any, pointer: str) -> Iterator[Turn]:
    """Yield the turns of a list of Gemini's contents, or of one content."""
    listed = contents if isinstance(contents, list) else [contents] if isinstance(contents, dict) else []
    for index, content in enumerate(listed):
        if isinstance(content, dict):
            given = content.get("role")
            own = given if isinstance(given, str) else "user"  # a single question needs no role
            where = f"{pointer}/{index}" if isinstance(contents, list) else pointer
            yield from block_turns(GEMINI_ROLES.get(own, own), own, content.get("parts"), where, "parts", content)


def gemini_system(value: dict[str, Any]) -> Iterator[Turn]:
    """Yield the system turn of a Gemini record, whose own role counts for nothing."""
    for key in ("systemInstruction", "system_instruction"):
        given = value.get(key)
        if isinstance(given, dict):
            yield from block_turns("system", "system", given.get("parts"), f"/{key}", "parts", given)
        elif isinstance(given, str) and given:
            yield Turn("system", given, f"/{key}", f"/{key}", own_role="system", raw=given)
