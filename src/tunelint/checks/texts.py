"""Where a text of a record stands, exactly: from a turn's joined content back to the string in the record.

Checks read `Turn.content`, which joins content parts and instruction with input. A finding and a fix need the very string
in the record and the place within it; that is worked out here, only for texts that have something to report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tunelint.checks.hit import Edit
from tunelint.records.example import Turn
from tunelint.records.locate import escape, resolve
from tunelint.records.record import Record


def strings(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string value below a parsed value as (pointer, text); keys are no texts."""
    stack: list[tuple[str, Any]] = [(pointer, value)]
    while stack:
        where, item = stack.pop()
        if isinstance(item, str):
            yield where, item
        elif isinstance(item, dict):
            stack.extend((f"{where}/{escape(key)}", inner) for key, inner in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend((f"{where}/{index}", item[index]) for index in range(len(item) - 1, -1, -1))


def all_turns(record: Record) -> tuple[Turn, ...]:
    """Return the turns of the conversation, then those of the rejected answer."""
    example = record.example
    return example.turns + example.rejected if example.rejected else example.turns


def taught(record: Record) -> list[Turn]:
    """Return the answers that a model is to learn: no rejected ones, none that is switched off, none of a bare document."""
    return record.taught


def own_strings(record: Record, turn: Turn) -> list[tuple[str, str]]:
    """Return the strings of the record that a turn's content is made of, as (pointer, text), in order."""
    found = resolve(record.value, turn.content_pointer)
    if isinstance(found, list):
        return [
            (pointer, text)
            for pointer, text in strings(found, turn.content_pointer)
            if (depth := pointer.count("/") - turn.content_pointer.count("/")) == 1
            or (depth == 2 and pointer.rsplit("/", 1)[-1] in ("text", "value", "refusal"))  # deeper: a tool's result, reasoning
        ]
    own = [(turn.content_pointer, found)] if isinstance(found, str) else []
    if turn.content_pointer == "/instruction" and isinstance(record.value, dict):
        own += [(f"/{key}", record.value[key]) for key in ("input", "context") if isinstance(record.value.get(key), str)]
    return own


def place(record: Record, turn: Turn, span: tuple[int, int]) -> tuple[str, tuple[int, int] | None]:
    """Return pointer and span, within the string that stands there, of a span of a turn's content."""
    start, end = span
    offset = 0
    own = own_strings(record, turn)
    for pointer, text in own:
        if turn.content not in ("", text) and len(own) == 1:
            # A transcript: the turn is a stretch of one string (Anthropic's hh-rlhf form).
            offset = -max(0, text.rfind(turn.content))
        if start < offset + len(text):
            return pointer, (start - offset, min(end - offset, len(text)))
        offset += len(text) + 1
    return turn.content_pointer, None


def rewrite(record: Record, pointer: str, change: Callable[[str], str]) -> Edit | None:
    """Return the edit that puts `change(text)` in place of the string at a pointer, None where nothing would change."""
    text = resolve(record.value, pointer)
    if not isinstance(text, str):
        return None
    changed = change(text)
    return Edit("set", pointer, changed) if changed != text else None
