"""A short piece of a record around a fault: never a whole long record, never a secret in the clear."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tunelint.checks.privacy import mask, mask_around
from tunelint.findings import Excerpt
from tunelint.records.locate import resolve

CONTEXT = 40
LONGEST = 100
MASKED_AROUND = 5_000  # characters on either side that are searched for secrets: the longest private key and more


@lru_cache(maxsize=1 << 10)  # a file's findings stand at a handful of places
def plain_path(pointer: str) -> str:
    """Return a pointer as people write it: messages[2].content."""
    path = ""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        step = step if len(step) < 8 else mask(step)
        path += f"[{step}]" if step.isdigit() else f".{step}" if path else step
    return path


def excerpt_of_value(value: Any, pointer: str, span: tuple[int, int] | None) -> Excerpt | None:
    """Return the excerpt of a string (or of a small value) at a pointer; `span` is the fault inside a string."""
    found = resolve(value, pointer)
    where = plain_path(pointer)
    if isinstance(found, str):
        start, end = span if span is not None else (0, min(len(found), LONGEST))
        return _cut(where, found, start, end)
    if isinstance(found, dict | list):
        kind = f"{len(found)} keys" if isinstance(found, dict) else f"{len(found)} items"
        return Excerpt(where, f"({'object' if isinstance(found, dict) else 'list'} of {kind})") if where else None
    if found is None and where:
        return Excerpt(where, "(nothing there)" if pointer else "")
    text = "true" if found is True else "false" if found is False else mask(str(found))
    return Excerpt(where, text, 0, len(text)) if where else None


def excerpt_of_line(raw: bytes, column: int) -> Excerpt:
    """Return the excerpt of a line that is no record, around a column (from 1, in code points)."""
    limit = max(4 * column + 400, 400)
    text = raw[:limit].decode("utf-8", "replace")
    start = min(max(0, column - 1), len(text))
    return _cut("", text, start, min(start + 1, len(text)))


def _cut(where: str, text: str, start: int, end: int) -> Excerpt:
    """Mask first, then cut: a cut through a key would leave a piece of it that no longer looks like one."""
    first = max(0, start - MASKED_AROUND)
    end_of_window = end + MASKED_AROUND
    shown, start, end = mask_around(text[first:end_of_window], start - first, end - first)
    end = max(start, min(end, start + LONGEST))
    left, right = max(0, start - CONTEXT), min(len(shown), end + CONTEXT)
    before = "…" if left or first else ""
    after = "…" if right < len(shown) or end_of_window < len(text) else ""
    shift = len(before) - left
    return Excerpt(where, f"{before}{shown[left:right]}{after}", start + shift, end + shift)
