"""Clusters: which records hang together through near duplicates, and what to name beside each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import Indices


@dataclass(frozen=True)
class Clusters:
    """What each row hangs together with; all arrays have shape (rows,).

    `first` is its cluster's first row (itself when alone or first), `partner` the most similar earlier row at or above
    the threshold (-1 = none), `score` their similarity, `first_score` that with the cluster's first; a score is NaN
    where there is nothing to compare. `exact` is False when a sketch found the pairs and may have missed some.
    """

    first: Indices
    partner: Indices
    score: NDArray[np.float64]
    first_score: NDArray[np.float64]
    exact: bool = True

    @property
    def later(self) -> Indices:
        """The rows that are in a cluster and not its first, in order: one finding each."""
        return np.flatnonzero(self.first != np.arange(len(self.first)))

    @property
    def sizes(self) -> Indices:
        """The size of each row's cluster, shape (rows,)."""
        return np.bincount(self.first, minlength=len(self.first))[self.first]


def connected_components(rows: int, left: Indices, right: Indices) -> Indices:
    """The lowest row that each row is connected with, shape (rows,): hooking and pointer jumping, all edges at once."""
    lowest = np.arange(rows, dtype=np.int64)
    while True:
        a, b = lowest[left], lowest[right]
        apart = a != b
        if not apart.any():
            return lowest
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        np.minimum.at(lowest, np.maximum(a, b), np.minimum(a, b))
        while True:
            jumped = lowest[lowest]
            if np.array_equal(jumped, lowest):
                break
            lowest = jumped


def most_similar_earlier(rows: int, left: Indices, right: Indices, score: NDArray[np.float64]) -> tuple[Indices, NDArray[np.float64]]:
    """For each row its best partner among the pairs (left < right) that end in it: (-1, NaN) where there is none.

    Among equally similar rows the first counts.
    """
    order = np.lexsort((left, -score, right))
    left, right, score = left[order], right[order], score[order]
    best = np.ones(len(right), dtype=bool)
    best[1:] = right[1:] != right[:-1]
    partner, similarity = np.full(rows, -1, dtype=np.int64), np.full(rows, np.nan)
    partner[right[best]], similarity[right[best]] = left[best], score[best]
    return partner, similarity
