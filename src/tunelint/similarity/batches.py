"""Rows in several pieces, as a scan leaves them behind: read without being copied into one.

A second copy of the words of all records would take as much memory again, and on a machine that is given its memory as
it is first touched that copy can cost more than all that is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunelint.similarity.columns import Hashes, Indices, Ragged, offsets_of, row_blocks


@dataclass(frozen=True)
class Batches:
    """The rows of all parts, one part after the other, as `Ragged.concatenate(parts)` would have them."""

    parts: tuple[Ragged, ...]

    def __len__(self) -> int:
        return int(self._firsts[-1])

    @cached_property
    def _firsts(self) -> Indices:
        return offsets_of(np.array([len(part) for part in self.parts], dtype=np.int64))

    @cached_property
    def lengths(self) -> Indices:
        """Values per row, shape (rows,)."""
        return np.concatenate([np.empty(0, np.int64), *(part.lengths for part in self.parts)])

    def take(self, rows: ArrayLike) -> Ragged:
        """The given rows (0 to rows - 1), in the given order."""
        rows = np.asarray(rows, dtype=np.int64)
        part = np.searchsorted(self._firsts, rows, side="right") - 1
        cuts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(rows)]
        if len(cuts) > len(self.parts) + 1:  # to and fro between the parts: each is read once, in order
            order = np.argsort(rows, kind="stable")
            back = np.empty(len(rows), dtype=np.int64)
            back[order] = np.arange(len(rows))
            return self.take(rows[order]).take(back)
        runs = [(int(part[begin]), rows[begin:end]) for begin, end in pairwise(cuts) if end > begin]
        found = [self.parts[number].take(run - self._firsts[number]) for number, run in runs]
        return found[0] if len(found) == 1 else Ragged.concatenate(found)

    def rows(self, first: int, last: int) -> Ragged:
        """Rows `first` to `last` (exclusive): a view where they stand in one part."""
        begin, end = np.searchsorted(self._firsts, [first, last - 1], side="right") - 1
        if begin == end:
            part, shift = self.parts[int(begin)], int(self._firsts[begin])
            return part.rows(first - shift, last - shift)
        return self.take(np.arange(first, last))

    def flat(self) -> Ragged:
        """All rows in one piece: a copy, unless there is one part."""
        return self.parts[0] if len(self.parts) == 1 else Ragged.concatenate(self.parts)


def blocks(rows: Ragged | Batches, counts: Indices | None = None) -> Iterator[tuple[Hashes, NDArray[np.int64] | None]]:
    """The values of whole rows, some that stay in the cache at a time, each with its row's number in `counts` (rows,)."""
    done = 0
    for part in rows.parts if isinstance(rows, Batches) else (rows,):
        for first, last in row_blocks(part.offsets):
            offsets = part.offsets[first : last + 1]
            yield part.values[offsets[0] : offsets[-1]], None if counts is None else np.repeat(counts[done + first : done + last], np.diff(offsets))
        done += len(part)
