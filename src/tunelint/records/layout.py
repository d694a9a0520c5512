"""How a text file holds its records, told from its first bytes."""

from __future__ import annotations

import json
from typing import Any, Literal

from tunelint.records.values import scan_object

Layout = Literal["lines", "values", "array", "csv"]


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
