"""Every format as an `Example`. A view takes what is well-formed and leaves out the rest: rules report the rest."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from tunelint.records.blocks import block_turns, gemini_system, gemini_turns, has_blocks, image_of
from tunelint.records.example import Example, Image, ToolCall, Turn
from tunelint.records.lenient import parse_or_none
from tunelint.records.shapes import ANSWER_KEYS, CHOSEN_KEYS, CONVERSATION_KEYS, INSTRUCTION_ANSWERS, PROMPT_KEYS

# ShareGPT's and the trainers' words for the roles (LLaMA-Factory data/README, Axolotl dataset formats).
ROLES = {
    "human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant",
    "function_call": "assistant", "observation": "tool", "function": "tool", "function_response": "tool",
    "tool_response": "tool", "ipython": "tool", "tool_call": "assistant",
}  # fmt: skip
# Cohere's chat fine-tuning (docs.cohere.com), with capitals; only with `role`.
COHERE_ROLES = {"System": "system", "User": "user", "Chatbot": "assistant", "Tool": "tool"}
KNOWN_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_PLAIN_ROLES = ("user", "assistant", "system", "tool", "developer")  # a tuple: what stands there need not be hashable
_ATTACHED = frozenset({"images", "image", "videos", "audios"})
_CALL_KEYS = frozenset({"tool_calls", "function_call"})
_WEIGHT_KEYS = frozenset({"weight", "loss_weight", "train", "loss"})
_HH_TURN = re.compile(r"\n\n(Human|Assistant): ?")


def view(value: dict[str, Any], shape: str) -> Example:
    """Return the record as a conversation. Never raises: malformed parts are left out."""
    builder = _VIEWS.get(shape)
    return builder(value, shape) if builder is not None else Example(shape, ())


def messages_view(messages: Any, base: str) -> tuple[Turn, ...]:
    """Return the turns of a list of messages (role/content or from/value) that stands at the pointer `base`."""
    if not isinstance(messages, list):
        return ()
    turns: list[Turn] = []
    for index, message in enumerate(messages):
        if type(message) is dict and len(message) == 2 and type(message.get("content")) is str and message.get("role") in _PLAIN_ROLES:
            role, (pointer, content_pointer) = message["role"], _pointers(base, index)  # nearly every message
            turns.append(Turn(role, message["content"], pointer, content_pointer, role, (), (), None, True, message))
        elif isinstance(message, dict):
            turns += _exchange(message, f"{base}/{index}") if is_exchange(message) else _turns(message, f"{base}/{index}")
    return tuple(turns)


@lru_cache(maxsize=1 << 10)
def _pointers(base: str, index: int) -> tuple[str, str]:
    """The places of a message and of its content: the same few for all records."""
    return f"{base}/{index}", f"{base}/{index}/content"


def _turns(message: dict[str, Any], pointer: str) -> tuple[Turn, ...]:
    """Return the turns of one message: one, unless it holds the results of tools among its contents."""
    content = message.get("content")
    if type(content) is not list or not has_blocks(content):
        return (_turn(message, pointer),)
    own = message.get("role")
    own = own if isinstance(own, str) else ""
    return tuple(block_turns(ROLES.get(own, own), own, content, pointer, "content", message, trained=_is_trained(message)))


def is_exchange(message: dict[str, Any]) -> bool:
    """Tell whether an item of a conversation is a question with its answer (ms-swift's ShareGPT form), not one turn."""
    return "human" in message and "assistant" in message


def _exchange(message: dict[str, Any], pointer: str) -> tuple[Turn, ...]:
    roles = {"system": "system", "human": "user", "assistant": "assistant"}
    return tuple(_text_turn(role, message[key], f"{pointer}/{key}") for key, role in roles.items() if key in message)


def _turn(message: dict[str, Any], pointer: str) -> Turn:
    own = message.get("role", message.get("from"))
    own = own if isinstance(own, str) else ""
    content_key = "content" if "content" in message or "value" not in message else "value"
    given = message.get(content_key)
    content, images = (given, ()) if type(given) is str else _content(given, f"{pointer}/{content_key}")
    calls = () if _CALL_KEYS.isdisjoint(message) and type(message.get("content")) is not list else _calls(message, pointer)
    if own == "function_call" and not calls:
        calls = _calls_in_text(content, f"{pointer}/{content_key}")
        content = "" if calls else content
    call_id = message.get("tool_call_id")
    return Turn(
        role=ROLES.get(own) or COHERE_ROLES.get(own, own), content=content, pointer=pointer, content_pointer=f"{pointer}/{content_key}",
        own_role=own, calls=calls, images=images, call_id=call_id if isinstance(call_id, str) else None,
        trained=_is_trained(message), raw=message,
    )  # fmt: skip


def _is_trained(message: dict[str, Any]) -> bool:
    if _WEIGHT_KEYS.isdisjoint(message):
        return True
    weight = message.get("weight", message.get("loss_weight"))
    zero = isinstance(weight, int | float) and not isinstance(weight, bool) and weight == 0
    return not zero and message.get("train") is not False and message.get("loss") is not False


def _content(content: Any, pointer: str) -> tuple[str, tuple[Image, ...]]:
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, list):
        return "", ()
    texts: list[str] = []
    images: list[Image] = []
    for index, part in enumerate(content):
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            text = part.get("text", part.get("value") if part.get("type") == "text" else None)  # value: LLaMA-Factory v1
            if isinstance(text, str):
                texts.append(text)
            elif isinstance(part.get("refusal"), str):
                texts.append(part["refusal"])
            url = _image_url(part)
            if url is not None:
                images.append(Image(url, f"{pointer}/{index}"))
    return "\n".join(texts), tuple(images)


