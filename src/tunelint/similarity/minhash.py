"""MinHash signatures and locality-sensitive hashing: the fall-back where an exact join would meet too many rows.

Broder 1997, "On the resemblance and containment of documents"; bands as in Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", section 3.4. Bands are chosen from the threshold so that hardly a pair is missed, since every
candidate is verified exactly: an estimate alone errs on about 5 % of the pairs at 128 permutations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import Indices, Ragged, mix, ranges

PERMUTATIONS = 128
MISSED_AT_THRESHOLD = 0.005
BUCKET = 64  # up to this many rows of a bucket are compared pair by pair, larger ones along a star and a chain
BLOCK = 1 << 16
SEED = 20010911


def bands_for(threshold: float, permutations: int = PERMUTATIONS) -> tuple[int, int]:
    """(bands, rows per band): the longest rows that still miss at most 0.5 % of the pairs right at the threshold."""
    for length in range(permutations, 1, -1):
        bands = permutations // length
        if (1 - threshold**length) ** bands <= MISSED_AT_THRESHOLD:
            return bands, length
    return permutations, 1


def signatures(rows: Ragged, permutations: int = PERMUTATIONS) -> NDArray[np.uint32]:
    """MinHash signatures of shape (rows, permutations). Every row must have at least one value."""
    random = np.random.default_rng(SEED)
    factors = random.integers(1 << 32, size=permutations, dtype=np.uint32) | np.uint32(1)
    terms = random.integers(1 << 32, size=permutations, dtype=np.uint32)
    values = (rows.values >> np.uint64(32)).astype(np.uint32)
    result = np.empty((len(rows), permutations), dtype=np.uint32)
    first = 0
    while first < len(rows):  # a block of values stays in the cache through all permutations
        last = max(int(np.searchsorted(rows.offsets, rows.offsets[first] + BLOCK, side="right")) - 1, first + 1)
        block = values[rows.offsets[first] : rows.offsets[last]]
        starts = rows.offsets[first:last] - rows.offsets[first]
        for permutation in range(permutations):
            hashed = block * factors[permutation] + terms[permutation]
            result[first:last, permutation] = np.minimum.reduceat(hashed, starts)
        first = last
    return result


def candidate_pairs(rows: Ragged, threshold: float, first: int | None = None) -> tuple[Indices, Indices]:
    """Pairs left < right of rows that share a band, each once, unverified. With `first`, only pairs across that row.

    A pair at the threshold is missed with odds of 0.5 % at most, a closer pair with less. In a bucket of more than 64
    rows each row is joined with the bucket's first and with its neighbour only: clusters stay whole, pairs do not.
    """
    bands, length = bands_for(threshold)
    present = np.flatnonzero(rows.lengths > 0)
    filled = rows.take(present)
    signature = signatures(filled, bands * length)
    keys = [np.empty(0, np.int64)]
    for band in range(bands):
        bucket = np.full(len(filled), band, dtype=np.uint64)
        for column in signature.T[band * length : (band + 1) * length]:
            bucket = mix(bucket * np.uint64(0x9E3779B97F4A7C15) + column)
        left, right = _edges(bucket) if first is None else _edges_across(bucket, present >= first)
        keys.append(np.unique(present[left] * len(rows) + present[right]))
    key = np.unique(np.concatenate(keys))
    return key // max(len(rows), 1), key % max(len(rows), 1)


def _edges(bucket: NDArray[np.uint64]) -> tuple[Indices, Indices]:
    order, begin, size = _buckets(bucket)
    rank = np.arange(len(order)) - np.repeat(begin, size)
    start = np.repeat(begin, size)
    small = np.repeat(size <= BUCKET, size)
    places = np.arange(len(order))
    each = np.where(small, rank, 0)
    left, right = order[ranges(start, each)], order[np.repeat(places, each)]
    large = places[~small & (rank > 0)]
    return (
        np.concatenate((left, order[start[large]], order[large - 1])),
        np.concatenate((right, order[large], order[large])),
    )


def _edges_across(bucket: NDArray[np.uint64], second: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Each row of the first side with up to BUCKET rows of the second side in its bucket."""
    order, begin, size = _buckets(bucket)
    # Rows of the first side come before those of the second in every bucket: the order is stable.
    of_first = np.add.reduceat(~second[order], begin).astype(np.int64) if len(order) else size
    middle = np.repeat(begin + of_first, size)
    reach = np.repeat(np.minimum(size - of_first, BUCKET), size)
    places = np.flatnonzero(~second[order])
    return order[np.repeat(places, reach[places])], order[ranges(middle[places], reach[places])]


def _buckets(bucket: NDArray[np.uint64]) -> tuple[Indices, Indices, Indices]:
    """Rows ordered by bucket, and the begin and size of each bucket of two rows or more."""
    order = np.argsort(bucket, kind="stable")
    ranked = bucket[order]
    new = np.ones(len(ranked), dtype=bool)
    new[1:] = ranked[1:] != ranked[:-1]
    size = np.diff(np.append(np.flatnonzero(new), len(ranked)))
    order = order[np.repeat(size > 1, size)]
    size = size[size > 1]
    return order, np.cumsum(size) - size, size
