"""Values of a record as words of a message: short, quoted, with their kind."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def short(name: str) -> str:
    """Return a name that may be long, cut to 64 characters."""
    return name if len(name) <= 64 else name[:63] + "…"


def kind_of(value: Any) -> str:
    """Return what a JSON value is, with its article."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null", int: "a whole number"}
    return names.get(type(value), "a number")


def spelled(value: Any) -> str:
    """Return a value as JSON, cut to 40 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def listed(names: Iterable[str], quoted: bool = True) -> str:
    """Return names in a row, five at most."""
    words = [f"'{short(name)}'" if quoted else name for name in names]
    return ", ".join(words[:5]) + (f" and {len(words) - 5} more" if len(words) > 5 else "")


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: 1 row, 12,000 rows."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
