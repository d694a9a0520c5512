"""How a text file holds its records, and in which encoding, told from its first bytes."""

from __future__ import annotations

import codecs
import json
from typing import Any, Literal

from tunelint.records.values import scan_object

Layout = Literal["lines", "values", "array", "csv"]

# UTF-32's mark in little-endian order begins with UTF-16's.
_MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_NULS: dict[tuple[bool, ...], str] = {
    (True, True, True, False): "UTF-32BE",
    (True, False, True, False): "UTF-16BE",
    (False, True, True, True): "UTF-32LE",
    (False, True, False, True): "UTF-16LE",
}


def wide_encoding(head: bytes) -> str | None:
    """Return UTF-16 or UTF-32 (with LE or BE where there is no byte-order mark) of a text in either, None for any other.

    Without a mark it shows in where the NULs stand among the first four bytes, as a text of JSON begins with two ASCII
    characters (https://www.rfc-editor.org/rfc/rfc4627#section-3). NULs may have got into UTF-8 by accident, so there must be
    a third ASCII character further on: a quotation mark, a bracket, the end of a line.
    """
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked is not None:
        return marked
    name = _NULS.get(tuple(byte == 0 for byte in head[:4]))
    if name is None:
        return None
    text = head[:4096].decode(name, "replace")
    found = "".join(char for char in text if char.isascii() and (char.isprintable() or char.isspace()))
    return name if len(found) > 2 and text.startswith(found[:1]) else None


def sniff(head: bytes, complete: bool, suffix: str) -> Layout:
    """Return the layout of a file from its head (the whole file if `complete`), byte-order mark removed.

    lines: one JSON value a line (also where the lines are broken); values: objects that run over several lines;
    array: one JSON array, on one line or many; csv: by the name only.
    """
    if suffix == ".csv":
        return "csv"
    start = len(head) - len(head.lstrip(b" \t\r\n"))
    first = head[start : start + 1]
    if first not in (b"[", b"{"):
        return "lines"
    end = head.find(b"\n", start)
    line, rest = (head[start:], b"") if end < 0 else (head[start:end], head[end:].strip())
    value = _whole(line)
    if first == b"[":
        if value is None:
            return "array" if not _looks_like_rows(line, rest) else "lines"
        only_line = not rest and complete
        return "array" if only_line and value and all(isinstance(item, dict) for item in value) else "lines"
    if value is not None:
        return "lines"
    text = head.decode("latin-1")
    stop = scan_object(text, start)
    if stop is not None:
        return "values" if "\n" in text[start:stop] else "lines"
    # The first object may be longer than the head, or broken: pretty-printed text shows in how its first line ends.
    return "values" if line.rstrip().endswith((b"{", b"[", b",")) else "lines"


def _whole(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _looks_like_rows(line: bytes, rest: bytes) -> bool:
    """Tell a broken list *row* among other rows from an array that fills the file."""
    return len(line.strip()) > 1 and rest.startswith(b"{") and not line.rstrip().endswith((b",", b"{", b"["))
