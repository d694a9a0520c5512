"""Tool calls: declared, called, answered; and each way in which one of the three goes wrong. Ids have nine letters and digits."""

from __future__ import annotations

import json
from typing import Any

from row_kit import Row, chat, group, reply, say, system, user

PARAMETERS = {
    "type": "object",
    "properties": {"planet": {"type": "string"}, "unit": {"type": "string", "enum": ["km", "mi"]}, "limit": {"type": "integer"}},
    "required": ["planet"],
}


def tool(name: str = "moons", **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "List moons.", "parameters": PARAMETERS, **function}}


def call(arguments: Any = '{"planet": "Mars"}', name: str = "moons", identity: str | None = "moonsMars", **more: Any) -> dict[str, Any]:
    made = {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}, **more}
    return {key: value for key, value in made.items() if not (key == "id" and value is None)}


def calls(*made: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(made) or [call()], **more}


def result(identity: str | None = "moonsMars", content: Any = '["Phobos", "Deimos"]', **more: Any) -> dict[str, Any]:
    return {"role": "tool", **({} if identity is None else {"tool_call_id": identity}), "content": content, **more}


def row(*middle: Any, tools: Any = None, end: Any = None) -> dict[str, Any]:
    """Return question, the messages given, and the last answer, with the one tool declared unless others are."""
    return chat(user(), *middle, *([reply()] if end is None else end), tools=[tool()] if tools is None else tools)


SECOND = call('{"planet": "Earth"}', identity="moonEarth")
BOTH = (result(), result("moonEarth", '["Moon"]'))

_VALID = {
    "call, result, answer": row(calls(), result()),
    "with a system message": chat(system(), user(), calls(), result(), reply(), tools=[tool()]),
    "call without content key": row({"role": "assistant", "tool_calls": [call()]}, result()),
    "call with empty content": row(calls(content=""), result()),
    "call as the last turn": row(calls(), end=()),
    "parallel calls": row(calls(call(), SECOND), *BOTH),
    "parallel calls, results in the other order": row(calls(call(), SECOND), *reversed(BOTH)),
    "one call after another": row(calls(), result(), calls(SECOND), BOTH[1]),
    "call after an exchange": chat(user("Hello"), reply("Hello! Ask away."), user(), calls(), result(), reply(), tools=[tool()]),
    "a question behind the answer": row(calls(), result(), reply(), user("And Earth?"), calls(SECOND), BOTH[1]),
    "declared and not called": row(),
    "two tools": row(calls(), result(), tools=[tool(), tool("weather")]),
    "tool without parameters": row(calls(call("{}")), result(), tools=[{"type": "function", "function": {"name": "moons"}}]),
    "all arguments": row(calls(call('{"planet": "Mars", "unit": "km", "limit": 2}')), result()),
    "arguments in Russian": row(calls(call(json.dumps({"planet": "Марс"}, ensure_ascii=False))), result(content="Фобос, Деймос")),
    "empty result": row(calls(), result(content="")),
    "weight 0 at the call": row(calls(weight=0), result()),
    "enum in the schema": row(calls(call('{"planet": "Mars", "unit": "mi"}')), result()),
    "strict tool": row(calls(call('{"planet": "Mars"}')), result(), tools=[tool(strict=True, parameters={
        "type": "object", "properties": {"planet": {"type": "string"}}, "required": ["planet"], "additionalProperties": False})]),
    "result with the tool's name": row(calls(), result(name="moons")),
    "name of 64 letters": row(calls(call(name="m" * 64)), result(), tools=[tool("m" * 64)]),
    "name with dash and underscore": row(calls(call(name="list_moons-2")), result(), tools=[tool("list_moons-2")]),
}  # fmt: skip

