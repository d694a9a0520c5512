"""Words: what every similarity measure of tunelint counts.

A text is normalised (NFKC) and casefolded; a word is a maximal run of letters, marks and numbers (Unicode categories
L, M, N), except that a character of a script that is written without spaces (Chinese characters, kana, Thai, Lao,
Khmer, Myanmar) is a word by itself. Hangul is written with spaces and is not split.

`words` is the definition in plain Python; `word_hashes` gives one 64-bit hash per word for many texts at once. A word's
hash is a polynomial in its characters' hashes, so that a block of text is hashed by one product and one running sum.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity import fast
from tunelint.similarity.columns import Hashes, Indices, Ragged, mix, offsets_of

SINGLE_CHARACTER_SCRIPTS = (
    "CJK UNIFIED", "CJK COMPAT", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR",
)  # fmt: skip
BASE = 0x9E3779B97F4A7C15
BLOCK = 1 << 17  # characters per block: its working arrays stay in the second-level cache
PAGE = 256


def is_word_character(character: str) -> bool:
    """Whether the character belongs to a word at all."""
    return unicodedata.category(character)[0] in "LMN"


def is_word_by_itself(character: str) -> bool:
    """Whether the character is written without spaces around words and so counts as a word of its own."""
    return is_word_character(character) and unicodedata.name(character, "").startswith(SINGLE_CHARACTER_SCRIPTS)


def normalised(text: str) -> str:
    """NFKC, then casefold. Lone surrogates pass through."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """The words of a text: the definition, one character at a time."""
    found: list[str] = []
    run: list[str] = []
    for character in normalised(text):
        by_itself = is_word_by_itself(character)
        if run and (by_itself or not is_word_character(character)):
            found.append("".join(run))
            run.clear()
        if by_itself:
            found.append(character)
        elif is_word_character(character):
            run.append(character)
    if run:
        found.append("".join(run))
    return found


def word_hashes(texts: Sequence[str], *, compiled: bool | None = None) -> Ragged:
    """One 64-bit hash per word: row `i` holds the words of `texts[i]` in order, empty for a text without a word.

    The hashes are the same on every machine, with and without numba (`compiled`: None decides by the amount of work).
    They depend only on the word, and on the Unicode version of the running Python for characters assigned since.
    """
    characters = sum(map(len, texts))
    if compiled is None:
        compiled = fast.pays_off(characters)
    parts = [_hash_block(block, lengths, compiled) for block, lengths in _blocks(texts, characters)]
    return Ragged.concatenate(parts)


def _blocks(texts: Sequence[str], characters: int) -> Iterator[tuple[str, Indices]]:
    """Cut the texts into blocks of about BLOCK characters: joined by line feeds, with each text's length."""
    step = max(BLOCK * len(texts) // max(characters, 1), 1)
    for begin in range(0, len(texts), step):
        batch = texts[begin : begin + step]
        block = "\n".join(batch)
        if not block.isascii():
            batch = [t if t.isascii() else unicodedata.normalize("NFKC", t).casefold() for t in batch]
            block = "\n".join(batch)
        yield block, np.fromiter(map(len, batch), dtype=np.int64, count=len(batch))


def _hash_block(block: str, lengths: Indices, compiled: bool) -> Ragged:
    codes: NDArray[np.uint8] | NDArray[np.uint32]
    if block.isascii():
        codes = np.frombuffer(block.encode("ascii"), dtype=np.uint8)
    else:
        codes = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    table = _TABLE.covering(codes)
    starts = offsets_of(lengths + 1)  # one more per text for the line feed that ends it
    kernels = fast.kernels(compiled, len(codes))
    if kernels is not None:
        hashes, counts = kernels.hash_words(codes, starts, table, np.uint64(BASE))
        return Ragged(hashes, offsets_of(counts))
    values = table.take(codes)
    first = _word_starts(values)
    offsets = np.searchsorted(first, starts).astype(np.int64)
    if not len(first):
        return Ragged(np.empty(0, np.uint64), offsets)
    powers, inverses = _POWERS.upto(len(codes))
    values *= powers[: len(codes)]
    # What stands between two words counts 0, so a word's sum reaches to the next; all is modulo 2**64.
    sums = np.append(np.cumsum(values, out=values)[first[1:] - 1], values[-1])
    sums[1:] -= sums[:-1].copy()
    return Ragged(mix(sums * inverses[first]), offsets)


def _word_starts(values: Hashes) -> Indices:
    """The places at which a word begins, from the characters' values."""
    by_itself = (values & np.uint64(1)) == 0  # also true of separators, which never begin a word
    begins = values != 0
    begins[1:] &= by_itself[1:] | by_itself[:-1]
    return np.flatnonzero(begins)


def kept_text(text: str, keep: NDArray[np.bool_]) -> str:
    """The normalised text without the words for which `keep` (words,) is false; what follows a word goes with it."""
    plain = normalised(text)
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    starts = [*_word_starts(_TABLE.covering(codes)[codes]).tolist(), len(plain)]
    return "".join(plain[begin:end] for begin, end, kept in zip(starts, starts[1:], keep, strict=False) if kept)


class _CharacterTable:
    """One 64-bit value per code point: 0 = no word character, odd = part of a run, even = a word by itself.

    Filled page by page as characters turn up: building all 1,114,112 entries would cost every start 0.5 s. ASCII
    capitals have the value of their small letter; all other capitals are gone after casefolding.
    """

    def __init__(self) -> None:
        self._values = np.zeros(0x110000, dtype=np.uint64)
        self._filled = np.zeros(0x110000 // PAGE, dtype=bool)

    def covering(self, codes: NDArray[np.uint8] | NDArray[np.uint32]) -> Hashes:
        """The table, with the pages of these code points filled."""
        seen = np.zeros(len(self._filled), dtype=bool)
        seen[0] = True
        if codes.dtype != np.uint8:
            seen[codes[codes >= PAGE] >> 8] = True
        for page in np.flatnonzero(seen & ~self._filled).tolist():
            self._fill(page)
        return self._values

    def _fill(self, page: int) -> None:
        codes = range(page * PAGE, (page + 1) * PAGE)
        self._values[codes.start : codes.stop] = character_values("".join(map(chr, codes)))
        self._filled[page] = True


def character_values(characters: str) -> Hashes:
    """The 64-bit value of each character: 0 for none of a word, odd for one of a run, even for a word by itself."""
    values = np.array([ord(c.lower()) if c.isascii() else ord(c) for c in characters], dtype=np.uint64)
    values = mix(values + np.uint64(BASE)) | np.uint64(1)
    by_itself = np.array([is_word_by_itself(c) for c in characters], dtype=bool)
    values[by_itself] ^= np.uint64(3)  # the last two bits become 10: even, and not 0
    values[by_itself] |= np.uint64(2)
    values[[not is_word_character(c) for c in characters]] = 0
    return values


class _PowerTable:
    """BASE**i and its inverse modulo 2**64 (BASE is odd): they turn a place in the block into a place in the word."""

    def __init__(self) -> None:
        self._powers = np.ones(1, dtype=np.uint64)
        self._inverses = np.ones(1, dtype=np.uint64)

    def upto(self, length: int) -> tuple[Hashes, Hashes]:
        """Both tables, at least `length` long."""
        if len(self._powers) < length:
            size = max(length, BLOCK + (BLOCK >> 2))
            self._powers = _powers_of(BASE, size)
            self._inverses = _powers_of(pow(BASE, -1, 1 << 64), size)
        return self._powers, self._inverses


def _powers_of(base: int, size: int) -> Hashes:
    factors = np.full(size, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


_TABLE = _CharacterTable()
_POWERS = _PowerTable()
