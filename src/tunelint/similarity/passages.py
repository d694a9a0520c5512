"""Passages: long runs of words, or of shingles, that two sets of texts share verbatim.

Every window of `least` hashes of the eval texts is hashed; every window of the train texts is looked up there. That finds
each shared run of at least that length, and costs one product and one look-up per place (Karp, Rabin 1987). Of the windows
that meet only those are listed that a shared run begins with - the windows before them differ - and a bisection on prefix
hashes finds where it ends: a list of all that meet is quadratic in time and memory where one word is repeated on both
sides, and as long as all shared passages together where many records quote one document.

A suffix array answers the same at ten times the memory; winnowing (Schleimer, Wilkerson, Aiken 2003) thins out the windows
and with them the runs that are barely long enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import Hashes, Indices, Ragged, ranges, row_blocks, table_size, table_slots
from tunelint.similarity.rolling import Prefixes, common_lengths, windows

WINDOWS = 1 << 24  # windows sorted at a time
MEETINGS = 1 << 20  # beginnings of shared runs that are extended at a time


@dataclass(frozen=True)
class Passages:
    """Pairs of an eval row and a train row that share a run, sorted by eval row, longest run first, then by train row.

    `length` is the longest shared run. All (pairs,), int32: where many rows quote one document there is a pair for every
    two of them.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    length: NDArray[np.int32]


def shared_passages(evals: Ragged, train: Ragged, least: int = 50) -> Passages:
    """The runs of at least `least` hashes of an eval row that a train row contains, rows being sequences."""
    own = _Lookup.of(evals, least)
    found = [_longest(*np.empty((3, 0), dtype=np.int32))]
    for first, last in row_blocks(train.offsets):
        found += [_longest(left, right + first, length) for left, right, length in own.runs_in(train.rows(first, last))]
    left, right, length = (np.concatenate([getattr(part, side) for part in found]) for side in ("left", "right", "length"))
    del found
    pairs = _longest(left, right, length)
    order = np.lexsort((pairs.right, -pairs.length, pairs.left))
    return Passages(pairs.left[order], pairs.right[order], pairs.length[order])


def tied_by_passages(rows: Ragged, least: int = 50) -> tuple[Indices, Indices]:
    """Pairs of rows that tie together all rows, being sequences, with a run of at least `least` hashes in common."""
    hashes, row, _ = windows(rows, Prefixes.of(rows.values), least)
    parts = np.uint64(max(1, -(-len(hashes) // WINDOWS)))
    residue = hashes % parts
    pairs = [np.empty((2, 0), dtype=np.int64)]
    for part in range(int(parts)):
        chosen = np.flatnonzero(residue == part)
        order = chosen[np.argsort(hashes[chosen], kind="stable")]
        equal = (hashes[order][1:] == hashes[order][:-1]) & (row[order][1:] != row[order][:-1])
        pairs.append(np.unique(np.stack((row[order][:-1][equal], row[order][1:][equal])), axis=1))
    left, right = np.concatenate(pairs, axis=1)
    return left, right


@dataclass(frozen=True)
class _Lookup:
    """The windows of the eval rows, sorted by hash and, where hashes are equal, by the window before them.

    `hashes`, `keys` and `places` (in `rows.values`) are (windows,). A key is the class of a window - the number of its hash
    among the different ones - times `classes`, plus 1 and the class of the window before it, or 0 at the beginning of a row.
    `filled` has a bit for every value of the lower bits of a hash: it spares a search for most windows that eval lacks.
    """

    rows: Ragged
    least: int
    prefixes: Prefixes
    hashes: Hashes
    keys: Indices
    places: Indices
    classes: int
    filled: NDArray[np.bool_]

    @staticmethod
    def of(rows: Ragged, least: int) -> _Lookup:
        """Sort the windows of `least` values."""
        prefixes = Prefixes.of(rows.values)
        hashes, row, places = windows(rows, prefixes, least)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        sorted_classes = np.zeros(len(hashes), dtype=np.int64)
        np.cumsum(hashes[1:] != hashes[:-1], out=sorted_classes[1:])
        classes = int(sorted_classes[-1]) + 2 if len(hashes) else 2
        of_window = np.empty_like(sorted_classes)
        of_window[order] = sorted_classes
        keys = of_window * classes
        keys[1:] += np.where(row[1:] == row[:-1], of_window[:-1] + 1, 0)
        keys = keys[order]
        again = np.argsort(keys, kind="stable")  # they are sorted by class: nearly nothing moves
        size = table_size(4 * len(hashes), 26)
        filled = np.zeros(size, dtype=bool)
        filled[table_slots(hashes, size)] = True
        return _Lookup(rows, least, prefixes, hashes, keys[again], places[order[again]], classes, filled)

    def runs_in(self, train: Ragged) -> Iterator[tuple[Indices, Indices, Indices]]:
        """Eval row, train row and length of the shared runs, some at a time, no run twice."""
        prefixes = Prefixes.of(train.values)
        hashes, row, places = windows(train, prefixes, self.least)
        met = np.flatnonzero(self.filled[table_slots(hashes, len(self.filled))])
        first = np.searchsorted(self.hashes, hashes[met], side="left")
        last = np.searchsorted(self.hashes, hashes[met], side="right")
        some = last > first
        met, first, last = met[some], first[some], last[some]
        if not len(met):
            return
        classes = self.keys[first] // self.classes
        before = np.zeros(len(met), dtype=np.int64)  # as in a key; a window that eval lacks is before none of eval's
        follows = (np.diff(met) == 1) & (np.diff(row[met]) == 0)
        before[1:][follows] = classes[:-1][follows] + 1
        # Where the windows before are equal too, a run is under way: those meetings, one range of each class, are left out.
        keys = classes * self.classes + before
        begun = np.where(before > 0, np.searchsorted(self.keys, keys, side="left"), first)
        ended = np.where(before > 0, np.searchsorted(self.keys, keys, side="right"), first)
        starts = np.stack((first, ended), axis=1).reshape(-1)
        counts = np.stack((begun - first, last - ended), axis=1).reshape(-1)
        for chosen in _portions(counts):
            at = self.places[ranges(starts[chosen], counts[chosen])]
            window = np.repeat(np.repeat(met, 2)[chosen], counts[chosen])
            left = np.searchsorted(self.rows.offsets, at, side="right") - 1
            right, there = row[window], places[window]
            # A row's last value is the last that is compared.
            most = np.minimum(self.rows.offsets[left + 1] - at, train.offsets[right + 1] - there)
            yield left, right, common_lengths(self.prefixes, at, prefixes, there, self.least, most)


def _portions(counts: Indices) -> Iterator[slice]:
    """Cut counts, shape (n,), into slices that sum up to about MEETINGS each."""
    total = np.cumsum(counts)
    cuts = np.searchsorted(total, np.arange(MEETINGS, total[-1], MEETINGS), side="right")
    for first, last in pairwise(np.unique(np.concatenate(([0], cuts, [len(counts)]))).tolist()):
        yield slice(first, last)


def _longest(left: NDArray[Any], right: NDArray[Any], length: NDArray[Any]) -> Passages:
    """Keep the longest run of each pair of rows."""
    order = np.lexsort((-length, right, left))
    left, right, length = (side[order].astype(np.int32) for side in (left, right, length))
    best = np.ones(len(left), dtype=bool)
    best[1:] = (np.diff(left) != 0) | (np.diff(right) != 0)
    return Passages(left[best], right[best], length[best])
