"""One record's bytes after its edits. What an edit does not touch stays as it was, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tunelint.checks.hit import Edit
from tunelint.records.locate import find


def apply_edits(raw: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the record with the edits applied in order (not `drop`, which is no change of bytes)."""
    for edit in edits:
        if edit.action == "bytes":
            raw = edit.value
        elif edit.action in ("set", "remove", "cut"):
            raw = _changed(raw, edit)
    return raw


def _changed(raw: bytes, edit: Edit) -> bytes:
    text = raw.decode("utf-8")
    value = json.loads(text, strict=False)
    if edit.action == "set":
        place = find(text, edit.pointer)
        old = _get(value, edit.pointer)
        if place is not None and not isinstance(old, dict | list) and old is not None:
            return (text[: place[0]] + _spell(edit.value, text) + text[place[1] :]).encode("utf-8", "surrogatepass")
    _assign(value, edit)
    return dump_like(value, text).encode("utf-8", "surrogatepass")


def dump_like(value: Any, text: str) -> str:
    """Spell a value the way a record is spelled: spaces after colons or not, letters escaped or not."""
    spaced = '": ' in text or '":' not in text
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(value, ensure_ascii=text.isascii() and "\\u" in text, separators=separators)


def _spell(value: Any, text: str) -> str:
    return dump_like(value, text)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _get(value: Any, pointer: str) -> Any:
    for step in _steps(pointer):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _assign(value: Any, edit: Edit) -> None:
    *parents, last = _steps(edit.pointer)
    for step in parents:
        value = value[int(step)] if isinstance(value, list) else value[step]
    if edit.action == "cut":
        del value[int(last) :]
    elif edit.action == "remove":
        if isinstance(value, list):
            del value[int(last)]
        else:
            value.pop(last, None)
    elif isinstance(value, list):
        value[int(last)] = edit.value
    else:
        value[last] = edit.value


def one_line(raw: bytes) -> bytes:
    """Return a record that runs over several lines as one line; one that does not, as it is."""
    if b"\n" not in raw:
        return raw
    text = raw.decode("utf-8", "surrogatepass")
    return dump_like(json.loads(text, strict=False), text).encode("utf-8", "surrogatepass")


def json_line(value: Any) -> str:
    """Return a value as one line of JSONL; line separators are escaped, as our own rule asks of others."""
    text = json.dumps(value, ensure_ascii=False)
    for char in "\u2028\u2029\u0085":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text + "\n"
