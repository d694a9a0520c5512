"""Is the record a record of its shape at all: known shape, required keys, right types, no stray keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.screen import by_outline
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.locate import escape
from tunelint.records.record import Record
from tunelint.records.shapes import (
    ANSWER_KEYS,
    CHOSEN_KEYS,
    CONVERSATION_KEYS,
    INSTRUCTION_ANSWERS,
    NAMING_KEYS,
    PROMPT_KEYS,
    REWARD_KEYS,
    SHAPES,
    near_key,
)
from tunelint.records.views import is_exchange

_TELLING_KEYS = (
    "messages", "conversations", "prompt", "completion", "question", "answer", "instruction", "output", "text", "chosen",
    "rejected", "preferred_output", "non_preferred_output", "input",
)  # fmt: skip


@by_outline
def unknown_shape(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH001: the keys match no known format."""
    if record.shape != "unknown" or record.value is None:
        return
    keys = list(record.value)
    for key in keys:
        near = near_key(key, _TELLING_KEYS)
        if near is not None and near != key:
            yield Hit(f"Record has the key '{key}' where the format wants '{near}'.", pointer="/" + escape(key))
            return
    listed = ", ".join(f"'{key}'" for key in keys[:6]) + (", ..." if len(keys) > 6 else "")
    yield Hit(f"Record is in no known training format; its keys are {listed or 'none'}.")


