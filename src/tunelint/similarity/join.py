"""Exact set-similarity joins: every pair of rows at or above a Jaccard threshold, none missed, none wrong.

Prefix filter (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007) with the positional filter of PPJoin (Xiao,
Wang, Lin, Yu 2008, "Efficient similarity joins for near duplicate detection"): with all values in one order, rarest
first, two sets that reach the threshold share a value among the first few of each, and those are rare, so few rows meet
by chance.
Rows that consist of frequent values only are what makes such a join quadratic; `Postings.visits` says so beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity import fast, meetings
from tunelint.similarity.columns import Hashes, Indices, Ragged, offsets_of, ranges
from tunelint.similarity.prefixes import rarest

# Values of compared rows at a time, by numpy: they stay in the cache. And from which mean length on rows are long.
COMPARED = 1 << 17
LONG = 160
PAIR_NAMES = np.arange(1 << 12, dtype=np.uint64) << np.uint64(52)


class Pairs(NamedTuple):
    """Pairs of rows with their Jaccard similarity: three arrays of the same length, sorted by left, then right."""

    left: Indices
    right: Indices
    score: NDArray[np.float64]


@dataclass(frozen=True)
class Postings:
    """A prepared join: which rows, smallest first and without empty ones (`order`), and who meets whom.

    `sizes` go by that order. `visits` is the number of times that two rows meet in an inverted list, the cost of the join.
    """

    rows: Ragged
    order: Indices
    sizes: Indices
    lists: list[meetings.Lists]
    threshold: float
    visits: int


def self_join(rows: Ragged, threshold: float, *, compiled: bool | None = None) -> Pairs:
    """All pairs left < right of sorted sets whose Jaccard similarity is at least `threshold` (above 0)."""
    return run(prepare(rows, threshold, compiled=compiled), compiled=compiled)


def cross_join(left: Ragged, right: Ragged, threshold: float, *, compiled: bool | None = None) -> Pairs:
    """All pairs of a row of `left` and a row of `right` whose Jaccard similarity is at least `threshold`."""
    postings = prepare(Ragged.concatenate([left, right]), threshold, len(left), compiled)
    return split_pairs(run(postings, compiled=compiled), len(left))


def split_pairs(pairs: Pairs, first: int) -> Pairs:
    """Pairs over two concatenated sets of rows, renumbered so that `right` counts in the second."""
    return Pairs(pairs.left, pairs.right - first, pairs.score)


def prepare(
    rows: Ragged, threshold: float, first: int | None = None, compiled: bool | None = None, among: NDArray[np.bool_] | None = None
) -> Postings:
    """Order values and rows and build the inverted lists.

    With `first`, only pairs across row `first` are joined; with `among` (rows,), only rows for which that is true.
    """
    sizes = rows.lengths
    order = np.argsort(sizes, kind="stable")
    order = order[sizes[order] > 0] if among is None else order[(sizes[order] > 0) & among[order]]
    sizes = sizes[order]
    probe = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    index = sizes - np.ceil(2 * threshold / (1 + threshold) * sizes - 1e-9).astype(np.int64) + 1
    second = None if first is None else order >= first
    lists, visits = meetings.inverted_lists(rarest(rows, order, probe, compiled), probe, index, sizes, second)
    return Postings(rows, order, sizes, lists, threshold, visits)


def run(postings: Postings, *, compiled: bool | None = None) -> Pairs:
    """Carry out a prepared join."""
    rows = postings.rows
    kernels = fast.kernels(compiled, len(rows.values))
    found = [(np.empty(0, np.int64),) * 3]
    for x, y in meetings.candidates(postings.lists, postings.sizes, postings.threshold, compiled):
        x, y = postings.order[x], postings.order[y]
        if kernels is None:
            common = overlaps(rows, rows, x, y, compiled=False)
            good = common / (rows.lengths[x] + rows.lengths[y] - common) >= postings.threshold
        else:
            common = kernels.verified(rows.values, rows.offsets, x, y, postings.threshold)
            good = common >= 0
        found.append((x[good], y[good], common[good]))
    x, y, overlap = (np.concatenate(column) for column in zip(*found, strict=True))
    score = overlap / (rows.lengths[x] + rows.lengths[y] - overlap)
    left, right = np.minimum(x, y), np.maximum(x, y)
    by_row = np.lexsort((right, left))
    return Pairs(left[by_row], right[by_row], score[by_row])


def similarities(a: Ragged, b: Ragged, left: Indices, right: Indices, *, compiled: bool | None = None) -> NDArray[np.float64]:
    """Jaccard similarity of row left[i] of `a` and row right[i] of `b`, sorted sets; 0 where either is empty."""
    common = overlaps(a, b, left, right, compiled=compiled)
    union = a.lengths[left] + b.lengths[right] - common
    score: NDArray[np.float64] = np.divide(common, union, out=np.zeros(len(common)), where=union > 0)
    return score


def overlaps(a: Ragged, b: Ragged, left: Indices, right: Indices, *, compiled: bool | None = None) -> Indices:
    """Number of values that row left[i] of `a` and row right[i] of `b` share."""
    kernels = fast.kernels(compiled, int(np.sum(a.lengths[left])))
    counts: Indices
    if kernels is not None:
        counts = kernels.overlaps(a.values, a.offsets, b.values, b.offsets, left, right)
        return counts
    counts = np.zeros(len(left), dtype=np.int64)
    sides = [(rows.values, rows.offsets[at], rows.offsets[at + 1] - rows.offsets[at]) for rows, at in ((a, left), (b, right))]
    weights = np.cumsum(sides[0][2] + sides[1][2])
    begin = 0
    while begin < len(left):
        end = int(np.searchsorted(weights, (weights[begin - 1] if begin else 0) + COMPARED, side="right"))
        end = min(max(end, begin + 1), begin + len(PAIR_NAMES))
        counts[begin:end] = _overlaps_of_few([(values, starts[begin:end], lengths[begin:end]) for values, starts, lengths in sides])
        begin = end
    return counts


def _overlaps_of_few(sides: Sequence[tuple[Hashes, Indices, Indices]]) -> Indices:
    """At most 4,096 pairs at once: equal values of a pair stand side by side once pair number and value are one key.

    A side is its rows' values, and where the row of each pair starts and how long it is. 12 bits name the pair and the
    upper 52 bits of the hash remain, so that a chance meeting of two values has odds of 2**-52 and each side is in order
    by itself: a stable sort merges two such runs in linear time.
    """
    lengths = np.concatenate([side[2] for side in sides])
    if lengths.sum() > LONG * len(lengths):  # slices are copied faster than single values are gathered
        places = [(values, start.tolist(), (start + length).tolist()) for values, start, length in sides]
        merged = np.concatenate([values[begin:end] for values, *ends in places for begin, end in zip(*ends, strict=True)])
    else:
        merged = np.concatenate([values[ranges(start, length)] for values, start, length in sides])
    merged >>= np.uint64(12)
    merged |= np.repeat(np.tile(PAIR_NAMES[: len(lengths) // 2], 2), lengths)
    merged.sort(kind="stable")
    twice = np.flatnonzero(merged[1:] == merged[:-1])
    return np.diff(np.searchsorted(twice, offsets_of(sides[0][2] + sides[1][2])))
