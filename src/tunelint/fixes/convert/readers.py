"""From a record of any format to what it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tunelint.fixes.convert.blocks import messages_of_blocks, messages_of_contents, tools_of
from tunelint.fixes.convert.neutral import KINDS, Message, Neutral, Unconvertible
from tunelint.fixes.convert.sharegpt import turns_to_messages
from tunelint.records.shapes import ANSWER_KEYS, CHOSEN_KEYS, CONVERSATION_KEYS, INSTRUCTION_ANSWERS, PROMPT_KEYS

_HH_TURN = re.compile(r"\n\n(Human|Assistant): ?")
Value = dict[str, Any]


def read_neutral(value: Value, shape: str) -> Neutral:
    """Return what a record holds. Raises Unconvertible when it is not what its format says."""
    if shape not in KINDS:
        raise Unconvertible("its format is not known")
    rest = dict(value)
    neutral = Neutral(KINDS[shape])
    own_tools = tools_of(rest)
    _READERS[shape](rest, neutral)
    neutral.tools = own_tools if own_tools is not None else _tools(rest, neutral)
    neutral.extras = {**rest, **neutral.extras}
    return neutral


def _tools(rest: Value, neutral: Neutral) -> Any:
    tools = rest.pop("tools", neutral.tools)
    if isinstance(tools, str):
        try:
            return json.loads(tools) if tools.strip() else None
        except (ValueError, RecursionError) as error:
            raise Unconvertible("its tools are not JSON") from error
    return tools


def _messages(value: Any, neutral: Neutral) -> list[Message]:
    messages = messages_of_blocks(turns_to_messages(value, neutral), neutral)
    if not all(isinstance(message.get("role"), str) for message in messages):
        raise Unconvertible("a message has no role")
    return messages


def _side(value: Any, role: str, neutral: Neutral) -> list[Message]:
    """Return a prompt or an answer: a string, one message, or a list of messages."""
    if isinstance(value, str):
        return [{"role": role, "content": value}]
    if isinstance(value, dict) and "role" not in value and set(value) == {"messages"}:  # Fireworks' cookbook
        return _messages(value["messages"], neutral)
    if isinstance(value, dict):
        return _messages([value], neutral)
    return _messages(value, neutral)


def _system(rest: Value) -> list[Message]:
    system = rest.pop("system", None)
    if isinstance(system, list) and system and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in system):
        system = "\n".join(part["text"] for part in system)  # Anthropic, Bedrock
    return [{"role": "system", "content": system}] if isinstance(system, str) and system else []


def _take(rest: Value, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if key in rest:
            return rest.pop(key)
    raise Unconvertible(f"it has no '{keys[0]}'")


def _chat(rest: Value, neutral: Neutral) -> None:
    neutral.messages = _messages(_take(rest, ("messages",)), neutral)
    if not any(message["role"] == "system" for message in neutral.messages):
        neutral.messages = [*_system(rest), *neutral.messages]
    rest.pop("schemaVersion", None)  # Bedrock's mark of the format


def _gemini(rest: Value, neutral: Neutral) -> None:
    neutral.messages = messages_of_contents(rest, neutral)


def _gemini_pair(rest: Value, neutral: Neutral) -> None:
    neutral.messages = messages_of_contents(rest, neutral)
    completions = rest.pop("completions")
    for item in completions if isinstance(completions, list) else ():
        if not isinstance(item, dict) or not isinstance(item.get("completion"), dict):
            raise Unconvertible("one of its completions is no object")
        messages = messages_of_contents({"contents": [item["completion"]]}, neutral)
        if item.get("score") not in (0, None):
            neutral.chosen = messages
        else:
            neutral.rejected = messages
    if not neutral.chosen or not neutral.rejected:
        raise Unconvertible("it has no two completions, one with the score 1 and one with 0")


def _sharegpt(rest: Value, neutral: Neutral) -> None:
    neutral.messages = _messages(_take(rest, CONVERSATION_KEYS), neutral)
    neutral.messages = [*_system(rest), *neutral.messages]


def _prompt_completion(rest: Value, neutral: Neutral) -> None:
    prompt = _side(_take(rest, PROMPT_KEYS), "user", neutral)
    neutral.messages = [*_system(rest), *prompt, *_side(_take(rest, ANSWER_KEYS), "assistant", neutral)]


def _instruction(rest: Value, neutral: Neutral) -> None:
    neutral.messages = [*_instruction_prompt(rest, neutral), *_side(_take(rest, INSTRUCTION_ANSWERS), "assistant", neutral)]


def _instruction_prompt(rest: Value, neutral: Neutral) -> list[Message]:
    messages = _system(rest)
    history = rest.pop("history", None)
    for pair in history if isinstance(history, list) else ():
        if not isinstance(pair, list) or len(pair) != 2:
            raise Unconvertible("its history is no list of pairs")
        messages += [*_side(pair[0], "user", neutral), *_side(pair[1], "assistant", neutral)]
    content = _take(rest, ("instruction",))
    for key in ("input", "context"):
        more = rest.pop(key, None)
        if isinstance(more, str) and more:
            neutral.lose(f"that '{key}' was apart from the instruction")
            content = f"{content}\n{more}" if content else more
    return [*messages, *_side(content, "user", neutral)]


def _text(rest: Value, neutral: Neutral) -> None:
    text = _take(rest, ("text", "content"))
    if not isinstance(text, str):
        raise Unconvertible("its text is no string")
    neutral.text = text


def _openai_preference(rest: Value, neutral: Neutral) -> None:
    given = _take(rest, ("input",))
    if not isinstance(given, dict):
        raise Unconvertible("its input is no object")
    neutral.messages = _messages(given.get("messages"), neutral)
    neutral.tools = given.get("tools")
    neutral.extras = {key: item for key, item in given.items() if key not in ("messages", "tools")}
    neutral.chosen = _messages(_take(rest, ("preferred_output",)), neutral)
    neutral.rejected = _messages(_take(rest, ("non_preferred_output",)), neutral)


def _preference(rest: Value, neutral: Neutral) -> None:
    if "completions" in rest and "contents" in rest:
        _gemini_pair(rest, neutral)
        return
    if "rejected_response" in rest:  # ms-swift: the conversation ends with the chosen answer
        messages = _messages(_take(rest, ("messages",)), neutral)
        neutral.messages, neutral.chosen = messages[:-1], messages[-1:]
        neutral.rejected = _side(rest.pop("rejected_response"), "assistant", neutral)
        return
    chosen_key, rejected_key = next((keys for keys in CHOSEN_KEYS if keys[0] in rest and keys[1] in rest), CHOSEN_KEYS[0])
    chosen, rejected = (_answer(_take(rest, (key,)), neutral) for key in (chosen_key, rejected_key))
    if "instruction" in rest:
        neutral.messages = _instruction_prompt(rest, neutral)
    else:
        key = next((key for key in (*PROMPT_KEYS, *CONVERSATION_KEYS, "messages") if key in rest), None)
        neutral.messages = [*_system(rest), *(_side(rest.pop(key), "user", neutral) if key else [])]
    if not neutral.messages:  # the prompt stands inside both sides
        shared = 0
        while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
            shared += 1
        neutral.messages, chosen, rejected = chosen[:shared], chosen[shared:], rejected[shared:]
    neutral.chosen, neutral.rejected = chosen, rejected


def _answer(value: Any, neutral: Neutral) -> list[Message]:
    if isinstance(value, str) and value.startswith("\n\nHuman:"):  # Anthropic's hh-rlhf transcripts
        pieces = _HH_TURN.split(value)[1:]
        roles = {"Human": "user", "Assistant": "assistant"}
        return [{"role": roles[pieces[at]], "content": pieces[at + 1]} for at in range(0, len(pieces) - 1, 2)]
    return _side(value, "assistant", neutral)


def _kto(rest: Value, neutral: Neutral) -> None:
    label = _take(rest, ("label", "kto_tag"))
    if not isinstance(label, bool):
        raise Unconvertible("its label is neither true nor false")
    neutral.label = label
    if "messages" in rest or any(key in rest for key in CONVERSATION_KEYS):
        messages = [*_system(rest), *_messages(_take(rest, ("messages", *CONVERSATION_KEYS)), neutral)]
        neutral.messages, neutral.chosen = messages[:-1], messages[-1:]
    else:
        neutral.messages = [*_system(rest), *_side(_take(rest, PROMPT_KEYS), "user", neutral)]
        neutral.chosen = _side(_take(rest, ANSWER_KEYS), "assistant", neutral)


def _prompt_only(rest: Value, neutral: Neutral) -> None:
    if "messages" in rest:
        neutral.messages = _messages(rest.pop("messages"), neutral)
    else:
        neutral.messages = [*_system(rest), *_side(_take(rest, PROMPT_KEYS), "user", neutral)]


_READERS: dict[str, Callable[[Value, Neutral], None]] = {
    "openai-chat": _chat, "sharegpt": _sharegpt, "prompt-completion": _prompt_completion, "instruction": _instruction, "text": _text,
    "openai-preference": _openai_preference, "preference": _preference, "kto": _kto, "prompt-only": _prompt_only,
    "gemini": _gemini,
}  # fmt: skip
