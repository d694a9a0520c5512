"""Messages with content blocks (Anthropic, Bedrock) and Gemini's contents, from and to OpenAI's messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tunelint.fixes.convert.neutral import Message, Neutral, Unconvertible
from tunelint.records.blocks import GEMINI_ROLES, Blocks, has_blocks, read_blocks
from tunelint.records.lenient import parse_or_none
from tunelint.records.views import COHERE_ROLES

Value = dict[str, Any]


def is_foreign_chat(value: Value) -> bool:
    """Tell whether a chat record is written in another service's way: Anthropic's, Bedrock's or Cohere's."""
    messages = value.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return False
    roles = [message.get("role") for message in messages]
    if "schemaVersion" in value or "toolConfig" in value or "Chatbot" in roles:
        return True
    if isinstance(value.get("system"), str | list) and value["system"] and "system" not in roles:
        return True
    return any(has_blocks(message.get("content")) for message in messages)


def messages_of_blocks(messages: list[Message], neutral: Neutral) -> list[Message]:
    """Return messages whose tool uses and results are written OpenAI's way; others as they are."""
    found: list[Message] = []
    cohere = any(message.get("role") == "Chatbot" for message in messages)
    for message in messages:
        if cohere and isinstance(message.get("role"), str) and message["role"] in COHERE_ROLES:
            message = {**message, "role": COHERE_ROLES[message["role"]]}
        content = message.get("content")
        rest = {key: item for key, item in message.items() if key not in ("role", "content")}
        if has_blocks(content):
            found += _messages(str(message.get("role", "")), read_blocks(content, ""), rest, found, neutral)
        elif isinstance(content, list) and content and all(_is_bare_text(part) for part in content):
            found.append({**message, "content": "\n".join(part["text"] for part in content)})  # Bedrock: texts without a type
        else:
            found.append(message)
    return found


def messages_of_contents(value: Value, neutral: Neutral) -> list[Message]:
    """Take a Gemini record's system instruction and contents out of `value` and return them as messages."""
    found: list[Message] = []
    for key in ("systemInstruction", "system_instruction"):
        given = value.pop(key, None)
        parts = given.get("parts") if isinstance(given, dict) else [given] if isinstance(given, str) else []
        texts = read_blocks(parts, "").texts
        if texts:
            found.append({"role": "system", "content": "\n".join(texts)})
    for content in value.pop("contents", ()):
        if not isinstance(content, dict):
            raise Unconvertible("one of its contents is no object")
        own = content.get("role", "user")
        if not isinstance(own, str) or own not in GEMINI_ROLES:
            raise Unconvertible(f"the role '{own}' is not Gemini's")
        found += _messages(GEMINI_ROLES[own], read_blocks(content.get("parts"), ""), {}, found, neutral)
    return found


