"""The outline of a record: everything about it but the wording of its texts.

The records of a file share a handful of outlines: the same keys, types and roles. What depends on nothing else (is a key
missing, is a role known, are the turns in order) is therefore found out once per outline and not once per record.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

Outline = tuple[Any, ...]

_BIG = float(2**63)
_WORDS = frozenset({"role", "from", "type"})
"""Keys whose text is a name, not wording."""
_PARSED = frozenset({"function_call", "tool_call"})
"""Roles and types of messages whose text is JSON that is read as a call."""
_TOOL_KEYS = frozenset({"tools", "functions"})
_LONGEST = 400
"""Entries from which an outline is not worth keeping."""
_TRANSCRIPT = "\n\nHuman:"
MOST_LEVELS = 200
"""Objects and lists inside one another that are read. Serialisers refuse a little more (orjson 254), and what walks over a
record in Python must stay below the interpreter's own limit of 1,000 calls."""


@dataclass(slots=True)
class Walk:
    """What one walk over a parsed value tells: the number of keys, whether it holds floats, and floats that may be integers
    above 64 bits; and its outline, None where the texts decide on the structure (transcripts, calls written as text)."""

    keys: int
    floats: bool
    big: bool
    outline: Outline | None


def walk(value: Any) -> Walk:
    """Walk over a parsed value once. Raises RecursionError when it is nested more than `MOST_LEVELS` levels deep."""
    keys, floats, big, told = 0, False, False, True
    found: list[Any] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            keys += len(item)
            found.append(tuple(item))
            for key, inner in item.items():
                kind = type(inner)
                if kind is str:
                    if key in _WORDS:
                        found.append(inner)
                        told = told and inner not in _PARSED
                    elif inner[:1].isalnum():
                        found.append("text")
                    else:
                        found.append(_text_kind(inner))
                        # Of the record's own members a transcript is taken apart; a list of tools as text, of inner ones.
                        told = told and found[-1] is not None and not (inner.startswith(_TRANSCRIPT) if item is value else key in _TOOL_KEYS)
                elif kind is dict or kind is list:
                    found.append(kind)
                    stack.append(inner)
                elif kind is float:
                    floats, big = True, big or abs(inner) >= _BIG
                    found.append((kind, inner) if inner in (0, 1) else kind)
                else:
                    found.append((kind, inner) if inner in (None, 0, 1) else kind)
        elif type(item) is list:
            kinds = set(map(type, item))
            if kinds.isdisjoint((dict, list)):
                floats = floats or float in kinds
                big = big or (float in kinds and any(type(inner) is float and abs(inner) >= _BIG for inner in item))
                texts = tuple(map(_text_kind, item)) if str in kinds else ()
                told = told and None not in texts
                found.append((min(len(item), 3), frozenset(kinds), texts if len(texts) <= 3 else frozenset(texts)))
            else:
                found.append(tuple(_text_kind(inner) if type(inner) is str else type(inner) for inner in item))
                stack.extend(inner for inner in item if type(inner) is dict or type(inner) is list)
                if float in kinds:
                    floats = True
                    big = big or any(type(inner) is float and abs(inner) >= _BIG for inner in item)
        elif type(item) is float:
            floats, big = True, abs(item) >= _BIG
    if len(found) > MOST_LEVELS and levels(value) > MOST_LEVELS:
        raise RecursionError(f"more than {MOST_LEVELS} levels")
    return Walk(keys, floats, big, tuple(found) if told and len(found) < _LONGEST else None)


def levels(value: Any) -> int:
    """Return how many objects and lists stand inside one another."""
    levels, inside = 0, [value]
    while inside:
        inside = [item for item in inside if type(item) is dict or type(item) is list]
        levels += bool(inside)
        inside = [inner for item in inside for inner in (item.values() if type(item) is dict else item)]
    return levels


def _text_kind(text: Any) -> str | None:
    """Return whether a text is empty, blank or holds something; None where its wording decides on the structure."""
    if type(text) is not str or not text:
        return ""
    if text.isspace():
        return " "
    return None if is_blank(text) else "text"


def is_blank(text: str) -> bool:
    """Tell whether a text has nothing but white space and invisible characters."""
    if not text or text.isspace():
        return True
    if len(text) > 200:
        return False
    return all(char.isspace() or unicodedata.category(char) in ("Cf", "Cc") for char in text)
