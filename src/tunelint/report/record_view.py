"""A record for a reader: its turns, cut around the faults, masked, with the faults marked. Never a whole long record."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tunelint.checks.privacy import mask_around
from tunelint.engine.excerpt import MASKED_AROUND, plain_path
from tunelint.records.example import Turn
from tunelint.records.locate import resolve
from tunelint.records.record import Record

WHOLE = 900  # characters of a text that is shown whole
HEAD, AROUND, TAIL = 300, 200, 80  # of a longer one: its start, each fault with its surroundings, its end
LONGEST_HIT = 600
MOST_PARTS = 14
_JOINERS = "\u200c\u200d"  # harmless, and half of the world's scripts and emoji need them


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a record to mark: a pointer and characters of the string there (all of it: None)."""

    pointer: str
    span: tuple[int, int] | None = None


@dataclass(slots=True)
class Part:
    """One turn or field. `segments` are pieces of its text and, between them, the number of characters left out."""

    label: str
    segments: list[str | int] = field(default_factory=list)


@dataclass(slots=True)
class RecordView:
    """The parts of a record, and for each place (part, segment, start, end) where it can be shown, else None."""

    parts: list[Part]
    marks: list[tuple[int, int, int, int] | None]


@dataclass(slots=True)
class _Text:
    """A text of the record before it is cut, with its pointers: `spans` are the places in it, by their number."""

    label: str
    text: str
    pointer: str
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)


def view_record(record: Record, places: Sequence[Place]) -> RecordView:
    """Return the view of a parsed record. Texts are masked before they are cut."""
    texts = _texts(record)
    for number, place in enumerate(places):
        _locate(record.value, texts, number, place)
    chosen, skipped = _chosen(texts)
    parts: list[Part] = []
    marks: list[tuple[int, int, int, int] | None] = [None] * len(places)
    for index, text in enumerate(chosen):
        if skipped and index == skipped[0]:
            parts.append(Part("", [f"{skipped[1]:,} more turns"]))
        part = Part(shown(text.label))
        shown_to = 0
        for start, end in _windows(text):
            if start > shown_to:
                part.segments.append(start - shown_to)
            _segment(part, text, start, end, len(parts), marks)
            shown_to = end
        parts.append(part)
    return RecordView(parts, marks)


def _texts(record: Record) -> list[_Text]:
    example = record.example
    texts = [text for turn in example.turns for text in _of_turn(turn, turn.own_role or turn.role)]
    texts += [text for turn in example.rejected for text in _of_turn(turn, f"{turn.own_role or turn.role} (rejected)")]
    if texts:
        return texts
    return [_Text(key, item if isinstance(item, str) else _json(item), f"/{key}") for key, item in (record.value or {}).items()]


def _of_turn(turn: Turn, label: str) -> list[_Text]:
    texts = [_Text(label, turn.content, turn.content_pointer)] if turn.content or not (turn.calls or turn.images) else []
    for call in turn.calls:
        arguments = call.arguments if isinstance(call.arguments, str) else _json(call.arguments)
        texts.append(_Text(f"{label} calls {call.name}", arguments, call.pointer))
    texts += [_Text(f"{label} image", image.url[:WHOLE], image.pointer) for image in turn.images]
    return texts


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _locate(value: Any, texts: list[_Text], number: int, place: Place) -> None:
    """Note the place in the text that holds it; add a text for one that no turn shows."""
    found = resolve(value, place.pointer)
    own = [text for text in texts if place.pointer == text.pointer or place.pointer.startswith(text.pointer + "/")]
    own = own or [text for text in texts if text.pointer.startswith(place.pointer + "/")]
    if isinstance(found, str):
        for text in own:
            offset = text.text.find(found)
            if offset >= 0:
                start, end = place.span or (0, len(found))
                text.spans[number] = (offset + start, offset + max(start, min(end, len(found))))
                return
    elif own:
        own[0].spans[number] = place.span or (0, len(own[0].text))
        return
    if not place.pointer:
        return
    written = found if isinstance(found, str) else "(nothing there)" if found is None else _json(found)
    texts.append(_Text(plain_path(place.pointer), written, place.pointer, {number: place.span or (0, len(written))}))


def _chosen(texts: list[_Text]) -> tuple[list[_Text], tuple[int, int] | None]:
    """Leave out turns in the middle of a long conversation; returns (index, number) of what is left out."""
    if len(texts) <= MOST_PARTS:
        return texts, None
    head, tail = texts[: MOST_PARTS // 2], texts[-(MOST_PARTS // 2) + 2 :]
    middle = [text for text in texts[len(head) : len(texts) - len(tail)] if text.spans][:2]
    return [*head, *middle, *tail], (len(head), len(texts) - len(head) - len(middle) - len(tail))


def _windows(text: _Text) -> list[tuple[int, int]]:
    """Return the stretches of a text that are shown, in order, without overlaps."""
    length = len(text.text)
    if length <= WHOLE:
        return [(0, length)]
    wanted = [(0, HEAD), (length - TAIL, length)]
    for start, end in list(text.spans.values())[:8]:
        wanted.append((max(0, start - AROUND), min(length, min(end, start + LONGEST_HIT) + AROUND)))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        if merged and start <= merged[-1][1] + TAIL:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _segment(part: Part, text: _Text, start: int, end: int, index: int, marks: list[tuple[int, int, int, int] | None]) -> None:
    """Append text[start:end], masked by what stands around it, and note the marks in it."""
    first, last = max(0, start - MASKED_AROUND), min(len(text.text), end + MASKED_AROUND)
    around = text.text[first:last]
    masked, left, right = mask_around(around, start - first, end - first)
    for number, (hit_start, hit_end) in text.spans.items():
        if not start <= hit_start <= end:
            continue
        _, a, b = mask_around(around, hit_start - first, min(hit_end, end) - first)
        a, b = max(a, left), min(max(a, b), right)
        before, hit = shown(masked[left:a]), shown(masked[a:b])
        marks[number] = (index, len(part.segments), len(before), len(before) + len(hit))
    part.segments.append(shown(masked[left:right]))


def shown(text: str) -> str:
    """Return text for a page: line ends and tabs as they are, every other control, format or half character escaped."""
    if text.isprintable():
        return text
    return "".join(char if _harmless(char) else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}" for char in text)


def _harmless(char: str) -> bool:
    return char.isprintable() or char in "\n\t" or char in _JOINERS or unicodedata.category(char) == "Zs"
