"""Characters that take up no room: where they come from a slip or a trick, and where a script needs them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import only_where
from tunelint.checks.texts import strings
from tunelint.findings import FixKind
from tunelint.records.record import Record
from tunelint.records.signs import ESCAPE, INVISIBLE

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
# The same as bytes of JSON, raw or escaped: what most records are spared the rest by.
_MAY_HOLD = re.compile(
    rb"\xc2\xad|\xcd\x8f|\xd8\x9c|\xe1(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0\x8e)|\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])|"
    rb"\xe3\x85\xa4|\xef(?:\xbb\xbf|\xbe\xa0|\xbf[\xb9-\xbb])|\xf0\x9d\x85[\xb3-\xba]|\xf3\xa0[\x80\x81]|"
    rb"\\u(?:00[aA][dD]|034[fF]|061[cC]|115[fF]|1160|17[bB][45]|180[eE]|200[b-fB-F]|202[a-eA-E]|206[0-9a-fA-F]|3164|"
    rb"[fF][eE][fF][fF]|[fF]{2}[aA]0|[fF]{3}[9abAB]|[dD]834|[dD][bB]40)"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_OVERRIDES = frozenset("\u202d\u202e")
# Scripts that are written without spaces and mark where a line may break.
_UNSPACED = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u3040-\u30ff]")


@only_where(signs=ESCAPE | INVISIBLE)
def invisible_characters(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT005: zero-width, direction and tag characters that no script of the text needs."""
    return () if _MAY_HOLD.search(record.spelled) is None else _invisible(record, options)


def _invisible(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    allowed = {chr(int(code.upper().removeprefix("U+"), 16)) for code in options["allow"]}
    for pointer, text in strings(record.value):
        places = [match.start() for match in _INVISIBLE.finditer(text) if match.group() not in allowed and not _is_needed(text, match.start())]
        if not places:
            continue
        gone = frozenset(places)
        edit = Edit("set", pointer, "".join(char for index, char in enumerate(text) if index not in gone))
        # Without an override the letters stand in another order; without the others nothing that is seen changes.
        kind: FixKind = "unsafe" if any(text[index] in _BIDI for index in places) else "safe"
        yield Hit(_message(text, places), pointer=pointer, span=(places[0], places[0] + 1), edit=edit, fix=kind)


def _message(text: str, places: list[int]) -> str:
    first = text[places[0]]
    if "\U000e0000" <= first <= "\U000e007f":
        hidden = "".join(chr(ord(text[index]) - 0xE0000) for index in places if "\U000e0020" <= text[index] <= "\U000e007e")
        return f"Text holds {len(places)} tag characters, which spell a hidden text: '{hidden[:60]}'."
    name = unicodedata.name(first, "").lower() or "invisible"
    more = f", {len(places)} invisible characters in all" if len(places) > 1 else ""
    if any(text[index] in _OVERRIDES for index in places):
        return f"Text holds U+{ord(first):04X} ({name}), which shows letters in another order than they are trained{more}."
    return f"Text holds U+{ord(first):04X} ({name}), which nobody sees{more}."


def _is_needed(text: str, index: int) -> bool:
    """Tell whether the character does its work where it stands: Unicode's chapters 23.2 and 23.3, emoji sequences (UTS 51)."""
    char = text[index]
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    if char in "\u200c\u200d":  # joiners belong into Arabic, Indic and other scripts; ZWJ also between emoji
        in_script = any("\u0600" <= other <= "\u1aff" for other in (before, after) if other)
        return in_script or (char == "\u200d" and _is_emoji(before) and _is_emoji(after))
    if char in _BIDI:
        return char not in _OVERRIDES and _RIGHT_TO_LEFT.search(text) is not None
    if char == "\u200b":
        return _UNSPACED.search(text) is not None
    if "\U000e0020" <= char <= "\U000e007f":  # the letters of a flag: England, Scotland, Wales
        start = text.rfind("\U0001f3f4", max(0, index - 8), index)
        return start >= 0 and all("\U000e0020" <= other <= "\U000e007f" for other in text[start + 1 : index])
    if char in "\u3164\u115f\u1160":
        return "\u1100" <= after <= "\u11ff"
    return False


def _is_emoji(char: str) -> bool:
    return bool(char) and (char >= "\U0001f000" or char in "\ufe0f\u200d" or unicodedata.category(char) in ("So", "Sk"))
