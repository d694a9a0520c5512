"""Text that was decoded with the wrong encoding: mojibake, and the U+FFFD that is left of what could not be decoded."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import only_where
from tunelint.checks.texts import all_turns, own_strings, strings
from tunelint.records.record import Record
from tunelint.records.signs import BROKEN_CYRILLIC, ESCAPE, LATIN, REPLACEMENT

# UTF-8 read as Latin-1 or Windows-1252: a lead byte's letter (Â to ô) before a continuation byte's sign.
_AS_LATIN = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018-\u201d"
    "\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
)
# UTF-8 read as Windows-1251: every second letter is Р or С, with signs between them that no Russian word has.
_AS_CYRILLIC = re.compile(
    "(?:[РС][\u0402\u0403\u201a\u0453\u201e\u2026\u2020\u2021\u20ac\u2030\u0409\u2039\u040a\u040c\u040b\u040f\u0452"
    "\u2018-\u201d\u2022\u2013\u2014\u2122\u0459\u203a\u045a\u045c\u045b\u045f\u00a0\u040e\u045e\u0408\u00a4"
    "\u0490\u00a6\u00a7\u0401\u00a9\u0404\u00ab\u00ac\u00ad\u00ae\u0407\u00b0\u00b1\u0406\u0456\u0491\u00b5\u00b6\u00b7\u0451\u2116\u0454\u00bb\u0458\u0405\u0455\u0457]){3}"
)
# Another alphabet's letters as Latin-1: five in a row are no word of any language that uses them.
_RUN = re.compile("[\u00a1-\u00ff]{5,}(?:[ ,.!?-]+[\u00a1-\u00ff]{2,})*")
# Every branch begins with one byte, so that the search skips from candidate to candidate.
_MAY_HOLD = re.compile(
    rb"\xc3[\x82-\xb4](?:\xc2[\x80-\xbf]|\xe2|\xc5|\xc6\x92|\xcb)|\xc3[\x80-\xbf](?:[\xc2\xc3][\x80-\xbf]){4}|"
    rb"\xc2[\x80-\xbf](?:[\xc2\xc3][\x80-\xbf]){4}|\\u00[c-fC-F]"
)
_ALPHABETS = (("cp1251", "CYRILLIC"), ("koi8-r", "CYRILLIC"), ("gb18030", "CJK"), ("shift_jis", "KANA"), ("euc-kr", "HANGUL"), ("cp1253", "GREEK"))
_ABOUT_ENCODINGS = re.compile(r"mojibake|encod|utf-?8|latin-?1|unicode|charset|кодировк|кракозябр|乱码|文字化け|kodierung|encodage", re.IGNORECASE)


@only_where(signs=BROKEN_CYRILLIC | ESCAPE | LATIN)
def mojibake(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT001: text that was decoded with the wrong encoding."""
    raw = record.spelled
    if (b"\xc3" in raw or b"\xc2" in raw or b"\\" in raw) and _MAY_HOLD.search(raw) is not None:
        return _mojibake(record)
    if b"\xd0" in raw and (raw.count(b"\xd0\xa0") + raw.count(b"\xd0\xa1")) * 20 >= len(raw):
        return _mojibake(record)
    return ()


def _mojibake(record: Record) -> Iterator[Hit]:
    if any(_ABOUT_ENCODINGS.search(turn.content) for turn in record.example.turns):
        return  # a lesson about encodings shows what it is about
    for turn in all_turns(record):
        for pointer, text in own_strings(record, turn) if turn.content else ():
            found = _broken(text)
            if found is not None:
                (start, end), better, repaired = found
                message = f"Text was decoded with the wrong encoding: '{text[start:end][:24]}' stands for '{better[:24]}'."
                edit = Edit("set", pointer, repaired) if repaired != text else None
                yield Hit(message, pointer=pointer, span=(start, end), edit=edit)


def _broken(text: str) -> tuple[tuple[int, int], str, str] | None:
    """Return the first piece of mojibake, what it stands for, and the whole text repaired; None for a good text."""
    if text.isascii():
        return None
    if _AS_LATIN.search(text) or _AS_CYRILLIC.search(text):
        repaired = "\n".join(line if line.isascii() else _repaired(line) for line in text.split("\n"))
        if repaired != text:
            span, better = _first_difference(text, repaired)
            if not "\x80" <= text[span[0]] <= "\x9f":  # the rest of a sign whose first byte is lost: a guess, not a repair
                return span, better, repaired
    for match in _RUN.finditer(text):
        run = match.group()
        letters = [char for char in run if char.isalpha()]
        if len(set(run)) < 4 or len(letters) < 0.7 * len(run.replace(" ", "")):
            continue
        spelled = _other_alphabet(run)
        if spelled is not None:
            return match.span(), spelled, text[: match.start()] + spelled + text[match.end() :]
    return None


def _repaired(line: str) -> str:
    import ftfy

    # Lone C1 characters are control-characters' find; what they stood for is a guess.
    return ftfy.fix_encoding(line, ftfy.TextFixerConfig(fix_c1_controls=False))


def _first_difference(text: str, repaired: str) -> tuple[tuple[int, int], str]:
    """Return the first stretch that a repair changed, with what stands there afterwards."""
    start = next(index for index in range(len(text)) if text[index] != repaired[index : index + 1])
    rest, other = text[start:], repaired[start:]
    end = 0
    while end < len(rest) and not rest[end].isascii():
        end += 1
    end = max(1, end)
    better = 0
    while better < len(other) and not other[better].isascii():
        better += 1
    return (start, start + end), other[: max(1, better)]


def _other_alphabet(run: str) -> str | None:
    """Return a run of Latin-1 letters in the alphabet that its bytes spell words of, None where there is none."""
    try:
        raw = run.encode("latin-1")
    except UnicodeEncodeError:
        return None
    for encoding, script in _ALPHABETS:
        try:
            decoded = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        letters = [char for char in decoded if not char.isspace() and char not in ",.!?-"]
        fitting = sum(script in unicodedata.name(char, "") or (script == "KANA" and "CJK" in unicodedata.name(char, "")) for char in letters)
        if fitting < 0.95 * len(letters):
            continue
        if script in ("CYRILLIC", "GREEK"):
            lower = sum(char.islower() for char in letters)
            inner_capitals = sum(one.islower() and other.isupper() for one, other in itertools.pairwise(letters))
            if lower < 0.6 * len(letters) or inner_capitals > 0.1 * len(letters):
                continue
        return decoded
    return None


@only_where(signs=ESCAPE | REPLACEMENT)
def replacement_character(record: Record, options: dict[str, Any]) -> Iterable[Hit]:
    """TEXT006: U+FFFD, what a decoder writes for bytes that it cannot read."""
    raw = record.spelled
    if b"\xef" in raw and b"\xef\xbf\xbd" in raw:
        return _replacements(record)
    return _replacements(record) if b"\\" in raw and (b"\\ufffd" in raw or b"\\uFFFD" in raw) else ()


def _replacements(record: Record) -> Iterator[Hit]:
    if any(_ABOUT_ENCODINGS.search(turn.content) for turn in record.example.turns):
        return
    for pointer, text in strings(record.value):
        start = text.find("\ufffd")
        if start >= 0:
            count = text.count("\ufffd")
            more = f", {count} in all" if count > 1 else ""
            yield Hit(f"Text holds U+FFFD, which stands for a character that was lost{more}.", pointer=pointer, span=(start, start + 1))
