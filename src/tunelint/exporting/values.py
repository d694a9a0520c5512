"""Rows as other trainers read them, in plain chat, text or preference form, and what cannot come along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tunelint.fixes.convert.neutral import Unconvertible
from tunelint.fixes.convert.run import convert_record
from tunelint.train import TrainRecord
from tunelint.train.api.payload import message, preference_line
from tunelint.train.records import Message

Value = dict[str, Any]
REASONING = ("reasoning_content", "thinking", "reasoning")


def chat_value(row: TrainRecord) -> Value:
    """Return a row as OpenAI's chat form, or as {"text"}. An answer that is not trained has weight 0, reasoning is kept."""
    if row.plain:
        return {"text": "".join(turn.text for turn in row.messages)}
    value: Value = {"messages": [_with_reasoning(turn) for turn in row.messages]}
    if row.tools:
        value["tools"] = list(row.tools)
    return value


def _with_reasoning(turn: Message) -> Value:
    return {**message(turn), **{key: turn.extra[key] for key in REASONING if key in turn.extra}}


def preference_value(row: TrainRecord) -> Value:
    """Return a pair as TRL and the others have it: prompt, chosen, rejected, each a list of messages."""
    line = preference_line(row)
    value: Value = {"prompt": line["input"]["messages"], "chosen": line["preferred_output"], "rejected": line["non_preferred_output"]}
    return {**value, "tools": line["input"]["tools"]} if "tools" in line["input"] else value


def sharegpt_value(row: TrainRecord, pairs: bool, lost: Counter[str]) -> Value:
    """Return a row as ShareGPT, or with `pairs` in LLaMA-Factory's ranking form. Raises Unconvertible; `lost` counts losses."""
    if row.plain:
        return chat_value(row)
    if pairs:
        pair = preference_value(row)
        value, losses = _sharegpt(pair["prompt"], pair.get("tools"))
        for side in ("chosen", "rejected"):
            turns, side_losses = _sharegpt(pair[side], None)
            if len(turns["conversations"]) != 1:
                raise Unconvertible(f"its {side} answer is more than one turn")
            value[side] = turns["conversations"][0]
            losses += side_losses
        lost.update(set(losses))
        return value
    # LLaMA-Factory reads no weights; what that means is said by the caller.
    messages = [{key: item for key, item in turn.items() if key != "weight"} for turn in chat_value(row)["messages"]]
    value, losses = _sharegpt(messages, list(row.tools) or None)
    lost.update(set(losses))
    return value


def _sharegpt(messages: list[Value], tools: Any) -> tuple[Value, list[str]]:
    chat = {"messages": messages, **({"tools": tools} if tools else {})}
    [value], losses = convert_record(chat, "openai-chat", "sharegpt")
    return value, losses


def values_of(rows: Sequence[TrainRecord], make: Callable[[TrainRecord], Value]) -> tuple[list[Value], Counter[str]]:
    """Return the values of rows, and the reasons why others have none, with their numbers."""
    values, left_out = [], Counter[str]()
    for row in rows:
        try:
            values.append(make(row))
        except Unconvertible as reason:
            left_out[str(reason)] += 1
    return values, left_out


def untrained_answers(row: TrainRecord) -> bool:
    """Whether an answer of the row is not to be trained."""
    return any(turn.role == "assistant" and not turn.trained for turn in row.messages)


def only_last_is_trained(row: TrainRecord) -> bool:
    """Whether the last answer is the only one that is trained."""
    answers = [turn.trained for turn in row.messages if turn.role == "assistant"]
    return bool(answers) and answers[-1] and not any(answers[:-1])
