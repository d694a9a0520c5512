"""Rows as Axolotl's `chat_template` strategy builds them (axolotl 0.19, `prompt_strategies/chat_template.py`).

Trained are the turns whose role is in `roles_to_train` (by default the assistant's) and, with `train_on_eos: turn`, the
end token within three tokens after such a turn (https://docs.axolotl.ai/docs/dataset-formats/conversation.html). A turn
is found as Axolotl finds it: the rendering is compared with one in which the turn's content is a placeholder. A message's
`train` or `weight` is read only where the configuration names that key (`message_field_training`).
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any, Literal

from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.rows import NO_TEMPLATE, NotTrainable, TokenRow, row_of
from tunelint.tokens.templates import ChatTemplate, TemplateRefusal

ROLES = {"human": "user", "gpt": "assistant"}
# Two placeholders that share no first or last letter: one of them shows an edge that the content shares with the other.
PLACEHOLDERS = ("[[dummy_message]]", "zzdummymessagezz")
END_TOKEN_REACH = 3

TrainOnEnd = Literal["turn", "all", "last", "none"]


@dataclass(frozen=True, slots=True)
class AxolotlMask:
    """The switches of a dataset entry that decide what is trained."""

    roles_to_train: tuple[str, ...] = ("assistant",)
    train_on_inputs: bool = False
    train_on_eos: TrainOnEnd = "turn"
    training_key: str | None = None


def axolotl_row(record: dict[str, Any], folder: TokenizerFolder, mask: AxolotlMask | None = None) -> TokenRow:
    """Return a record as Axolotl tokenizes and masks it, before the length filter.

    Raises NotTrainable where Axolotl stops on the record.
    """
    mask = mask or AxolotlMask()
    turns, flags = _turns(record, mask)
    tools = _tools(record)
    template = ChatTemplate.of(folder, tools=bool(tools))
    if template is None:
        raise NotTrainable(NO_TEMPLATE, stops=True)

    def render(turns: list[dict[str, Any]]) -> str:
        try:
            return template.render(turns, tools=tools).text
        except TemplateRefusal as refusal:
            raise NotTrainable(f"the chat template refuses the conversation: {refusal}", stops=True) from refusal

    text = render(turns)
    encoding = folder.encode(text)
    starts, ends = [start for start, _ in encoding.offsets], [end for _, end in encoding.offsets]
    trained = [False] * len(encoding)
    end_id = folder.special_id("eos_token")
    last_end: int | None = None
    for index, turn in enumerate(turns):
        flag = flags[index]
        wanted = flag if flag is not None else mask.train_on_inputs or turn.get("role") in mask.roles_to_train
        if not wanted and mask.train_on_eos != "all":
            continue
        begin, stop = _span(text, [render([*turns[:index], _dummy(turn, word), *turns[index + 1 :]]) for word in PLACEHOLDERS])
        first, after = (bisect_right(ends, begin), bisect_left(starts, stop)) if stop > begin else (-1, -1)
        if after <= first:
            first, after = -1, -1
        if wanted and first >= 0:
            trained[first:after] = [True] * (after - first)
        end_at = _find(encoding.ids, end_id, after)
        if end_at is not None and abs(end_at - after) <= END_TOKEN_REACH:
            last_end = end_at
            if mask.train_on_eos == "all" or (mask.train_on_eos == "turn" and wanted):
                trained[end_at] = True
    if mask.train_on_eos == "last" and last_end is not None:
        trained[last_end] = True
    row = row_of(encoding, text, trained)
    # A content of parts can be switched on and off part by part (`train_detail`), which is not modelled.
    row.exact = not any(isinstance(message.get("content"), list) for message in record["messages"])
    return row


def _find(ids: list[int], wanted: int | None, start: int) -> int | None:
    """Return the first place of an id from `start`.

    For a turn that was not found Axolotl starts at -1: it looks at the last token first and gives up where that is it.
    """
    if wanted is None or (start < 0 and ids and ids[-1] == wanted):
        return None
    return next((place for place in range(max(start, 0), len(ids)) if ids[place] == wanted), None)


def _span(text: str, others: list[str]) -> tuple[int, int]:
    """Return the widest span of `text` that differs from renderings of the same template with other content."""
    spans = []
    for other in others:
        limit = min(len(text), len(other))
        start = _shared(text, other, limit)
        spans.append((start, len(text) - _shared(text[::-1], other[::-1], limit - start)))
    return min(start for start, _ in spans), max(end for _, end in spans)


def _shared(left: str, right: str, limit: int) -> int:
    """Return the length of the common prefix, at most `limit`: by halving, so that the comparison runs in C."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _dummy(turn: dict[str, Any], word: str) -> dict[str, Any]:
    return {"role": turn.get("role"), "content": word}


def _turns(record: dict[str, Any], mask: AxolotlMask) -> tuple[list[dict[str, Any]], list[bool | None]]:
    """Return the turns as the template gets them, and each turn's own training flag (None where it has none)."""
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise NotTrainable("messages is null or no list of objects (set field_messages?)", stops=True)
    turns = [_turn(message) for message in messages]
    flags = [_flag(message.get(mask.training_key)) if mask.training_key else None for message in messages]
    if turns[0].get("role") != "system" and "system" in record:
        turns.insert(0, {"role": "system", "content": record["system"]})
        flags.insert(0, None)
    return turns, flags


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    turn = {key: value for key, value in message.items() if value is not None}
    if isinstance(turn.get("role"), str):
        turn["role"] = ROLES.get(turn["role"], turn["role"])
    if isinstance(turn.get("content"), list):
        turn["content"] = "".join(_part(part) for part in turn["content"] if isinstance(part, dict))
    if isinstance(turn.get("tool_calls"), list):
        turn["tool_calls"] = [_with_parsed_arguments(call) for call in turn["tool_calls"]]
    return turn


def _part(part: dict[str, Any]) -> str:
    text = part.get("text") or part.get("content") or part.get("value") or ""
    return text if isinstance(text, str) else ""


def _with_parsed_arguments(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}
    except ValueError as error:
        raise NotTrainable(f"tool arguments are no valid JSON: {error}", stops=True) from error


def _tools(record: dict[str, Any]) -> list[Any] | None:
    tools = record.get("tools")
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except ValueError as error:
            raise NotTrainable(f"tools is no valid JSON: {error}", stops=True) from error
    if tools is not None and not isinstance(tools, list):
        raise NotTrainable("tools is no list", stops=True)
    return tools