@by_outline
def missing_field(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH002: a key that the record's shape requires is not there."""
    value = record.value or {}
    for key, pointer in _missing(value, record.shape):
        yield Hit(f"Record lacks '{key}', which {_article(record.shape)} record must have.", pointer=pointer)
    for key, wanted in _OTHER_NAMES.get(record.shape, ()) if options["exact_names"] else ():
        if key in value and wanted not in value:
            yield Hit(f"Record has '{key}'; the target reads '{wanted}' and no other name.", pointer="/" + escape(key))


_OTHER_NAMES = {
    "prompt-completion": tuple((key, keys[0]) for keys in (PROMPT_KEYS, ANSWER_KEYS) for key in keys[1:]),
    "text": (("content", "text"),),
}


def _article(shape: str) -> str:
    return ("an " if shape[0] in "aeio" else "a ") + shape


def _missing(value: dict[str, Any], shape: str) -> Iterator[tuple[str, str]]:
    """Yield the missing keys with the pointer of the object that should hold them."""
    if shape in ("openai-chat", "prompt-only") and "messages" in value:
        yield from _missing_in_turns(value["messages"], "/messages")
    elif shape == "sharegpt":
        key = next(key for key in CONVERSATION_KEYS if key in value)
        yield from _missing_in_turns(value[key], f"/{key}")
    elif shape == "gemini":
        for index, content in enumerate(value["contents"]):
            if isinstance(content, dict) and "parts" not in content:
                yield "parts", f"/contents/{index}"
    elif shape == "prompt-completion":
        if not any(key in value for key in PROMPT_KEYS):
            yield "prompt", ""
        if not any(key in value for key in ANSWER_KEYS):
            yield "answer" if "question" in value else "completion", ""
    elif shape == "instruction":
        if "instruction" not in value:
            yield "instruction", ""
        if not any(key in value for key in (*INSTRUCTION_ANSWERS, "targets", "target", "history")):
            yield "output", ""
    elif shape == "preference" and "rejected_response" in value:
        if "messages" in value:
            yield from _missing_in_turns(value["messages"], "/messages")
    elif shape == "preference" and "completions" in value and "contents" in value:
        return
    elif shape == "preference":
        chosen, rejected = next(keys for keys in CHOSEN_KEYS if keys[0] in value or keys[1] in value)
        for key in (chosen, rejected):
            if key not in value:
                yield key, ""
    elif shape == "openai-preference":
        for key in ("input", "preferred_output", "non_preferred_output"):
            if key not in value:
                yield key, ""
        if isinstance(value.get("input"), dict):
            if "messages" not in value["input"]:
                yield "messages", "/input"
            yield from _missing_in_turns(value["input"].get("messages"), "/input/messages")
        for key in ("preferred_output", "non_preferred_output"):
            yield from _missing_in_turns(value.get(key), f"/{key}")


def _missing_in_turns(turns: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if not isinstance(turns, list):
        return
    for index, turn in enumerate(turns):
        if not isinstance(turn, dict) or is_exchange(turn):
            continue
        where = f"{pointer}/{index}"
        spoken = "from" in turn or "value" in turn
        if "role" not in turn and "from" not in turn:
            yield "from" if spoken else "role", where
        if "content" not in turn and "value" not in turn and not turn.get("tool_calls") and not turn.get("function_call"):
            yield "value" if spoken else "content", where


_TEXT = (str,)
_TEXT_OR_TURNS = (str, list)


@by_outline
def wrong_type(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH003: a value has a type that no trainer reads there."""
    value = record.value or {}
    for pointer, found, wanted in _wrong(value, record.shape):
        yield Hit(f"{_where(pointer)} is {_type_name(found)}, not {wanted}.", pointer=pointer)


def _wrong(value: dict[str, Any], shape: str) -> Iterator[tuple[str, Any, str]]:
    turns_key = "messages" if "messages" in value else next((key for key in CONVERSATION_KEYS if key in value), None)
    if shape in ("openai-chat", "prompt-only", "sharegpt", "kto") and turns_key is not None:
        yield from _wrong_turns(value[turns_key], f"/{turns_key}")
        if isinstance(value[turns_key], list) and not value[turns_key]:
            yield f"/{turns_key}", value[turns_key], "a list with at least one message"
    if shape in ("prompt-completion", "instruction"):
        keys = ("instruction", "input", *INSTRUCTION_ANSWERS) if shape == "instruction" else (*PROMPT_KEYS, *ANSWER_KEYS)
        wanted = _TEXT if shape == "instruction" else _TEXT_OR_TURNS
        for key in keys:
            if key in value and not isinstance(value[key], wanted) and not (key in ("input", "context") and value[key] is None):
                yield f"/{key}", value[key], "text"
            elif isinstance(value.get(key), list) and not all(isinstance(part, dict) for part in value[key]):
                yield f"/{key}", value[key], "text or a list of messages"
            elif shape == "prompt-completion" and key == "completion" and isinstance(value.get(key), str) and isinstance(value.get("prompt"), list):
                yield "/completion", value[key], "a list of messages like the prompt"
    if shape == "text":
        key = "text" if "text" in value else "content"
        if key in value and not isinstance(value[key], str) and not (key == "content" and isinstance(value[key], list)):
            yield f"/{key}", value[key], "text"
    if shape == "preference":
        for key in (name for pair in CHOSEN_KEYS for name in pair):
            if key in value and not isinstance(value[key], str | list | dict):
                yield f"/{key}", value[key], "text or a list of messages"
            elif isinstance(value.get(key), list):
                yield from _wrong_turns(value[key], f"/{key}")
            elif isinstance(value.get(key), dict) and "messages" in value[key]:
                yield from _wrong_turns(value[key]["messages"], f"/{key}/messages")
        yield from _uneven(value)
    if shape == "openai-preference":
        yield from _wrong_preference(value)
    if shape == "gemini":
        yield from _wrong_contents(value["contents"])
    tools = value.get("tools")
    if "tools" in value and tools is not None and not isinstance(tools, list | str):
        yield "/tools", tools, "a list of tools"


def _uneven(value: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield an empty side of a pair, and a text opposite a list of messages: they cannot be joined to one prompt."""
    for chosen, rejected in CHOSEN_KEYS:
        sides = [value[key] for key in (chosen, rejected) if key in value]
        for key in (chosen, rejected):
            if value.get(key) == []:
                yield f"/{key}", [], "a list with at least one message"
        if len(sides) == 2 and isinstance(sides[0], list) and isinstance(sides[1], str):
            yield f"/{rejected}", sides[1], f"a list of messages like '{chosen}'"
        elif len(sides) == 2 and isinstance(sides[0], str) and isinstance(sides[1], list):
            yield f"/{rejected}", sides[1], f"text like '{chosen}'"


def _wrong_preference(value: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    if "input" in value and not isinstance(value["input"], dict):
        yield "/input", value["input"], "an object with messages"
    elif isinstance(value.get("input"), dict) and "messages" in value["input"]:
        yield from _wrong_turns(value["input"]["messages"], "/input/messages")
        if value["input"]["messages"] == []:
            yield "/input/messages", [], "a list with at least one message"
    for key in ("preferred_output", "non_preferred_output"):
        if key in value:
            yield from _wrong_turns(value[key], f"/{key}")
            if isinstance(value[key], list) and not value[key]:
                yield f"/{key}", value[key], "a list with one assistant message"


def _wrong_contents(contents: list[Any]) -> Iterator[tuple[str, Any, str]]:
    for index, content in enumerate(contents):
        if not isinstance(content, dict):
            yield f"/contents/{index}", content, "an object with a role and parts"
            continue
        parts = content.get("parts", [{}])
        if not isinstance(parts, list) or not parts:
            yield f"/contents/{index}/parts", parts, "a list with at least one part"
            continue
        for number, part in enumerate(parts):
            if not isinstance(part, dict):
                yield f"/contents/{index}/parts/{number}", part, "a part, such as an object with a text"
            elif "text" in part and not isinstance(part["text"], str):
                yield f"/contents/{index}/parts/{number}/text", part["text"], "text"


def _wrong_turns(turns: Any, pointer: str) -> Iterator[tuple[str, Any, str]]:
    if not isinstance(turns, list):
        yield pointer, turns, "a list of messages"
        return
    for index, turn in enumerate(turns):
        where = f"{pointer}/{index}"
        if not isinstance(turn, dict):
            yield where, turn, "a message object"
            continue
        for key in ("role", "from"):
            if key in turn and not isinstance(turn[key], str):
                yield f"{where}/{key}", turn[key], "text"
        key = "content" if "content" in turn else "value"
        if key in turn and turn[key] is not None and not isinstance(turn[key], str):
            if isinstance(turn[key], list):
                yield from _wrong_parts(turn[key], f"{where}/{key}")
            else:
                yield f"{where}/{key}", turn[key], "text or a list of parts"
        calls = turn.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            yield f"{where}/tool_calls", calls, "a list of calls"


_PART_KEYS = frozenset({"text", "image", "image_url", "video", "audio", "document", "file", "toolUse", "toolResult", "reasoningContent"})


_TEXT_KEYS = ("text", "value", "content")


def _part_text(part: dict[str, Any]) -> Any:
    return next((part[key] for key in _TEXT_KEYS if key in part), None)


def _wrong_parts(parts: list[Any], pointer: str) -> Iterator[tuple[str, Any, str]]:
    for index, part in enumerate(parts):
        where = f"{pointer}/{index}"
        if isinstance(part, str):
            continue
        # Bedrock's parts have no type: {"text": ...}, {"image": ...} (AWS Converse content blocks).
        if not isinstance(part, dict) or (not isinstance(part.get("type"), str) and _PART_KEYS.isdisjoint(part)):
            yield where, part, "a content part with a type"
        elif part.get("type", "text" if "text" in part else None) == "text" and not isinstance(_part_text(part), str):
            key = next((key for key in _TEXT_KEYS if key in part), None)
            yield (where, part, "a part with its text") if key is None else (f"{where}/{key}", part[key], "text")


def _where(pointer: str) -> str:
    return f"'{pointer.strip('/').replace('/', '.')}'"


def _type_name(value: Any) -> str:
    if isinstance(value, list) and not value:
        return "an empty list"
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


@needs("shape")
def mixed_shapes(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH004: records of several formats stand in one file. One hit per minority shape, at its first record."""
    shapes = survey.column("shape")
    unknown = SHAPES.index("unknown")
    for index in range(len(survey.files)):
        rows = np.flatnonzero(survey.file == index)
        codes, first, counts = np.unique(shapes[rows], return_index=True, return_counts=True)
        known = [(int(count), int(code), int(rows[start])) for code, start, count in zip(codes, first, counts, strict=True) if code != unknown]
        if len(known) < 2:
            continue
        most, majority, _ = max(known, key=lambda item: (item[0], -item[2]))
        for count, code, at in known:
            if code != majority:
                others = rows[shapes[rows] == code][1:6]
                yield Hit(
                    f"{count:,} of the file's records {'is' if count == 1 else 'are'} {SHAPES[code]}; most ({most:,}) are {SHAPES[majority]}.",
                    at=at, related=tuple(Partner(int(other)) for other in others),
                )  # fmt: skip


_TURN_KEYS = frozenset(
    {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "weight", "refusal", "audio", "from", "value",
     "train", "train_detail", "loss", "loss_weight", "reasoning", "reasoning_content", "thinking", "tools", "images", "id"}
)  # fmt: skip
_ROW_KEYS = frozenset(
    {"messages", "tools", "functions", "parallel_tool_calls", "function_call", "tool_choice", "weight", "system", "images",
     "image", "videos", "video", "audios", "audio", "label", "kto_tag", "chat_template_kwargs", "loss_weight", "margin",
     "prompt", "history", "conversations", "response_format", "schemaVersion", "toolConfig", "score", "score_chosen", "score_rejected"}
)  # fmt: skip


@by_outline
def stray_key(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH005: a key that the chat format does not have; strict services refuse it, others ignore it. One hit a record,
    and one more at its first message with such a key."""
    if record.shape != "openai-chat" or record.value is None:
        return
    own = frozenset(options["allow"])
    known = frozenset(options["record_keys"]) or _ROW_KEYS | REWARD_KEYS | frozenset(NAMING_KEYS)
    refused = Severity.ERROR if options["refused"] else None
    yield from _strays([("/" + escape(key), key) for key in record.value if key not in known | own], known, "record", refused)
    inner = [
        (f"{turn.pointer}/{escape(key)}", key)
        for turn in record.example.turns
        if isinstance(turn.raw, dict)
        for key in turn.raw
        if key not in _TURN_KEYS and key not in own
    ]
    yield from _strays(inner, _TURN_KEYS, "message", None)


def _strays(strays: list[tuple[str, str]], known: frozenset[str], what: str, severity: Severity | None) -> Iterator[Hit]:
    if strays:
        pointer, key = strays[0]
        near = near_key(key, known)
        are = f" and {len(strays) - 1} more are" if len(strays) > 1 else " is"
        hint = f"; did you mean '{near}'?" if near else "."
        yield Hit(f"Key '{key}'{are} not part of a chat {what}{hint}", pointer=pointer, severity=severity)


@needs("shape")
def foreign_shape(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SCH009: a file has records in a format that the target does not read. One hit a file and format."""
    accepted = options["accepted"]
    if not accepted:
        return
    shapes = survey.column("shape")
    for index in range(len(survey.files)):
        rows = np.flatnonzero(survey.file == index)
        codes, first, counts = np.unique(shapes[rows], return_index=True, return_counts=True)
        for code, start, count in zip(codes.tolist(), first.tolist(), counts.tolist(), strict=True):
            if SHAPES[code] not in (*accepted, "unknown"):
                number = "1 record is" if count == 1 else f"{count:,} records are"
                yield Hit(f"{number} {SHAPES[code]}; the target reads {', '.join(accepted)}.", at=int(rows[start]))
