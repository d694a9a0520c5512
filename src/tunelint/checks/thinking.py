"""Blocks of reasoning inside answers (`<think> ... </think>`): broken ones, and files in which only some answers have one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.screen import only_where
from tunelint.checks.survey import Survey, needs
from tunelint.records.record import Record
from tunelint.records.signs import ESCAPE, TAG

# The tags of DeepSeek-R1 and Qwen3 (think), and of prompts that ask for the like.
TAGS = ("think", "thinking", "reasoning")
_TAG = re.compile(r"<(/?)(" + "|".join(TAGS) + r")>")
# Tags that are talked about stand in code; removing code must not move anything, so it is blanked.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
NO_ANSWER, WITHOUT, WITH = 0, 1, 2


@only_where(signs=ESCAPE | TAG)
def unbalanced_think_block(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN011: a block of reasoning that is opened and never closed, or closed and never opened."""
    turns = record.example.turns
    for index, turn in enumerate((*turns, *record.example.rejected)):
        if turn.role != "assistant" or ">" not in turn.content:
            continue
        before = turns[index - 1].content if 0 < index < len(turns) else ""
        problem = _imbalance(_blanked(turn.content), opened=before.rstrip().endswith(tuple(f"<{tag}>" for tag in TAGS)))
        if problem is not None:
            message, span = problem
            yield Hit(message, pointer=turn.content_pointer, span=span)


def _imbalance(text: str, opened: bool) -> tuple[str, tuple[int, int]] | None:
    """Return what is wrong with the tags of a text, and where. `opened`: the prompt ends with the opening tag."""
    stack: list[re.Match[str]] = []
    for match in _TAG.finditer(text):
        closing, tag = match.groups()
        if not closing:
            stack.append(match)
        elif stack and stack[-1].group(2) == tag:
            stack.pop()
        elif opened and not stack:
            opened = False
        else:
            return f"Answer closes <{tag}> without having opened it.", match.span()
    if stack:
        return f"Answer opens <{stack[-1].group(2)}> and never closes it.", stack[-1].span()
    return None


def _blanked(text: str) -> str:
    return _CODE.sub(lambda match: " " * len(match.group()), text) if "`" in text else text


def block_state(record: Record) -> int:
    """Return NO_ANSWER, WITHOUT or WITH: has the record's last answer a block of reasoning, in its text or beside it?"""
    answer = record.example.answer
    if answer is None:
        return NO_ANSWER
    if record.signs & (ESCAPE | TAG) and _TAG.search(_blanked(answer.content)) is not None:
        return WITH
    return WITH if isinstance(answer.raw, dict) and _reasoning_beside(answer.raw) else WITHOUT


def block_states(records: Sequence[Record]) -> list[int]:
    """Return `block_state` of each record. Without the sign of a tag the outline decides."""
    known: dict[int, int] = {}
    states: list[int] = []
    for record in records:
        kind = 0 if record.signs & (ESCAPE | TAG) else record.kind
        state = known.get(kind, -1) if kind else -1
        if state < 0:
            state = known[kind] = block_state(record)
        states.append(state)
    return states


def _reasoning_beside(message: dict[str, Any]) -> bool:
    """Reasoning under a key of its own (Together, Fireworks, Axolotl), or as a part of the content (LLaMA-Factory)."""
    if any(message.get(key) for key in ("reasoning_content", "reasoning", "thinking")):
        return True
    parts = message.get("content")
    kinds = (part.get("type") for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ()
    return any(kind in TAGS for kind in kinds)


@needs("think")
def mixed_think_blocks(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN012: nearly all answers of a file have a block of reasoning, or nearly none. One hit a file."""
    states = survey.column("think")
    for file in range(len(survey.files)):
        rows = np.flatnonzero((survey.file == file) & (states != NO_ANSWER))
        having, lacking = rows[states[rows] == WITH], rows[states[rows] == WITHOUT]
        few, many = (having, lacking) if len(having) <= len(lacking) else (lacking, having)
        if not len(few) or len(few) > options["most"] * len(rows):
            continue
        have, rest = ("a block of reasoning", "none") if few is having else ("no block of reasoning", "one")
        who = "Answer has" if len(few) == 1 else f"{len(few):,} answers, this one first, have"
        others = tuple(Partner(int(index)) for index in few[1:6])
        yield Hit(f"{who} {have}; the {len(many):,} others have {rest}.", at=int(few[0]), related=others)
