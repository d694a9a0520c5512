"""Passages: long runs of words, or of shingles, that two sets of texts share verbatim.

Every window of `least` hashes of the eval texts is hashed; every window of the train texts is looked up there. That finds
each shared run of at least that length, and costs one product and one look-up per place (Karp, Rabin 1987). A suffix array
answers the same at ten times the memory; winnowing (Schleimer, Wilkerson, Aiken 2003) thins out the windows and with them
the runs that are barely long enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunelint.similarity.columns import Hashes, Indices, Ragged, mix, ranges, row_blocks, table_size, table_slots

BASE = 0xD6E8FEB86659FD93  # odd, so that it has an inverse modulo 2**64
WINDOWS = 1 << 24  # windows sorted at a time


@dataclass(frozen=True)
class Passages:
    """Pairs of an eval row and a train row that share a run, sorted by eval row, longest run first, then by train row.

    `length` is the longest shared run, `start` the place in the eval row that it begins at. All (pairs,).
    """

    left: Indices
    right: Indices
    length: Indices
    start: Indices


def shared_passages(evals: Ragged, train: Ragged, least: int = 50) -> Passages:
    """The runs of at least `least` hashes of an eval row that a train row contains, rows being sequences."""
    own, own_row, own_start = _windows(evals, least)
    order = np.argsort(own, kind="stable")
    own, own_row, own_start = own[order], own_row[order], own_start[order]
    size = table_size(4 * len(own), 26)
    filled = np.zeros(size, dtype=bool)
    filled[table_slots(own, size)] = True
    hits = [np.empty((0, 4), dtype=np.int64)]
    for first, last in row_blocks(train.offsets):
        windows, row, start = _windows(train.rows(first, last), least)
        maybe = np.flatnonzero(filled[table_slots(windows, size)])
        begin = np.searchsorted(own, windows[maybe], side="left")
        count = np.searchsorted(own, windows[maybe], side="right") - begin
        found = ranges(begin, count)
        where = np.repeat(maybe, count)
        hits.append(np.stack((own_row[found], row[where] + first, own_start[found], start[where]), axis=1))
    return _longest(np.concatenate(hits), least)


def tied_by_passages(rows: Ragged, least: int = 50) -> tuple[Indices, Indices]:
    """Pairs of rows that tie together all rows, being sequences, with a run of at least `least` hashes in common."""
    windows, row, _ = _windows(rows, least)
    parts = np.uint64(max(1, -(-len(windows) // WINDOWS)))
    residue = windows % parts
    pairs = [np.empty((2, 0), dtype=np.int64)]
    for part in range(int(parts)):
        chosen = np.flatnonzero(residue == part)
        order = chosen[np.argsort(windows[chosen], kind="stable")]
        equal = (windows[order][1:] == windows[order][:-1]) & (row[order][1:] != row[order][:-1])
        pairs.append(np.unique(np.stack((row[order][:-1][equal], row[order][1:][equal])), axis=1))
    left, right = np.concatenate(pairs, axis=1)
    return left, right


def _longest(hits: Indices, least: int) -> Passages:
    """Join windows that follow one another in both rows, and keep the longest run of each pair of rows."""
    left, right, start, other = hits.T
    order = np.lexsort((start, other - start, right, left))
    left, right, start, other = left[order], right[order], start[order], other[order]
    begins = np.ones(len(left), dtype=bool)
    begins[1:] = (np.diff(left) != 0) | (np.diff(right) != 0) | (np.diff(start) != 1) | (np.diff(other) != 1)
    run = np.flatnonzero(begins)
    length = np.diff(np.append(run, len(left))) + least - 1
    left, right, start = left[run], right[run], start[run]
    order = np.lexsort((start, -length, right, left))
    left, right, start, length = left[order], right[order], start[order], length[order]
    best = np.ones(len(left), dtype=bool)
    best[1:] = (np.diff(left) != 0) | (np.diff(right) != 0)
    left, right, start, length = left[best], right[best], start[best], length[best]
    order = np.lexsort((right, -length, left))
    return Passages(left[order], right[order], length[order], start[order])


def _windows(words: Ragged, least: int) -> tuple[Hashes, Indices, Indices]:
    """Hash, row and first word of every run of `least` words within a row."""
    counts = np.maximum(words.lengths - least + 1, 0)
    place = ranges(words.offsets[:-1], counts)
    row = np.repeat(np.arange(len(words), dtype=np.int64), counts)
    powers = _powers(BASE, len(words.values))
    sums = np.zeros(len(words.values) + 1, dtype=np.uint64)
    np.cumsum(words.values * powers, out=sums[1:])
    # A polynomial in the words that begins at the window's first: the inverse power takes its place in the block off.
    hashes = mix((sums[place + least] - sums[place]) * _powers(pow(BASE, -1, 1 << 64), len(words.values))[place])
    return hashes, row, place - words.offsets[row]


def _powers(base: int, size: int) -> Hashes:
    factors = np.full(size, base, dtype=np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors) if size else factors
