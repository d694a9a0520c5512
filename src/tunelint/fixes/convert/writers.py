"""From what a record holds to a record of another format: one, or (a pair as KTO) two."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tunelint.fixes.convert.blocks import contents_of, declarations_of
from tunelint.fixes.convert.neutral import KINDS, Kind, Message, Neutral, Unconvertible, is_plain, plain_text
from tunelint.fixes.convert.sharegpt import messages_to_turns

Value = dict[str, Any]
_NAMES: dict[Kind, str] = {
    "demonstration": "a conversation with its answer", "preference": "a pair of answers", "kto": "an answer with a verdict",
    "prompt": "a prompt without an answer", "text": "plain text without turns",
}  # fmt: skip


def write_values(neutral: Neutral, shape: str) -> list[Value]:
    """Return the record in another format. Raises Unconvertible where the format asks for what the record has not."""
    wanted = KINDS[shape]
    if neutral.kind == "preference" and wanted == "kto":
        neutral.lose("that two answers belong to one prompt")
        return [_write(_as_kto(neutral, label), shape) for label in (True, False)]
    return [_write(_narrowed(neutral, wanted), shape)]


def _write(neutral: Neutral, shape: str) -> Value:
    value = _WRITERS[shape](neutral)
    if neutral.tools is not None and shape not in ("sharegpt", "openai-preference", "gemini"):
        value["tools"] = neutral.tools
    for key, item in neutral.extras.items():
        if key in value:
            neutral.lose(f"the key '{key}', which the format needs for itself")
        else:
            value[key] = item
    return value


def _as_kto(neutral: Neutral, label: bool) -> Neutral:
    answer = neutral.chosen if label else neutral.rejected
    return Neutral("kto", neutral.messages, answer, label=label, tools=neutral.tools, extras=neutral.extras, lost=neutral.lost)


def _narrowed(neutral: Neutral, wanted: Kind) -> Neutral:
    """Return the record as a kind that asks for less."""
    kind = neutral.kind
    if kind == wanted:
        return neutral
    if wanted in ("demonstration", "text") and kind in ("preference", "kto"):
        if kind == "kto" and not neutral.label:
            raise Unconvertible("its answer is marked as undesirable")
        neutral.lose("the rejected answer" if kind == "preference" else "the verdict")
        neutral.messages = [*neutral.messages, *neutral.chosen]
        return neutral
    if wanted == "text" and kind == "demonstration":
        return neutral
    if wanted == "prompt" and kind in ("demonstration", "preference", "kto"):
        if kind == "demonstration":
            last = max((at for at, message in enumerate(neutral.messages) if message["role"] == "assistant"), default=len(neutral.messages))
            neutral.messages = neutral.messages[:last]
        neutral.lose("the answer")
        return neutral
    raise Unconvertible(f"it is {_NAMES[kind]}, not {_NAMES[wanted]}")


def _chat(neutral: Neutral) -> Value:
    return {"messages": neutral.messages}


def _gemini(neutral: Neutral) -> Value:
    value = contents_of(neutral.messages, neutral)
    return value if neutral.tools is None else {**value, "tools": declarations_of(neutral.tools)}


def _sharegpt(neutral: Neutral) -> Value:
    value: Value = {"conversations": messages_to_turns(neutral.messages, neutral)}
    if neutral.tools is not None:
        value["tools"] = json.dumps(neutral.tools, ensure_ascii=False)  # LLaMA-Factory reads a string
    return value


def _split(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    if not messages or messages[-1]["role"] != "assistant":
        raise Unconvertible("it does not end with an answer")
    return messages[:-1], messages[-1:]


def _prompt_completion(neutral: Neutral) -> Value:
    prompt, answer = _split(neutral.messages)
    return _sides(neutral, prompt, {"completion": answer})


def _sides(neutral: Neutral, prompt: list[Message], answers: dict[str, list[Message]]) -> Value:
    """Return prompt and answers as strings where they are nothing more, else as lists of messages (TRL's two forms)."""
    plain = len(prompt) == 1 and is_plain(prompt[0], "user") and neutral.tools is None
    if plain and all(len(answer) == 1 and is_plain(answer[0], "assistant") for answer in answers.values()):
        return {"prompt": prompt[0]["content"], **{key: answer[0]["content"] for key, answer in answers.items()}}
    return {"prompt": prompt, **answers}


def _instruction(neutral: Neutral) -> Value:
    messages, [answer] = _split(neutral.messages)
    value: Value = {"instruction": "", "input": "", "output": plain_text(answer, neutral)}
    if messages and messages[0]["role"] in ("system", "developer"):
        value["system"] = plain_text(messages[0], neutral)
        messages = messages[1:]
    texts = [plain_text(message, neutral) for message in messages]
    if not messages or [message["role"] for message in messages] != ["user", "assistant"] * (len(messages) // 2) + ["user"]:
        raise Unconvertible("its turns do not alternate between user and assistant")
    value["instruction"] = texts[-1]
    if len(texts) > 1:
        value["history"] = [[texts[at], texts[at + 1]] for at in range(0, len(texts) - 1, 2)]
    return value


def _text(neutral: Neutral) -> Value:
    if neutral.kind == "text":
        return {"text": neutral.text}
    neutral.lose("the roles (they become words of the text)")
    return {"text": "\n\n".join(f"{message['role'].capitalize()}: {plain_text(message, neutral)}" for message in neutral.messages)}


def _openai_preference(neutral: Neutral) -> Value:
    given: Value = {"messages": neutral.messages}
    if neutral.tools is not None:
        given["tools"] = neutral.tools
    if "parallel_tool_calls" in neutral.extras:
        given["parallel_tool_calls"] = neutral.extras.pop("parallel_tool_calls")
    return {"input": given, "preferred_output": neutral.chosen, "non_preferred_output": neutral.rejected}


def _preference(neutral: Neutral) -> Value:
    return {"prompt": neutral.messages, "chosen": neutral.chosen, "rejected": neutral.rejected}


def _kto(neutral: Neutral) -> Value:
    return {**_sides(neutral, neutral.messages, {"completion": neutral.chosen}), "label": neutral.label}


def _prompt_only(neutral: Neutral) -> Value:
    return {"prompt": neutral.messages}


_WRITERS: dict[str, Callable[[Neutral], Value]] = {
    "openai-chat": _chat, "sharegpt": _sharegpt, "prompt-completion": _prompt_completion, "instruction": _instruction, "text": _text,
    "openai-preference": _openai_preference, "preference": _preference, "kto": _kto, "prompt-only": _prompt_only,
    "gemini": _gemini,
}  # fmt: skip
