"""Cheap facts about a record that let most checks look away at once.

A rule that looks for something rare must not read every record with a regular expression: ten million ordinary rows pay
for it. So one pass over the raw bytes (translations, single-byte searches) answers what several rules ask, and only a
record that may hold the fault is looked at slowly. Every fact errs on the side of looking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tunelint.records.record import Record

_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/")
_TO_TOKENS = bytes(97 if code in _TOKEN else 32 for code in range(256))
TO_WORDS = bytes(code if code in _TOKEN else 32 for code in range(256))
_LONG_TOKEN = b"a" * 20
_TO_DIGITS = bytes(48 if 48 <= code <= 57 else 120 for code in range(256))
_BETWEEN_DIGITS = b" -()./"
_TO_NUMBERS = bytes(48 if 48 <= code <= 57 or code in _BETWEEN_DIGITS else 120 for code in range(256))
_DIGIT_RUN = b"0" * 9
_ESCAPE = re.compile(rb"\\[bfu]")
_PAIRS = frozenset({"preference", "openai-preference"})
_TOOL_KEYS = frozenset({"tools", "functions", "available_tools"})
_IMAGE_KEYS = frozenset({"images", "image"})


@dataclass(slots=True)
class Screen:
    """`plain`: no characters but printable ASCII, tabs and line breaks. `long_token`: a run of 20 characters that keys are
    made of. `digit_run`: nine digits, separators aside. `tools`: calls, tool results or tool declarations. `images`: image
    parts, or a key for images. `pair`: a preference record.
    """

    record: Record
    plain: bool
    long_token: bool
    digit_run: bool
    tools: bool
    images: bool
    pair: bool


_last: Screen | None = None


def screen(record: Record) -> Screen:
    """Return the facts about a record; the checks of one record come one after the other, so the last one is kept."""
    global _last
    last = _last
    if last is not None and last.record is record:
        return last
    raw, example, value = record.raw, record.example, record.value or {}
    tools = bool(example.tools) or not _TOOL_KEYS.isdisjoint(value)
    images = not _IMAGE_KEYS.isdisjoint(value)
    for turn in example.turns:
        if turn.calls or turn.role == "tool" or turn.own_role in ("function_call", "tool_call"):
            tools = True
        if turn.images:
            images = True
    for turn in example.rejected:
        if turn.calls or turn.role == "tool":
            tools = True
    _last = Screen(
        record=record,
        plain=raw.isascii() and _ESCAPE.search(raw) is None,
        long_token=_LONG_TOKEN in raw.translate(_TO_TOKENS),
        digit_run=_DIGIT_RUN in raw.translate(_TO_NUMBERS) and _DIGIT_RUN in raw.translate(_TO_DIGITS, _BETWEEN_DIGITS),
        tools=tools,
        images=images,
        pair=record.shape in _PAIRS,
    )
    return _last
