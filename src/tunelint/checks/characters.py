"""Characters that do not belong into a text that a model reads or writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import only_where
from tunelint.checks.texts import strings
from tunelint.findings import FixKind
from tunelint.records.record import Record
from tunelint.records.signs import DELETE, ESCAPE, LATIN

# C0 without tab, line feed and carriage return; DEL; C1, which Windows-1252's quotation marks and ellipsis become.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# How they look in JSON, where C0 must be escaped (a record that was repaired to be read may hold them as they are).
_MAY_HOLD = re.compile(rb"\\u00[0189][0-9a-fA-F]|\\u007[fF]|\\[bf]|\x7f|\xc2[\x80-\x9f]")
_ANSI = re.compile("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[@-Z\\\\^_])")
_GUESSED = re.compile("[\x1b\x80-\x9f]")
_MOJIBAKE = re.compile("[\u00c2-\u00f4][\x80-\x9f]")
# What json.loads makes of a LaTeX command whose backslash was not doubled: \f, \b and the like are JSON's own escapes.
_LATEX = re.compile(
    "([\x07\x08\x0b\x0c])((?<=\x0c)(?:rac|orall|lat|loor)|(?<=\x08)(?:eta|egin|inom|oldsymbol|oxed|ullet|igcup|igcap|ar)|"
    "(?<=\x07)(?:lpha|pprox|ngle|rcsin|rccos|rctan)|(?<=\x0b)(?:ec|arphi|dots|ert))"
)
_LETTER = {"\x07": "a", "\x08": "b", "\x0b": "v", "\x0c": "f"}
_NAMES = {
    "\x00": "NUL", "\x07": "BEL", "\x08": "backspace", "\x0b": "vertical tab", "\x0c": "form feed", "\x1b": "escape",
    "\x7f": "delete", "\x85": "next line",
}  # fmt: skip


@only_where(signs=DELETE | ESCAPE | LATIN)
def control_characters(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT004: control characters, which no keyboard writes and no reader sees."""
    if _MAY_HOLD.search(record.spelled) is None and not record.faults:
        return ()
    return _control(record, options)


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
        latex = _LATEX.search(text)
        hint = ""
        if latex is not None and latex.start() == match.start():
            hint = f": LaTeX's \\{_LETTER[latex.group(1)]}{latex.group(2)} lost its backslash"
        message = f"Text holds the control character U+{ord(first):04X}{name}{more}{hint}."
        edit, kind = _mended(text, allowed)
        yield Hit(message, pointer=pointer, span=match.span(), edit=Edit("set", pointer, edit) if edit is not None else None, fix=kind)


def _mended(text: str, allowed: set[str]) -> tuple[str | None, FixKind | None]:
    """Return the text without its control characters, and whether that is safe; None where they are part of something else.

    A terminal's colour code means something to a terminal, a broken LaTeX command and a Windows-1252 quotation mark can be
    guessed: those fixes are decisions. The other characters mean nothing.
    """
    if _MOJIBAKE.search(text) is not None:
        return None, None  # the bytes of a letter that was decoded wrongly: mojibake mends that
    kind: FixKind = "unsafe" if _GUESSED.search(text) or _LATEX.search(text) else "safe"
    text = _LATEX.sub(lambda match: "\\" + _LETTER[match.group(1)] + match.group(2), _ANSI.sub("", text))
    return _CONTROL.sub(lambda match: match.group() if match.group() in allowed else _instead(match.group()), text), kind


def _instead(char: str) -> str:
    if char in "\x0b\x0c":
        return "\n"
    return char.encode("latin-1").decode("cp1252", "ignore") if char >= "\x80" else ""
