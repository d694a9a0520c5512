"""What can be wrong with a rendered row, whatever its length: lost content, an end that is not trained, two starts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunelint.records.example import Example, ToolCall, Turn
from tunelint.tokens.huggingface import TokenizerFolder
from tunelint.tokens.rows import TokenRow

REFUSED, LOST_CONTENT, UNTRAINED_END, DOUBLED_START = 1, 2, 4, 8
LONG_ENOUGH_TO_REPEAT = 24
"""Characters from which a text that stands in the rendering more often than in the record is there twice by fault."""
THINK = re.compile(r"<think>.*?</think>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loss:
    """A piece of a turn that the rendering does not show as the record has it. `turn` is its index in the example."""

    turn: int
    pointer: str
    what: str


def faults_of(row: TokenRow, example: Example, folder: TokenizerFolder) -> int:
    """Return the fault bits of a row (REFUSED is for the caller: there is no row then)."""
    bits = 0
    if any(True for _ in losses(example, row.text)):
        bits |= LOST_CONTENT
    if end_is_untrained(row, folder):
        bits |= UNTRAINED_END
    if starts_twice(row, folder):
        bits |= DOUBLED_START
    return bits


def end_is_untrained(row: TokenRow, folder: TokenizerFolder) -> bool:
    """Whether the last trained run ends without a trained end token, so that the model does not learn to stop.

    White space that the template puts behind the end token does not count. Evidence:
    https://github.com/huggingface/trl/issues/5988, https://github.com/huggingface/trl/issues/1623.
    """
    ends = set(folder.tokenizer.get_added_tokens_decoder())
    never = (folder.special_id("bos_token"), folder.special_id("unk_token"), folder.tokenizer.token_to_id("<unk>"))
    ends.difference_update(token for token in never if token is not None)
    for token, trained, (first, last) in zip(reversed(row.ids), reversed(row.trained), reversed(row.offsets), strict=True):
        if not trained:
            continue
        if token in ends:
            return False
        if row.text[first:last].strip():
            return True
    return False


def starts_twice(row: TokenRow, folder: TokenizerFolder) -> bool:
    """Whether the row begins with two start tokens (https://github.com/huggingface/trl/issues/1400)."""
    start = folder.special_id("bos_token")
    return start is not None and row.ids[:2] == [start, start]


def losses(example: Example, rendered: str) -> Iterator[Loss]:
    """Yield what of the conversation is missing from the rendering, out of order, or in it too often.

    Each turn's text (trimmed: many templates trim) must stand in the rendering after the one before it.
    """
    place = 0
    for index, turn in enumerate(example.turns):
        text = turn.content.strip()
        if text:
            found = rendered.find(text, place)
            if found >= 0:
                place = found + len(text)
            else:
                yield Loss(index, turn.content_pointer, _missing(turn, text, rendered))
        reasoning = _reasoning(turn)
        if reasoning and reasoning.strip() not in rendered:
            yield Loss(index, turn.pointer, f"reasoning of {len(reasoning):,} characters is left out")
        for call in turn.calls:
            problem = _call_problem(call, rendered)
            if problem:
                yield Loss(index, call.pointer, problem)
    yield from _repeated(example, rendered)


def _missing(turn: Turn, text: str, rendered: str) -> str:
    without = THINK.sub("", text).strip()
    if without != text and without in rendered:
        return f"the think block of {len(text) - len(without):,} characters is left out"
    if text in rendered:
        return f"the {turn.role} turn stands in another place"
    return f"the {turn.role} turn ({len(text):,} characters) is left out or changed"


def _reasoning(turn: Turn) -> str:
    raw = turn.raw if isinstance(turn.raw, dict) else {}
    value = next((raw[key] for key in ("reasoning_content", "thinking", "reasoning") if isinstance(raw.get(key), str)), "")
    return str(value)


def _call_problem(call: ToolCall, rendered: str) -> str:
    """Return what the rendering makes of a tool call's name and arguments, "" where they are there.

    Templates that expect an object write a string of JSON as a quoted string, and the other way round
    (https://github.com/huggingface/transformers/issues/45419).
    """
    if call.name not in rendered:
        return f"the call of {call.name!r} is left out"
    arguments = call.arguments
    if isinstance(arguments, str):
        quoted = json.dumps(arguments, ensure_ascii=False)
        if arguments not in rendered and quoted != f'"{arguments}"' and quoted in rendered:
            return f"the arguments of {call.name!r} are written as a quoted string; give them as an object"
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            return "" if arguments in rendered else f"the arguments of {call.name!r} are left out"
    missing = [leaf for leaf in _leaves(arguments) if leaf not in rendered and json.dumps(leaf)[1:-1] not in rendered]
    return f"of the arguments of {call.name!r}, {missing[0][:40]!r} is left out" if missing else ""


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _repeated(example: Example, rendered: str) -> Iterator[Loss]:
    texts = [turn.content.strip() for turn in example.turns]
    wanted = Counter(texts)
    for index, text in enumerate(texts):
        if len(text) < LONG_ENOUGH_TO_REPEAT or wanted[text] == 0:
            continue
        inside = sum(other.count(text) for other in texts)
        there = rendered.count(text)
        if there > inside:
            turn = example.turns[index]
            yield Loss(index, turn.content_pointer, f"the {turn.role} turn stands there {there} times")
        wanted[text] = 0
