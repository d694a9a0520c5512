"""Records that do not stand one on a line: JSON arrays, pretty-printed objects, records with raw line breaks.

Everything here works on Latin-1 text, one character per byte: JSON's structure is ASCII, so positions found there are
byte offsets, whatever the strings hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunelint.records.record import Fault

_SCAN: Any = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]  # strict=False: raw line breaks inside strings
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|#[^\n]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of one record (or of a stretch that is none: then `fault` says why), with where it starts."""

    line: int
    offset: int
    raw: bytes
    end_line: int
    fault: Fault | None = None


def scan_object(text: str, start: int) -> int | None:
    """Return the end of the JSON object that starts at `start`, None where there is none."""
    try:
        value, end = _SCAN(text, start)
    except (StopIteration, ValueError, RecursionError):
        return None
    return end if isinstance(value, dict) else None


def split_values(data: bytes, first_line: int = 1, first_offset: int = 0) -> Iterator[Piece]:
    """Yield the records of a JSON array or of objects that follow one another, over any number of lines.

    A record that is not JSON becomes a piece with a fault; reading goes on at the next line that starts like a record.
    """
    text = data.decode("latin-1")
    lines = _LineCounter(text, first_line)
    position = _BETWEEN.match(text, 0).end()  # type: ignore[union-attr]
    in_array = text[position : position + 1] == "["
    if in_array:
        position += 1
    record_start: str | None = None
    while True:
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text):
            if in_array:
                message = "File breaks off: the array is never closed."
                yield Piece(lines.at(len(text)), first_offset + len(text), b"", lines.at(len(text)), Fault("invalid-json", message, 1, 0))
            return
        if in_array and text[position] == "]":
            rest = _BETWEEN.match(text, position + 1).end()  # type: ignore[union-attr]
            if rest < len(text):
                fault = Fault("invalid-json", "Text follows the end of the array.", None, 0)
                yield Piece(lines.at(rest), first_offset + rest, data[rest:], lines.at(len(text)), fault)
            return
        line = lines.at(position)
        if record_start is None:
            indent = text[text.rfind("\n", 0, position) + 1 : position]
            record_start = "\n" + indent + "{" if indent.strip() == "" else "\n{"
        try:
            _, end = _SCAN(text, position)
        except (StopIteration, ValueError, RecursionError) as error:
            end, fault = _skip(text, position, record_start, error)
            yield Piece(line, first_offset + position, data[position:end], lines.at(end), fault)
        else:
            yield Piece(line, first_offset + position, data[position:end], lines.at(end))
        position = end


def _skip(text: str, position: int, record_start: str, error: Exception) -> tuple[int, Fault]:
    """Return where reading goes on after text that is no JSON, and the fault."""
    comment = _COMMENT.match(text, position)
    if comment is not None:
        return comment.end(), Fault("invalid-json", "JSON has no comments.", None, 0)
    broken = getattr(error, "pos", getattr(error, "value", position))
    broken = broken if isinstance(broken, int) else position
    next_start = text.find(record_start, max(broken, position + 1))
    end = len(text) if next_start < 0 else next_start
    end = position + len(text[position:end].rstrip(" \t\r\n,"))  # what separates it from the next is not part of it
    reason = getattr(error, "msg", "a value is missing") if not isinstance(error, RecursionError) else "it is nested too deeply"
    before = text[position:broken].rstrip()
    if text[broken : broken + 1] in ("}", "]") and before.endswith(","):
        reason = "a comma stands before the closing bracket"
    fault = Fault("invalid-json", f"Record is not JSON: {reason[0].lower()}{reason[1:]}.", None, broken - position)
    return end, fault


class _LineCounter:
    """Line numbers of growing positions, without counting from the start each time."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text, self._position, self._line = text, 0, first_line

    def at(self, position: int) -> int:
        if position > self._position:
            self._line += self._text.count("\n", self._position, position)
            self._position = position
        elif position < self._position:
            return self._line - self._text.count("\n", position, self._position)
        return self._line