def _messages(role: str, blocks: Blocks, rest: Value, before: Iterable[Message], neutral: Neutral) -> list[Message]:
    if blocks.foreign or blocks.images:
        raise Unconvertible("it holds images or other parts that are no text")
    if blocks.reasoning:
        neutral.lose("reasoning")
    calls = [call for message in before for call in _calls_of(message)]
    answered = [message.get("tool_call_id") for message in before if message.get("role") == "tool"]
    open_calls = [call for call in calls if call["id"] not in answered]
    found: list[Message] = []
    for result in blocks.results:
        match = next(
            (call for call in open_calls if result.id == call["id"] or (result.id is None and result.name == call["function"]["name"])), None
        )
        if match is None:
            raise Unconvertible("a tool's result answers no call")
        open_calls.remove(match)
        found.append({"role": "tool", "tool_call_id": match["id"], "content": result.text})
    if blocks.calls:
        if any(call.id is None for call in blocks.calls):
            neutral.lose("that tool calls had no ids (numbered ones are made up)")
        written = [
            {"id": call.id or f"call_{len(calls) + number + 1}", "type": "function",
             "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}}
            for number, call in enumerate(blocks.calls)
        ]  # fmt: skip
        found.append({"role": role, "content": "\n".join(blocks.texts) or None, "tool_calls": written, **rest})
    elif blocks.texts or not blocks.results:
        if len(blocks.texts) > 1:
            neutral.lose("the division of contents into parts")
        found.append({"role": role, "content": "\n".join(blocks.texts), **rest})
    return found


def tools_of(value: Value) -> list[Any] | None:
    """Take Bedrock's, Anthropic's or Gemini's tools out of `value` and return them OpenAI's way, None where there are no such."""
    config = value.get("toolConfig")
    if isinstance(config, dict) and isinstance(config.get("tools"), list):
        del value["toolConfig"]
        return [_tool(item["toolSpec"]) if isinstance(item, dict) and isinstance(item.get("toolSpec"), dict) else item for item in config["tools"]]
    listed = value.get("tools")
    if not isinstance(listed, list) or not listed or not all(isinstance(item, dict) for item in listed):
        return None
    if all("input_schema" in item for item in listed):
        del value["tools"]
        return [_tool(item) for item in listed]
    several = [item.get("functionDeclarations", item.get("function_declarations")) for item in listed]
    if all(isinstance(item, list) for item in several):
        del value["tools"]
        return [_tool(tool) for item in several for tool in item or () if isinstance(tool, dict)]
    return None


def _tool(spec: Value) -> Value:
    schema = spec.get("parameters", spec.get("input_schema", spec.get("inputSchema")))
    if isinstance(schema, dict) and set(schema) == {"json"}:
        schema = schema["json"]
    function = {key: spec[key] for key in ("name", "description") if key in spec}
    return {"type": "function", "function": {**function, **({} if schema is None else {"parameters": _small(schema)})}}


def _small(schema: Any) -> Any:
    """Return a schema with JSON Schema's words for types, which Gemini writes in capitals."""
    if isinstance(schema, list):
        return [_small(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: item.lower() if key == "type" and isinstance(item, str) and item.isupper() else _small(item) for key, item in schema.items()}


def contents_of(messages: list[Message], neutral: Neutral) -> Value:
    """Return a Gemini record of messages. Raises Unconvertible for what its parts cannot hold."""
    value: Value = {}
    contents: list[Value] = []
    names: dict[str, str] = {}
    for message in messages:
        role, text = message["role"], message.get("content")
        parts: list[Value] = [{"text": item} for item in _texts(text)]
        for key in message:
            if key not in ("role", "content", "tool_calls", "tool_call_id"):
                neutral.lose(f"'{key}' of messages")
        if role in ("system", "developer"):
            if contents:
                raise Unconvertible("a system message stands inside the conversation")
            value.setdefault("systemInstruction", {"parts": []})["parts"] += parts
            continue
        if role == "tool":
            name = names.get(str(message.get("tool_call_id")))
            if name is None:
                raise Unconvertible("a tool's result answers no call")
            neutral.lose("the ids of tool calls")
            part = {"functionResponse": {"name": name, "response": _response("\n".join(_texts(text)))}}
            if contents and contents[-1]["role"] == "user" and "functionResponse" in contents[-1]["parts"][-1]:
                contents[-1]["parts"].append(part)  # the results of one turn's calls belong together
            else:
                contents.append({"role": "user", "parts": [part]})
            continue
        for call in _calls_of(message):
            names[call["id"]] = call["function"]["name"]
            parts.append({"functionCall": {"name": call["function"]["name"], "args": _arguments(call["function"].get("arguments"))}})
        if not parts:
            raise Unconvertible("a message has no content")
        contents.append({"role": "model" if role == "assistant" else "user", "parts": parts})
    if not contents:
        raise Unconvertible("it has no messages")
    return {**value, "contents": contents}


def _calls_of(message: Message) -> list[Value]:
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not isinstance(call.get("id"), str):
            raise Unconvertible("a call has no id or no name")
    return listed if isinstance(listed, list) else []


def _texts(content: Any) -> list[str]:
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        raise Unconvertible("a content is neither text nor a list of parts")
    texts = [part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None for part in content]
    if not all(isinstance(text, str) for text in texts):
        raise Unconvertible("it holds images or other parts that are no text")
    return [text for text in texts if isinstance(text, str)]


def _is_bare_text(part: Any) -> bool:
    return isinstance(part, dict) and set(part) == {"text"} and isinstance(part["text"], str)


def _response(text: str) -> Value:
    """Return what a tool returned as an object, which Gemini asks for."""
    parsed = parse_or_none(text) if text.lstrip().startswith("{") else None
    return parsed if isinstance(parsed, dict) else {"result": text}


def _arguments(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments or {}
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError) as error:
        raise Unconvertible("the arguments of a call are not JSON") from error


def declarations_of(tools: Any) -> Any:
    """Return OpenAI's tools the way Gemini declares them."""
    if not isinstance(tools, list):
        return tools
    functions = [tool.get("function", tool) if isinstance(tool, dict) else tool for tool in tools]
    return [{"functionDeclarations": functions}] if functions else []
