"""Rolling hashes: equal runs of values have equal hashes, wherever they stand (Karp, Rabin 1987).

The hash of a run is a polynomial in its values, modulo 2**64. Prefix sums of `value * BASE**place` give that of any run in
one subtraction; the inverse power then takes the place that the run begins at off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunelint.similarity.columns import Hashes, Indices, Ragged, mix, ranges

BASE = 0xD6E8FEB86659FD93  # odd, so that it has an inverse modulo 2**64


@dataclass(frozen=True)
class Prefixes:
    """What the hash of any run of n values is worked out from: `sums` (n + 1,), `inverse` (n + 1,) powers of 1 / BASE."""

    sums: Hashes
    inverse: Hashes

    @staticmethod
    def of(values: Hashes) -> Prefixes:
        """Sum up values, shape (n,)."""
        sums = np.zeros(len(values) + 1, dtype=np.uint64)
        np.cumsum(values * _powers(BASE, len(values)), out=sums[1:])
        return Prefixes(sums, _powers(pow(BASE, -1, 1 << 64), len(values) + 1))

    def runs(self, places: Indices, lengths: Indices | int) -> Hashes:
        """The hash of the run of `lengths` values that begins at each place. (k,) -> (k,)."""
        hashes: Hashes = (self.sums[places + lengths] - self.sums[places]) * self.inverse[places]
        return hashes


def windows(rows: Ragged, prefixes: Prefixes, size: int) -> tuple[Hashes, Indices, Indices]:
    """Hash, row and first place (in `rows.values`) of every run of `size` values within a row."""
    counts = np.maximum(rows.lengths - size + 1, 0)
    places = ranges(rows.offsets[:-1], counts)
    row = np.repeat(np.arange(len(rows), dtype=np.int64), counts)
    return mix(prefixes.runs(places, size)), row, places


def common_lengths(own: Prefixes, at: Indices, other: Prefixes, there: Indices, least: int, most: Indices) -> Indices:
    """How many values from place `at` of one text on equal those from place `there` of another. All (k,).

    The first `least` are known to be equal, and no more than `most` are compared: the caller's rows end there. By bisection,
    since the beginnings of equal runs are equal.
    """
    low, high = np.full(len(at), least, dtype=np.int64), most.copy()
    while bool((low < high).any()):
        middle = (low + high + 1) // 2
        equal = own.runs(at, middle) == other.runs(there, middle)
        low, high = np.where(equal, middle, low), np.where(equal, high, middle - 1)
    return low


def _powers(base: int, size: int) -> Hashes:
    factors = np.full(size, base, dtype=np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors) if size else factors
