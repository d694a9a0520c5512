"""The small words of languages in many texts at once: what `languages.language` counts, without a look at each word.

A word of at most eight bytes is one 64-bit number, and one product tells its place in a table of all small words (a
perfect hash), so that a block of texts costs a dozen passes of numpy instead of a loop over its words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST = 8
"""Bytes of the longest small word."""
_BLOCK = 1_000  # texts whose arrays stay in the cache
_BITS = np.uint64(48)  # what is left of a product is an index of 16 bits
_SPACE, _EDGE = 0, 1
_CLASSES = bytes(
    _SPACE if code in b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f" else _EDGE if code in b".,;:!?\"'()" else 2 for code in range(256)
)  # as str.split splits, and what is stripped off words
_WIDE = re.compile(  # the same beyond ASCII
    rb"\xc2[\x85\xa0\xab\xbb]|\xe1\x9a\x80|\xe2(?:\x80[\x80-\x8a\xa8\xa9\xaf]|\x81\x9f)|\xe3\x80\x80"
)
_WIDE_EDGES = ("«".encode(), "»".encode())
_MASKS = np.array([(1 << 8 * length) - 1 for length in range(LONGEST + 1)], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Ballot:
    """The small words as numbers, where each stands in the table, and which languages each is a vote for (words, languages)."""

    words: NDArray[np.uint64]
    factor: np.uint64
    table: NDArray[np.int16]
    votes: NDArray[np.float32]


def ballot_of(votes: Mapping[str, tuple[str, ...]], languages: Sequence[str]) -> Ballot:
    """Return the ballot of the words, of which none may be longer than LONGEST."""
    words = list(votes)
    numbers = np.array([int.from_bytes(word.encode(), "little") for word in words], dtype=np.uint64)
    factor = 0x9E3779B97F4A7C15
    while len(np.unique(numbers * np.uint64(factor) >> _BITS)) < len(words):
        factor = (factor * 0x5851F42D4C957F2D + 2) % (1 << 64) | 1
    table = np.full(1 << 16, -1, dtype=np.int16)
    table[numbers * np.uint64(factor) >> _BITS] = np.arange(len(words))
    matrix = np.array([[code in votes[word] for code in languages] for word in words], dtype=np.float32)
    return Ballot(numbers, np.uint64(factor), table, matrix)


def count_votes(samples: Sequence[str], ballot: Ballot) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many different small words of each language stand in each text, shape (texts, languages), and how many
    words each text has, shape (texts,)."""
    parts = [_block([_spelled(sample) for sample in samples[first : first + _BLOCK]], ballot) for first in range(0, len(samples), _BLOCK)]
    if not parts:
        return np.zeros((0, ballot.votes.shape[1]), np.int64), np.zeros(0, np.int64)
    return np.concatenate([votes for votes, _ in parts]), np.concatenate([counts for _, counts in parts])


def _spelled(sample: str) -> bytes:
    """Return a text in small letters, with ASCII's spaces and edges for all others."""
    if sample.isascii():
        return sample.encode("ascii").lower()
    return _WIDE.sub(_in_ascii, sample.lower().encode("utf-8", "surrogatepass"))


def _in_ascii(match: re.Match[bytes]) -> bytes:
    found = match.group()
    return (b"'" if found in _WIDE_EDGES else b" ") * len(found)


def _block(samples: Sequence[bytes], ballot: Ballot) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    data = b"\n" + b"\n".join(samples) + b"\n" + bytes(LONGEST)
    length = len(data) - LONGEST
    classes = np.frombuffer(data.translate(_CLASSES), np.uint8, length)
    inside = classes != _SPACE
    starts = np.flatnonzero(inside[1:] > inside[:-1]) + 1
    ends = np.flatnonzero(inside[1:] < inside[:-1]) + 1
    firsts = np.cumsum(np.fromiter(map(len, samples), np.int64, len(samples)) + 1)
    counts = np.diff(np.searchsorted(starts, firsts), prepend=0)
    edged = np.flatnonzero(classes[starts] == _EDGE)
    while len(edged):
        starts[edged] += 1
        edged = edged[classes[starts[edged]] == _EDGE]
    edged = np.flatnonzero((classes[ends - 1] == _EDGE) & (ends > starts))
    while len(edged):
        ends[edged] -= 1
        edged = edged[classes[ends[edged] - 1] == _EDGE]
    short = np.flatnonzero(ends - starts <= LONGEST)
    starts, sizes = starts[short], ends[short] - starts[short]
    eights = np.ndarray((length,), dtype="<u8", buffer=data, strides=(1,))  # the eight bytes from every place on
    numbers = eights[starts] & _MASKS[sizes]
    places = ballot.table[numbers * ballot.factor >> _BITS]
    known = np.flatnonzero((places >= 0) & (ballot.words[places] == numbers))
    present = np.zeros((len(samples), len(ballot.words)), dtype=bool)
    present[np.searchsorted(firsts, starts[known], side="right"), places[known]] = True
    rows, which = np.divmod(np.flatnonzero(present), len(ballot.words))
    votes = np.zeros((len(samples), ballot.votes.shape[1]), dtype=np.int64)
    if len(rows):  # summed by rows and not by a product of matrices, for which a library starts threads
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        votes[rows[begins]] = np.add.reduceat(ballot.votes[which], begins, axis=0)
    return votes, counts
