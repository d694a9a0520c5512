"""ShareGPT's turns (from/value) and OpenAI's messages (role/content), both ways.

The words for the roles are those of LLaMA-Factory's data/README and Axolotl's dataset formats.
"""

from __future__ import annotations

import json
from typing import Any

from tunelint.fixes.convert.neutral import Message, Neutral, Unconvertible, joined_text
from tunelint.records.views import ROLES

_WORDS = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
_CALLS = ("function_call", "tool_call")


def turns_to_messages(turns: Any, neutral: Neutral) -> list[Message]:
    """Return the messages of a list of turns; turns that are written as messages are taken as they are."""
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise Unconvertible("its conversation is no list of turns")
    messages: list[Message] = []
    pending: list[str] = []
    for turn in turns:
        if "from" not in turn:
            messages.append(dict(turn))
            continue
        word, value = turn["from"], turn.get("value")
        rest = {key: item for key, item in turn.items() if key not in ("from", "value")}
        if word in _CALLS and isinstance(value, str):
            calls = _calls(value, len(pending), neutral)
            pending += [call["id"] for call in calls]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls, **rest})
            continue
        if not isinstance(word, str):
            raise Unconvertible("the 'from' of a turn is no text")
        role = ROLES.get(word, word)
        if role in _WORDS and _WORDS[role] != word:
            neutral.lose(f"the role name '{word}'")
        message: Message = {"role": role, "content": value, **rest}
        if role == "tool" and pending:
            message["tool_call_id"] = pending.pop(0)
        messages.append(message)
    return messages


def _calls(value: str, number: int, neutral: Neutral) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise Unconvertible("a function_call turn is not JSON") from error
    neutral.lose("that tool calls had no ids (numbered ones are made up)")
    calls = []
    for index, call in enumerate(parsed if isinstance(parsed, list) else [parsed]):
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise Unconvertible("a function_call turn names no function")
        arguments = call.get("arguments", {})
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        calls.append({"id": f"call_{number + index + 1}", "type": "function", "function": {"name": call["name"], "arguments": written}})
    return calls


def messages_to_turns(messages: list[Message], neutral: Neutral) -> list[dict[str, Any]]:
    """Return the turns of messages. Keys of a message that are not part of it (weight, name) stay on its turn."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        known = ("role", "content", "tool_calls", "tool_call_id", "function_call")
        rest = {key: item for key, item in message.items() if key not in known}
        role, calls = message.get("role"), message.get("tool_calls") or []
        if message.get("function_call"):
            calls = [{"function": message["function_call"]}]
        if not isinstance(calls, list):
            raise Unconvertible("its tool calls are no list")
        if role == "developer":
            neutral.lose("the role name 'developer' (it becomes system)")
            role = "system"
        if "tool_call_id" in message or any(isinstance(call, dict) and "id" in call for call in calls):
            neutral.lose("the ids of tool calls")
        if message.get("content") not in (None, "") or not calls:
            turns.append({"from": _WORDS.get(str(role), role), "value": joined_text(message.get("content"), neutral), **rest})
        if calls:
            if message.get("content"):
                neutral.lose("that a text and a tool call were one turn")
            named = [_call(call) for call in calls]
            turns.append({"from": "function_call", "value": json.dumps(named[0] if len(named) == 1 else named, ensure_ascii=False)})
    return turns


def _call(call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise Unconvertible("a tool call names no function")
    arguments = function.get("arguments", "{}")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError) as error:
            raise Unconvertible("the arguments of a tool call are not JSON") from error
    return {"name": function["name"], "arguments": arguments}