def _image_url(part: dict[str, Any]) -> str | None:
    block = image_of(part)
    if block is not None or part.get("type") not in ("image_url", "image", "input_image"):
        return block
    image = part.get("image_url", part.get("image", part.get("url", "")))
    if isinstance(image, dict):
        image = image.get("url", "")
    return image if isinstance(image, str) else ""


def _calls(message: dict[str, Any], pointer: str) -> tuple[ToolCall, ...]:
    calls: list[ToolCall] = []
    listed = message.get("tool_calls")
    for index, call in enumerate(listed if isinstance(listed, list) else ()):
        function = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            identity = call.get("id")
            place = f"{pointer}/tool_calls/{index}" + ("/function" if "function" in call else "")
            calls.append(ToolCall(function["name"], function.get("arguments"), identity if isinstance(identity, str) else None, place))
    parts = message.get("content")
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        if isinstance(part, dict) and part.get("type") == "tool_call" and isinstance(part.get("value"), str):  # LLaMA-Factory v1
            calls += _calls_in_text(part["value"], f"{pointer}/content/{index}/value")
    single = message.get("function_call")
    if isinstance(single, dict) and isinstance(single.get("name"), str):
        calls.append(ToolCall(single["name"], single.get("arguments"), None, f"{pointer}/function_call"))
    return tuple(calls)


def _calls_in_text(text: str, pointer: str) -> tuple[ToolCall, ...]:
    """Read a text that is JSON with name and arguments (one call, or a list of them)."""
    parsed = parse_or_none(text)
    return tuple(
        ToolCall(call["name"], call.get("arguments"), None, pointer, in_text=True)
        for call in (parsed if isinstance(parsed, list) else [parsed])
        if isinstance(call, dict) and isinstance(call.get("name"), str)
    )


def _text_turn(role: str, value: Any, pointer: str) -> Turn:
    content, images = _content(value, pointer)
    return Turn(role, content, pointer, pointer, own_role=role, images=images, raw=value)


def _tools(value: dict[str, Any]) -> tuple[Any, ...]:
    tools = value.get("tools", value.get("functions"))
    if isinstance(tools, str):
        tools = parse_or_none(tools)
    return tuple(tools) if isinstance(tools, list) else ()