_FAULTY = {
    "text beside the call": row(calls(content="Let me look that up."), result()),
    "ids as OpenAI makes them": row(calls(call(identity="call_8fQ2xLmN0pRsT3vW")), result("call_8fQ2xLmN0pRsT3vW")),
    "id of eight letters": row(calls(call(identity="abcd1234")), result("abcd1234")),
    "id with a dash": row(calls(call(identity="moon-mars")), result("moon-mars")),
    "id missing": row(calls(call(identity=None)), result()),
    "id empty": row(calls(call(identity="")), result("")),
    "id null": row(calls({**call(), "id": None}), result()),
    "ids of all missing": row(calls(call(identity=None)), result(None)),
    "tool_call_id missing": row(calls(), result(None)),
    "tool_call_id null": row(calls(), {**result(), "tool_call_id": None}),
    "tool_call_id of no call": row(calls(), result("moonsVen1")),
    "tool_call_id of an earlier call": row(calls(), result(), calls(SECOND), result()),
    "result twice": row(calls(), result(), result()),
    "two calls of one id": row(calls(call(), {**SECOND, "id": "moonsMars"}), result(), result()),
    "one of two calls answered": row(calls(call(), SECOND), result()),
    "no call answered": row(calls()),
    "no call answered, a question follows": row(calls(), user("Well?")),
    "result without a call": row(result()),
    "result at the start": chat(result(), user(), reply(), tools=[tool()]),
    "result behind a plain answer": row(reply("Let me see."), result()),
    "result as the last turn": row(calls(), result(), end=()),
    "result null": row(calls(), result(content=None)),
    "result missing": row(calls(), {"role": "tool", "tool_call_id": "moonsMars"}),
    "result an object": row(calls(), result(content={"moons": 2})),
    "arguments broken": row(calls(call('{"planet": "Mars"')), result()),
    "arguments in single quotes": row(calls(call("{'planet': 'Mars'}")), result()),
    "arguments empty": row(calls(call("")), result()),
    "arguments a list": row(calls(call('["Mars"]')), result()),
    "arguments a string in JSON": row(calls(call('"Mars"')), result()),
    "arguments an object": row(calls(call({"planet": "Mars"})), result()),
    "arguments null": row(calls(call(None)), result()),
    "arguments missing": row(calls({"id": "moonsMars", "type": "function", "function": {"name": "moons"}}), result()),
    "arguments a number": row(calls(call(7)), result()),
    "required argument missing": row(calls(call('{"unit": "km"}')), result()),
    "argument of the wrong type": row(calls(call('{"planet": 4}')), result()),
    "argument outside the enum": row(calls(call('{"planet": "Mars", "unit": "furlong"}')), result()),
    "name not declared": row(calls(call(name="planets")), result()),
    "name missing": row(calls({"id": "moonsMars", "type": "function", "function": {"arguments": "{}"}}), result()),
    "name empty": row(calls(call(name="")), result()),
    "name with a space": row(calls(call(name="list moons")), result(), tools=[tool("list moons")]),
    "name with a dot": row(calls(call(name="astro.moons")), result(), tools=[tool("astro.moons")]),
    "name of 65 letters": row(calls(call(name="m" * 65)), result(), tools=[tool("m" * 65)]),
    "function missing": row(calls({"id": "moonsMars", "type": "function"}), result()),
    "type missing": row(calls({"id": "moonsMars", "function": {"name": "moons", "arguments": '{"planet": "Mars"}'}}), result()),
    "type unknown": row(calls({**call(), "type": "plugin"}), result()),
    "call a string": row(calls("moons(Mars)"), result()),  # type: ignore[arg-type]
    "tool_calls an object": row({"role": "assistant", "content": None, "tool_calls": call()}, result()),
    "tool_calls empty": row({"role": "assistant", "content": None, "tool_calls": []}, end=()),
    "tools not declared": chat(user(), calls(), result(), reply()),
    "tools a string of JSON": row(calls(), result(), tools=json.dumps([tool()])),
    "tools an object": row(calls(), result(), tools=tool()),
    "tools null": {**row(calls(), result()), "tools": None},
    "tool without function": row(calls(), result(), tools=[{"type": "function"}]),
    "tool flat, without function": row(calls(), result(), tools=[{"name": "moons", "parameters": PARAMETERS}]),
    "tool without name": row(calls(), result(), tools=[{"type": "function", "function": {"parameters": PARAMETERS}}]),
    "tool declared twice": row(calls(), result(), tools=[tool(), tool()]),
    "schema of a wrong type": row(calls(), result(), tools=[tool(parameters={"type": "dict", "properties": {"planet": {"type": "str"}}})]),
    "schema a list": row(calls(), result(), tools=[tool(parameters=["planet"])]),
    "schema requires what it does not have": row(calls(), result(), tools=[tool(parameters={**PARAMETERS, "required": ["planet", "star"]})]),
    "required no list": row(calls(), result(), tools=[tool(parameters={**PARAMETERS, "required": True})]),
    "function_call of old": chat(
        user(), {"role": "assistant", "content": None, "function_call": {"name": "moons", "arguments": '{"planet": "Mars"}'}},
        {"role": "function", "name": "moons", "content": "2"}, reply(), functions=[tool()["function"]]),
    "call by a user": chat(say("user", "How many?", tool_calls=[call()]), result(), reply(), tools=[tool()]),
}  # fmt: skip

TOOLS: dict[str, Row] = group("tools", _VALID, _FAULTY)
