"""Content that is written as a list of parts, where a target is strict about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import by_outline
from tunelint.checks.wording import kind_of, short
from tunelint.records.record import Record


@by_outline
def unusable_content(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """SCH012: a content part of a type that the target does not read, or text and lists of parts in one conversation."""
    if not (options["part_types"] or options["one_form"]):
        return ()
    return _unusable(record, options)


def _unusable(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    forms: set[type] = set()
    for turn in record.example.turns:
        content = turn.raw.get("content") if isinstance(turn.raw, dict) else None
        if not content or not isinstance(content, str | list):
            continue
        if isinstance(content, list) and options["part_types"]:
            yield from _parts(content, turn.content_pointer, options["part_types"])
        if options["one_form"] and forms and type(content) not in forms:
            what = "text" if isinstance(content, str) else "a list of parts"
            yield Hit(f"Content is {what}, and that of the messages before it is not; the target takes one of the two.", pointer=turn.content_pointer)
            return
        forms.add(type(content))


def _parts(parts: list[Any], pointer: str, types: list[str]) -> Iterator[Hit]:
    for index, part in enumerate(parts):
        where = f"{pointer}/{index}"
        if not isinstance(part, dict):
            yield Hit(f"Content part is {kind_of(part)}, not an object with a type.", pointer=where)
        elif isinstance(part.get("type"), str) and part["type"] not in types:
            yield Hit(f"Content part is of type '{short(part['type'])}'; the target reads {', '.join(types)}.", pointer=where)