def _with_attachments(value: dict[str, Any], turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Hang the record's own image list on its first user turn, so that prompts that differ only there differ."""
    if _ATTACHED.isdisjoint(value):
        return turns
    images: list[Image] = []
    for key in ("images", "image", "videos", "audios"):
        item = value.get(key)
        listed = item if isinstance(item, list) else [item] if isinstance(item, str) else []
        images += [
            Image(url if isinstance(url, str) else json.dumps(url, sort_keys=True), f"/{key}/{index}")
            for index, url in enumerate(listed)
            if isinstance(url, str | dict)
        ]
    if images:
        for turn in turns:
            if turn.role == "user":
                turn.images += tuple(images)
                break
    return turns


def _chat(value: dict[str, Any], shape: str) -> Example:
    if isinstance(value.get("prompt"), list) and "messages" not in value:
        return Example(shape, messages_view(value["prompt"], "/prompt"), tools=_tools(value))
    if "messages" not in value:
        return Example(shape, _with_attachments(value, _single_prompt(value)), tools=_tools(value))
    turns = messages_view(value["messages"], "/messages")
    if value.get("system") and isinstance(value["system"], str | list) and not any(turn.role == "system" for turn in turns):
        turns = (_text_turn("system", value["system"], "/system"), *turns)  # Anthropic, Bedrock
    return Example(shape, _with_attachments(value, turns), tools=_tools(value))


def _gemini(value: dict[str, Any], shape: str) -> Example:
    return Example(shape, (*gemini_system(value), *gemini_turns(value.get("contents"), "/contents")), tools=_tools(value))


def _single_prompt(value: dict[str, Any]) -> tuple[Turn, ...]:
    key = next((key for key in PROMPT_KEYS if key in value), None)
    return () if key is None else (_text_turn("user", value[key], f"/{key}"),)


def _sharegpt(value: dict[str, Any], shape: str) -> Example:
    key = next((key for key in CONVERSATION_KEYS if key in value), "conversations")
    turns = messages_view(value.get(key), f"/{key}")
    if isinstance(value.get("system"), str) and value["system"]:
        turns = (_text_turn("system", value["system"], "/system"), *turns)
    return Example(shape, _with_attachments(value, turns), tools=_tools(value))


def _prompt_completion(value: dict[str, Any], shape: str) -> Example:
    prompt = next((key for key in PROMPT_KEYS if key in value), "prompt")
    answer = next((key for key in ANSWER_KEYS if key in value), "completion")
    turns: list[Turn] = []
    for key, role in ((prompt, "user"), (answer, "assistant")):
        item = value.get(key)
        if isinstance(item, list) and any(isinstance(part, dict) and "role" in part for part in item):
            turns += messages_view(item, f"/{key}")
        elif key in value:
            turns.append(_text_turn(role, item, f"/{key}"))
    if isinstance(value.get("system"), str) and value["system"]:
        turns.insert(0, _text_turn("system", value["system"], "/system"))
    return Example(shape, _with_attachments(value, tuple(turns)), tools=_tools(value))


def _instruction(value: dict[str, Any], shape: str) -> Example:
    turns: list[Turn] = []
    if isinstance(value.get("system"), str) and value["system"]:
        turns.append(_text_turn("system", value["system"], "/system"))
    history = value.get("history")
    for index, pair in enumerate(history if isinstance(history, list) else ()):
        if isinstance(pair, list) and len(pair) == 2:
            turns.append(_text_turn("user", pair[0], f"/history/{index}/0"))
            turns.append(_text_turn("assistant", pair[1], f"/history/{index}/1"))
    user = _text_turn("user", value.get("instruction"), "/instruction")
    for key in ("input", "context"):
        if isinstance(value.get(key), str) and value[key]:
            user.content = f"{user.content}\n{value[key]}" if user.content else value[key]
    turns.append(user)
    answer = next((key for key in INSTRUCTION_ANSWERS if key in value), None)
    if answer is not None:
        turns.append(_text_turn("assistant", value[answer], f"/{answer}"))
    return Example(shape, _with_attachments(value, tuple(turns)))


def _text(value: dict[str, Any], shape: str) -> Example:
    key = "text" if "text" in value else "content"
    return Example(shape, (_text_turn("assistant", value[key], f"/{key}"),) if key in value else ())


def _openai_preference(value: dict[str, Any], shape: str) -> Example:
    given = value.get("input")
    given = given if isinstance(given, dict) else {}
    prompt = messages_view(given.get("messages"), "/input/messages")
    chosen = messages_view(value.get("preferred_output"), "/preferred_output")
    rejected = messages_view(value.get("non_preferred_output"), "/non_preferred_output")
    return Example(shape, prompt + chosen, rejected=rejected, tools=_tools(given))


def _preference(value: dict[str, Any], shape: str) -> Example:
    if "completions" in value:  # Vertex AI: two completions of Gemini's contents, the better one has the score 1
        return _gemini_pair(value, shape)
    if "rejected_response" in value:  # ms-swift: the conversation as it is, and the answer not to give
        base = _chat(value, shape) if "messages" in value else _prompt_completion(value, shape)
        return Example(shape, base.turns, rejected=_side(value["rejected_response"], "/rejected_response"), tools=base.tools)
    chosen_key, rejected_key = next((keys for keys in CHOSEN_KEYS if keys[0] in value or keys[1] in value), CHOSEN_KEYS[0])
    prompt = _pair_prompt(value)
    chosen, rejected = (_side(value.get(key), f"/{key}") for key in (chosen_key, rejected_key))
    if not prompt and len(chosen) > 1:  # the prompt stands inside both sides (TRL's implicit prompt)
        prompt, chosen = chosen[:-1], chosen[-1:]
        rejected = rejected[-1:] if _texts(rejected[:-1]) == _texts(prompt) else rejected
    return Example(shape, _with_attachments(value, prompt + chosen), rejected=rejected, tools=_tools(value))


def _gemini_pair(value: dict[str, Any], shape: str) -> Example:
    prompt = (*gemini_system(value), *gemini_turns(value.get("contents"), "/contents"))
    sides: dict[bool, tuple[Turn, ...]] = {}
    for index, item in enumerate(value["completions"]):
        if isinstance(item, dict):
            turns = tuple(gemini_turns(item.get("completion"), f"/completions/{index}/completion"))
            sides.setdefault(item.get("score") not in (0, "0", None), turns)
    return Example(shape, prompt + sides.get(True, ()), rejected=sides.get(False, ()), tools=_tools(value))


def _pair_prompt(value: dict[str, Any]) -> tuple[Turn, ...]:
    for key in ("prompt", *CONVERSATION_KEYS, "messages"):
        if isinstance(value.get(key), list):
            return messages_view(value[key], f"/{key}")
    if "instruction" in value:
        return _instruction({key: value[key] for key in ("instruction", "input", "system", "history") if key in value}, "").turns
    system = (_text_turn("system", value["system"], "/system"),) if isinstance(value.get("system"), str) and value["system"] else ()
    return system + _single_prompt(value)


def _side(value: Any, pointer: str) -> tuple[Turn, ...]:
    if isinstance(value, list):
        return messages_view(value, pointer)
    if isinstance(value, dict):
        if "role" not in value and isinstance(value.get("messages"), list):  # Fireworks' cookbook: each side a whole chat record
            return messages_view(value["messages"], f"{pointer}/messages")
        return (_turn(value, pointer),)
    if isinstance(value, str) and value.startswith("\n\nHuman:"):  # Anthropic's hh-rlhf transcripts
        pieces = _HH_TURN.split(value)[1:]
        roles = {"Human": "user", "Assistant": "assistant"}
        return tuple(
            Turn(roles[pieces[index]], pieces[index + 1], pointer, pointer, own_role=roles[pieces[index]]) for index in range(0, len(pieces) - 1, 2)
        )
    return () if value is None else (_text_turn("assistant", value, pointer),)


def _texts(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in turns]


def _kto(value: dict[str, Any], shape: str) -> Example:
    if any(key in value for key in ("messages", *CONVERSATION_KEYS)):
        base = _chat(value, shape) if "messages" in value else _sharegpt(value, shape)
    else:
        base = _prompt_completion(value, shape)
    label = value.get("label", value.get("kto_tag"))
    return Example(shape, base.turns, tools=base.tools, label=label if isinstance(label, bool) else None)


_VIEWS = {
    "openai-chat": _chat, "prompt-only": _chat, "sharegpt": _sharegpt, "prompt-completion": _prompt_completion,
    "instruction": _instruction, "text": _text, "openai-preference": _openai_preference, "preference": _preference,
    "kto": _kto, "gemini": _gemini,
}  # fmt: skip
