"""From rows to token ids and labels, with tunelint's mask: the assistant's turns and the end token after each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MARK = "\ue000"  # a private-use character: no answer begins or ends with it


def encode(row: dict[str, Any], tokenizer: Any, max_length: int) -> dict[str, list[int]]:
    """Return `input_ids` and `labels` (-100 where nothing is learnt) of a row, cut at `max_length` tokens.

    Answers of weight 0 are not learnt; a bare text is learnt whole.
    """
    end = tokenizer.eos_token or ""
    if "text" in row:
        ids = tokenizer(row["text"] if row["text"].endswith(end) else row["text"] + end)["input_ids"][:max_length]
        return {"input_ids": ids, "labels": list(ids)}
    messages = [_as_templates_read_it(message) for message in row["messages"]]

    def render(turns: list[dict[str, Any]]) -> str:
        return str(tokenizer.apply_chat_template(turns, tools=row.get("tools"), tokenize=False))

    text = render(messages)
    spans = []
    for place, message in enumerate(messages):
        if message["role"] == "assistant" and row["messages"][place].get("weight") != 0:
            other = render([*messages[:place], {"role": "assistant", "content": MARK}, *messages[place + 1 :]])
            spans.append(_difference(text, other, end))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, labels = list(encoded["input_ids"]), []
    for token, (first, last) in zip(ids, encoded["offset_mapping"], strict=True):
        labels.append(token if any(first < stop and last > start for start, stop in spans) else -100)
    return {"input_ids": ids[:max_length], "labels": labels[:max_length]}


def _difference(text: str, other: str, end: str) -> tuple[int, int]:
    """Return where an answer stands in a rendered conversation, by the same one with another answer; its end token included."""
    start = _alike(text, other)
    most = min(len(text), len(other)) - start
    stop = len(text) - min(most, _alike(text[::-1], other[::-1]))
    after = text.find(end, stop) if end else -1
    return start, after + len(end) if after >= 0 and not text[stop:after].strip() else stop


def _alike(one: str, other: str) -> int:
    """Return the length of the common beginning."""
    shortest = min(len(one), len(other))
    return next((place for place in range(shortest) if one[place] != other[place]), shortest)


def _as_templates_read_it(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with a text as content and the arguments of tool calls as objects."""
    read = {**message, "content": message.get("content") or ""}
    if message.get("tool_calls"):
        read["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": _object(call["function"]["arguments"])}} for call in message["tool_calls"]
        ]
    return read


def _object(arguments: Any) -> Any:
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def encoded_rows(path: str, tokenizer: Any, max_length: int) -> list[dict[str, list[int]]]:
    """Return the encoded rows of a JSONL file; those without a token to learn are left out, and counted on stderr."""
    lines = Path(path).read_bytes().split(b"\n")
    rows = [encode(json.loads(line), tokenizer, max_length) for line in lines if line.strip()]
    kept = [row for row in rows if any(label != -100 for label in row["labels"][1:])]
    if len(kept) < len(rows):
        sys.stderr.write(f"{path}: {len(rows) - len(kept)} of {len(rows)} rows have nothing to learn within {max_length} tokens\n")
    return kept
