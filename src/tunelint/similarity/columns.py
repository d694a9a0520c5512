"""Rows of different lengths in two flat arrays: the one container of this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

BLOCK = 1 << 17
# splitmix64's finaliser (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Row `i` is `values[offsets[i]:offsets[i + 1]]`: `values` uint64 of shape (n,), `offsets` int64 of (rows + 1,)."""

    values: Hashes
    offsets: Indices

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, index: int) -> Hashes:
        """The values of one row, a view."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> Indices:
        """Values per row, shape (rows,)."""
        return np.diff(self.offsets)

    @property
    def row_numbers(self) -> Indices:
        """The row that each value stands in, shape (n,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def take(self, rows: ArrayLike) -> Ragged:
        """The given rows, in the given order."""
        rows = np.asarray(rows, dtype=np.int64)
        if 2 * len(rows) > len(self) and rows[0] >= 0 and bool(np.all(np.diff(rows) > 0)):  # most rows, in order: a mask is cheaper
            keep = np.zeros(len(self), dtype=bool)
            keep[rows] = True
            return self.only(keep)
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        return Ragged(self.values[ranges(starts, lengths)], offsets_of(lengths))

    def only(self, rows: NDArray[np.bool_]) -> Ragged:
        """The rows for which `rows` (shape (rows,)) is true, in order."""
        if rows.all():
            return self
        edges = np.flatnonzero(np.diff(np.concatenate(([False], rows, [False]))))
        runs = self.offsets[edges].reshape(-1, 2).tolist()  # neighbours are copied together, which is half the work of a mask
        values = np.concatenate([self.values[:0], *(self.values[first:last] for first, last in runs)])
        return Ragged(values, offsets_of(self.lengths[rows]))

    def where(self, keep: NDArray[np.bool_]) -> Ragged:
        """The same rows with only the values for which `keep` (shape (n,)) is true."""
        kept = np.concatenate(([0], np.cumsum(keep, dtype=np.int64)))
        return Ragged(self.values[keep], kept[self.offsets])

    def rows(self, first: int, last: int) -> Ragged:
        """Rows `first` to `last` (exclusive), their values a view."""
        offsets = self.offsets[first : last + 1]
        return Ragged(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])

    @staticmethod
    def of(rows: Sequence[ArrayLike]) -> Ragged:
        """Build from a list of rows."""
        arrays = [np.asarray(row, dtype=np.uint64).reshape(-1) for row in rows]
        flat = np.concatenate(arrays) if arrays else np.empty(0, np.uint64)
        return Ragged(flat, offsets_of(np.array([len(row) for row in arrays], dtype=np.int64)))

    @staticmethod
    def concatenate(parts: Sequence[Ragged]) -> Ragged:
        """The rows of all parts, one after the other."""
        if not parts:
            return Ragged.of([])
        lengths = np.concatenate([part.lengths for part in parts])
        return Ragged(np.concatenate([part.values for part in parts]), offsets_of(lengths))


def offsets_of(lengths: Indices | NDArray[np.int32]) -> Indices:
    """Row lengths, shape (rows,), to offsets, shape (rows + 1,)."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def ranges(starts: Indices, lengths: Indices) -> Indices:
    """The integers `start, start + 1, ...` of every row, `lengths[i]` of them, one row after the other."""
    offsets = offsets_of(lengths)
    return np.arange(offsets[-1], dtype=np.int64) + np.repeat(starts - offsets[:-1], lengths)


def mix(values: Hashes) -> Hashes:
    """Scramble 64-bit values so that every bit of the result depends on every bit of the input (splitmix64)."""
    values = values ^ (values >> np.uint64(30))
    values *= MIX_1
    values ^= values >> np.uint64(27)
    values *= MIX_2
    values ^= values >> np.uint64(31)
    return values


def row_digests(rows: Ragged, *, ordered: bool = True) -> Hashes:
    """One 64-bit digest per row, shape (rows,): equal rows have equal digests; an empty row has digest 0.

    `ordered=False` takes a row as a multiset, which is enough for sorted rows.
    """
    parts = [_digests(rows.rows(first, last), ordered) for first, last in row_blocks(rows.offsets)]
    return np.concatenate([np.empty(0, np.uint64), *parts])


def row_blocks(offsets: Indices) -> list[tuple[int, int]]:
    """Ranges of whole rows of about BLOCK values each, so that what is computed of a block stays in the cache."""
    cuts = np.searchsorted(offsets, np.arange(BLOCK, offsets[-1], BLOCK))
    return list(pairwise(np.unique(np.concatenate(([0], cuts, [len(offsets) - 1]))).tolist()))


def _digests(rows: Ragged, ordered: bool) -> Hashes:
    values = mix(rows.values + np.uint64(0x9E3779B97F4A7C15))
    if ordered:
        places = np.arange(len(values), dtype=np.uint64) - np.repeat(rows.offsets[:-1], rows.lengths).astype(np.uint64)
        values = mix(values ^ mix(places + np.uint64(1)))
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, out=sums[1:])
    totals = sums[rows.offsets[1:]] - sums[rows.offsets[:-1]]
    return np.where(rows.lengths > 0, mix(totals + rows.lengths.astype(np.uint64)) | np.uint64(1), np.uint64(0))


def table_size(entries: int, most_bits: int = 22) -> int:
    """A power of two with room for so many entries, up to a limit, for counting hashes by their lower bits."""
    return 1 << min(max(entries.bit_length() + 1, 8), most_bits)


def table_slots(values: Hashes, size: int) -> Indices:
    """The slot of each hash in a table of that size (a power of two)."""
    return (values & np.uint64(size - 1)).astype(np.int64)
