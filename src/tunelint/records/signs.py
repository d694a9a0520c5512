"""Signs of what may stand in a record, read off its bytes for many records at once.

A rule that looks for something rare must not read every record with a regular expression: ten million ordinary rows pay
for it. What it looks for has a pair of bytes that ordinary text lacks (`{{`, `</`, a backslash before `u`), and whether a
record holds such a pair is told by two translations of a block of records and one product: 1 ns per byte for all signs
together. A sign errs on the side of looking; the check decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BRACE = 1 << 0
"""A brace before a letter or another brace, as slots of templates have it."""
BRACKET = 1 << 1
"""A bracket before a letter or a slash: slots, wiki marks, control tokens."""
TAG = 1 << 2
"""`<` or `&` before a letter, a slash or a bar: markup and control tokens."""
FENCE = 1 << 3
"""Two backticks."""
ESCAPE = 1 << 4
"""A JSON escape for a character that is not printable ASCII, or need not be."""
AT = 1 << 5
CAPITALS = 1 << 6
"""The beginning of PRIVATE KEY or DNI, or the middle of an Azure secret (`Q~`)."""
FOREIGN = 1 << 7
"""Bytes that are no printable ASCII; without them a record has none of the next six signs."""
LATIN = 1 << 8
"""A character from U+0080 to U+00FF."""
BROKEN_CYRILLIC = 1 << 9
"""\u0420 or \u0421, which every second letter is in UTF-8 read as Windows-1251."""
INVISIBLE = 1 << 10
"""The first bytes of a character that takes up no room (and of a few others)."""
REPLACEMENT = 1 << 11
"""U+FFFD."""
DELETE = 1 << 12
OTHER_SCRIPT = 1 << 13
"""A character from U+0300 on that is no punctuation: Greek, Cyrillic, Chinese and so on."""
KEY = 1 << 14
"""20 characters in a row that keys are made of."""
DIGITS = 1 << 15
"""Nine digits, separators aside."""
LOREM = 1 << 16
ATTACHMENT = 1 << 17
"""Four letters of a word for an image, a file or something attached, in languages of Latin letters."""
SPEAKER = 1 << 18
"""Four letters of Human, Assistant or ASSISTANT."""
EVERY = (1 << 19) - 1

Places = NDArray[np.int64]

_LOWER, _UPPER = b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ANY = bytes(range(256))
# What begins and what ends the pair of bytes of the signs 0 to 7, and below what the signs 8 to 13 look for.
_PAIRS = (
    (b"{", _LOWER + _UPPER + b"{"),
    (b"[", _LOWER + _UPPER + b"/"),
    (b"<&", _LOWER + _UPPER + b"/\\|#\xef"),
    (b"`", b"`"),
    (b"\\", b"ubf/"),
    (b"@", _ANY),
    (b"PDQ", b"RN~"),
    (bytes(range(0x7F, 0x100)), _ANY),
)
# Three bytes in a row; the last of them is the sign INVISIBLE once more, for characters of two bytes.
_FOREIGN_RUNS = (
    (b"\xc2\xc3", _ANY, _ANY),
    (b"\xd0", b"\xa0\xa1", _ANY),
    (
        b"\xe1\xe2\xe3\xef\xf0\xf3",
        b"\x80\x81\x85\x9d\x9e\xa0\xbb\xbe\xbf",
        bytes([0x80, 0x81, 0x85, *range(0x8B, 0x90), *range(0x9F, 0xB0), 0xB4, 0xB5, 0xB9, 0xBA, 0xBB, 0xBF]),
    ),
    (b"\xef", b"\xbf", b"\xbd"),
    (b"\x7f", _ANY, _ANY),
    (bytes([*range(0xCC, 0xE2), *range(0xE3, 0x100)]), _ANY, _ANY),
    (b"\xc2\xcd\xd8", b"\xad\x8f\x9c", _ANY),
)
_SHORT = 6  # the place of the last
# Four letters in a row, by place: of Human, Assistant and ASSISTANT; then of image, photo, picture, attached, enclosed or
# uploaded, screenshot; and of Bild, jointe, Anhang and adjunto.
_WORDS = (
    (b"HA", b"usS", b"msS", b"aiI"),
    (b"m", b"a", b"g", b"e"),
    (b"h", b"o", b"t", b"o"),
    (b"i", b"c", b"t", b"u"),
    (b"t", b"t", b"a", b"c"),
    (b"np", b"cl", b"lo", b"oa"),
    (b"e", b"n", b"s", b"h"),
    (b"BjAa", b"iond", b"lihj", b"dnau"),
)
_BLOCK = 1 << 18  # bytes whose tables stay in the cache

_KEY = frozenset(_LOWER + _UPPER + b"0123456789_-+/")
TO_KEYS = bytes(97 if code in _KEY else 32 for code in range(256))
TO_WORDS = bytes(code if code in _KEY else 32 for code in range(256))
LONG_KEY = b"a" * 20
_BETWEEN_DIGITS = b" -()./"
_TO_DIGITS = bytes(48 if 48 <= code <= 57 else 120 for code in range(256))
_TO_NUMBERS = bytes(48 if 48 <= code <= 57 or code in _BETWEEN_DIGITS else 120 for code in range(256))
_DIGIT_RUN = b"0" * 9


def _tables(runs: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """Return, for each byte value and each place, in which of up to eight runs it may stand there."""
    tables = np.zeros((len(runs[0]), 256), dtype=np.uint8)
    for bit, places in enumerate(runs):
        for table, place in zip(tables, places, strict=True):
            table[list(place)] |= np.uint8(1 << bit)
    return tuple(table.tobytes() for table in tables)


_TABLES, _FOREIGN_TABLES, _WORD_TABLES = _tables(_PAIRS), _tables(_FOREIGN_RUNS), _tables(_WORDS)


def signs_of(raws: Sequence[bytes]) -> list[int]:
    """Return the signs of each record from its bytes as they stand in the file, one number of sign bits per record."""
    found: list[int] = []
    first = 0
    while first < len(raws):
        last, size = first, 0
        while last < len(raws) and (size < _BLOCK or last == first):
            size += len(raws[last]) + 1
            last += 1
        found += _of_block(raws[first:last])
        first = last
    return found


def _of_block(raws: Sequence[bytes]) -> list[int]:
    data, starts, ends = _joined(raws)
    signs = _runs_in(data, starts, _TABLES)
    words = _runs_in(data, starts, _WORD_TABLES)
    signs[words & 1 > 0] |= SPEAKER
    signs[words > 1] |= ATTACHMENT
    foreign = np.flatnonzero(signs & FOREIGN)
    if len(foreign):
        inner, inner_starts, _ = _joined([raws[index] for index in foreign.tolist()])
        runs = _runs_in(inner, inner_starts, _FOREIGN_TABLES)
        signs[foreign] |= (runs & (1 << _SHORT) - 1) << 8
        signs[foreign[runs >> _SHORT > 0]] |= INVISIBLE
    signs[_with_long_key(data, ends)] |= KEY
    signs[_holding(data, b"orem ipsum", ends)] |= LOREM
    for index in _holding(data.translate(_TO_NUMBERS), _DIGIT_RUN, ends):
        if _DIGIT_RUN in raws[index].translate(_TO_DIGITS, _BETWEEN_DIGITS):
            signs[index] |= DIGITS
    found: list[int] = signs.tolist()
    return found


def _joined(raws: Sequence[bytes]) -> tuple[bytes, Places, Places]:
    """Return the records with a line feed behind each, and where each begins and ends."""
    ends = np.cumsum(np.fromiter(map(len, raws), np.int64, len(raws)) + 1)
    return b"\n".join(raws) + b"\n", np.concatenate(([0], ends[:-1])), ends


def _runs_in(data: bytes, starts: Places, tables: tuple[bytes, ...]) -> Places:
    """Return which runs of bytes each record of a block holds, as bits."""
    held = np.frombuffer(data.translate(tables[0]), np.uint8).copy()
    for place, table in enumerate(tables[1:], 1):
        held[:-place] &= np.frombuffer(data.translate(table), np.uint8)[place:]
        held[-place:] = 0
    return np.bitwise_or.reduceat(held, starts).astype(np.int64)


def _with_long_key(data: bytes, ends: Places) -> Places:
    """Return the records of a block that have a run as long as LONG_KEY: each step doubles what is known to be unbroken."""
    run = np.frombuffer(data.translate(TO_KEYS), np.uint8) == ord("a")
    for shift in (1, 2, 4, 8, 4):  # of 2, 4, 8, 16 and 20
        run = run[:-shift] & run[shift:]
    return np.searchsorted(ends, np.flatnonzero(run), side="right")


def _holding(data: bytes, needle: bytes, ends: Places) -> list[int]:
    """Return the records of a block that hold the needle."""
    found: list[int] = []
    place = data.find(needle)
    while place >= 0:
        index = int(np.searchsorted(ends, place, side="right"))
        found.append(index)
        place = data.find(needle, int(ends[index]))
    return found
