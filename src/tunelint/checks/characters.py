"""Characters that do not belong into a text that a model reads or writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Hit
from tunelint.checks.screen import screen
from tunelint.checks.texts import rewrite, strings
from tunelint.findings import FixKind
from tunelint.records.record import Record

# C0 without tab, line feed and carriage return; DEL; C1. NEL (U+0085) is C1 too: what Windows-1252's ellipsis becomes.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ANSI = re.compile("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[@-Z\\\\^_])")
_NAMES = {
    "\x00": "NUL", "\x07": "BEL", "\x08": "backspace", "\x0b": "vertical tab", "\x0c": "form feed", "\x1b": "escape",
    "\x7f": "delete", "\x85": "next line",
}  # fmt: skip


def control_characters(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT004: control characters, which no keyboard writes and no reader sees."""
    return () if screen(record).plain else _control(record, options)


def _control(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    allowed = {chr(int(code.upper().removeprefix("U+"), 16)) for code in options["allow"]}
    for pointer, text in strings(record.value):
        match = _CONTROL.search(text)
        while match is not None and match.group() in allowed:
            match = _CONTROL.search(text, match.end())
        if match is None:
            continue
        first = match.group()
        count = sum(char not in allowed for char in _CONTROL.findall(text))
        name = f" ({_NAMES[first]})" if first in _NAMES else ""
        more = f", {count} control characters in all" if count > 1 else ""
        edit = rewrite(record, pointer, lambda old: _without_control(old, allowed))
        # A terminal's colour code means something to a terminal; dropping it is a decision. The rest means nothing.
        kind: FixKind = "unsafe" if "\x1b" in text else "safe"
        message = f"Text holds the control character U+{ord(first):04X}{name}{more}."
        yield Hit(message, pointer=pointer, span=match.span(), edit=edit, fix=kind)


def _without_control(text: str, allowed: set[str]) -> str:
    text = _ANSI.sub("", text)
    return _CONTROL.sub(lambda match: match.group() if match.group() in allowed else "\n" if match.group() in "\x0b\x0c\x85" else "", text)
