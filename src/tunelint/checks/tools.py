"""Tool calls as a whole: what is called, with which arguments, who answers."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import has_tools, only_where
from tunelint.checks.texts import all_turns
from tunelint.checks.wording import kind_of, short
from tunelint.findings import Severity
from tunelint.records.example import ToolCall, Turn
from tunelint.records.lenient import parse_or_none
from tunelint.records.record import Record


@only_where(has_tools)
def invalid_arguments_json(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TOOL001: the arguments of a call are no JSON object."""
    for turn in all_turns(record):
        if turn.own_role in ("function_call", "tool_call") and not turn.calls and turn.content.strip() and isinstance(turn.raw, dict):
            yield from _unread_call(turn)
        for call in turn.calls:
            yield from _argument(call, turn)


def _argument(call: ToolCall, turn: Turn) -> Iterator[Hit]:
    arguments = call.arguments
    in_text = call.in_text
    pointer = call.pointer if in_text else f"{call.pointer}/arguments"
    if isinstance(arguments, dict):
        return
    if arguments is None:
        what = f"Call of '{short(call.name)}' has no arguments; a call without any is written {{}}."
        yield Hit(what, pointer=call.pointer, severity=Severity.WARNING)
        return
    if not isinstance(arguments, str):
        yield Hit(f"Arguments of '{short(call.name)}' are {kind_of(arguments)}, not a JSON object.", pointer=pointer)
        return
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError) as error:
        yield _broken(call, arguments, error, pointer, in_text)
        return
    if not isinstance(value, dict):
        yield Hit(f"Arguments of '{short(call.name)}' hold {kind_of(value)}, not a JSON object.", pointer=pointer)


def _broken(call: ToolCall, arguments: str, error: Exception, pointer: str, in_text: bool) -> Hit:
    name = short(call.name)
    if not arguments.strip():
        edit = None if in_text else Edit("set", pointer, "{}")
        return Hit(f"Arguments of '{name}' are an empty text; a call without any is written {{}}.", pointer=pointer, edit=edit)
    literal = _python_literal(arguments)
    if literal is not None:
        edit = None if in_text else Edit("set", pointer, literal)
        message = f"Arguments of '{name}' are a Python literal, not JSON (single quotes, True, None)."
        return Hit(message, pointer=pointer, edit=edit, fix="unsafe" if edit else None)
    position = getattr(error, "pos", 0)
    reason = getattr(error, "msg", "nested too deeply")
    span = None if in_text else (position, min(position + 1, len(arguments)))
    return Hit(f"Arguments of '{name}' are no JSON: {reason[0].lower()}{reason[1:]} at character {position + 1}.", pointer=pointer, span=span)


def _python_literal(text: str) -> str | None:
    """Return the JSON of a Python dict's repr, None where the text is none (a frequent slip: str() for json.dumps())."""
    try:
        value = ast.literal_eval(text)
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _unread_call(turn: Turn) -> Iterator[Hit]:
    """A turn whose role says call and whose text is none: LLaMA-Factory stops at it."""
    text = turn.content.strip()
    if "</think>" in text:
        text = text.rsplit("</think>", 1)[1].strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "nested too deeply")
        yield Hit(f"Turn of role '{turn.own_role}' holds no JSON: {reason[0].lower()}{reason[1:]}.", pointer=turn.content_pointer)
        return
    calls = value if isinstance(value, list) else [value]
    if not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        yield Hit(f"Turn of role '{turn.own_role}' holds no call: an object with a name and arguments.", pointer=turn.content_pointer)


@only_where(has_tools)
def arguments_form(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TOOL006: arguments in the form (text or object) that the target does not take, or in both forms within a record."""
    wanted = options["form"]
    seen: set[type] = set()
    for turn in all_turns(record):
        for call in turn.calls:
            kind = type(call.arguments)
            if kind not in (str, dict) or call.in_text:
                continue
            seen.add(kind)
            pointer = f"{call.pointer}/arguments"
            if wanted == "string" and kind is dict:
                edit = Edit("set", pointer, json.dumps(call.arguments, ensure_ascii=False))
                yield Hit(f"Arguments of '{short(call.name)}' are an object; the target takes a text of JSON.", pointer=pointer, edit=edit)
            elif wanted == "object" and kind is str:
                parsed = parse_or_none(call.arguments)
                if isinstance(parsed, dict):  # else invalid-arguments-json speaks
                    object_edit = Edit("set", pointer, parsed) if _round_trips(call.arguments, parsed) else None
                    yield Hit(f"Arguments of '{short(call.name)}' are a text; the target takes an object.", pointer=pointer, edit=object_edit)
            elif wanted == "either" and len(seen) > 1:
                yield Hit("Arguments are a text in one call and an object in another; Arrow refuses such a column.", pointer=pointer)
                return


def _round_trips(text: str, parsed: dict[str, Any]) -> bool:
    """Tell whether the object says all that the text said: no key twice, no number out of range."""
    repeated = False

    def noticing(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        made = dict(pairs)
        repeated = repeated or len(made) != len(pairs)
        return made

    try:
        json.loads(text, object_pairs_hook=noticing)
        return not repeated and bool(json.loads(json.dumps(parsed)) == parsed)
    except (ValueError, RecursionError):
        return False
