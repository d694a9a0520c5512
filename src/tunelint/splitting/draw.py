"""Which clusters become the eval split: a seeded draw that keeps to the size asked for and to the shares of the labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import Hashes, Indices, mix

# A cluster counts as small up to this share of the eval split: an eval of one big cluster would measure one thing.
SMALL = 10


def draw(cluster: Indices, strata: Indices, name: Hashes, wanted: int, seed: int) -> NDArray[np.bool_]:
    """Return which records go to the eval split, (N,): whole clusters, `wanted` records or as near to it as clusters allow.

    `cluster` and `strata` are numbers (N,), `name` (N,) digests of the records. The order of the draw comes from the seed
    and the records' own digests, so it does not depend on the order of files or rows, and a record that is added later
    moves few others.
    """
    _, number = np.unique(cluster, return_inverse=True)
    number = number.reshape(-1)
    sizes = np.bincount(number)
    lowest = np.full(len(sizes), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(lowest, number, name)
    salt = mix(np.array([seed & (1 << 64) - 1], np.uint64) + np.uint64(0x9E3779B97F4A7C15))[0]
    order = np.argsort(mix(lowest ^ salt), kind="stable")
    chosen = _by_quota(order, number, sizes, strata, wanted)
    gap = wanted - int(sizes[chosen].sum())
    if not chosen:  # a split that is too large says more than none, up to half of the records
        gap = max(gap, len(cluster) // 2 - wanted + 1)
    if gap:
        better = _nearest(order, sizes, wanted, gap)
        chosen = chosen if better is None else better
    taken = np.zeros(len(sizes), bool)
    taken[chosen] = True
    mask: NDArray[np.bool_] = taken[number]
    return mask


def quotas(strata: Indices, wanted: int) -> list[int]:
    """Return how many eval records each stratum gets: its share, rounded by largest remainders."""
    counts = np.bincount(strata)
    ideal = counts * wanted / max(1, len(strata))
    given = np.floor(ideal).astype(np.int64)
    rest = np.argsort(-(ideal - given), kind="stable")[: wanted - int(given.sum())]
    given[rest] += 1
    return [int(number) for number in given]


def _by_quota(order: Indices, number: Indices, sizes: Indices, strata: Indices, wanted: int) -> list[int]:
    members = np.argsort(number, kind="stable")
    borders = np.concatenate(([0], np.cumsum(sizes))).tolist()
    of_member = strata[members].tolist()
    spans = list(pairwise(borders))
    left, total = quotas(strata, wanted), wanted
    chosen: list[int] = []
    waiting: list[int] = order.tolist()
    for most, strict in ((max(1, wanted // SMALL), True), (wanted, True), (wanted, False)):
        passed = []
        for cluster in waiting:
            begin, end = spans[cluster]
            size = end - begin
            if not total:
                break
            if size > min(most, total) or (strict and not _fits(of_member[begin:end], left)):
                passed.append(cluster)
                continue
            chosen.append(cluster)
            total -= size
            for stratum in of_member[begin:end]:
                left[stratum] -= 1
        waiting = passed
    return chosen


def _fits(strata: list[int], left: list[int]) -> bool:
    if len(strata) == 1:
        return left[strata[0]] > 0
    return all(strata.count(stratum) <= left[stratum] for stratum in set(strata))


def _nearest(order: Indices, sizes: Indices, wanted: int, gap: int) -> list[int] | None:
    """Return clusters whose sizes add up nearer to `wanted` than `gap` below it; None where no choice does.

    Exact: all sums that the sizes can reach, as the bits of one number, one bundle of equal sizes at a time.
    """
    limit = min(wanted + gap - 1, int(sizes.sum()) - 1)
    mask = (1 << (limit + 1)) - 1
    bundles: list[tuple[int, int]] = []
    reached = [1]
    for size, count in zip(*np.unique(sizes[sizes <= limit], return_counts=True), strict=True):
        count = min(int(count), limit // int(size))
        bundle = 1
        while count > 0:
            bundle = min(bundle, count)
            bundles.append((int(size), bundle))
            reached.append((reached[-1] | reached[-1] << int(size) * bundle) & mask)
            count -= bundle
            bundle *= 2
    for distance in range(gap):
        for total in (wanted - distance, wanted + distance):
            if 0 < total <= limit and reached[-1] >> total & 1:
                return _taken(order, sizes, bundles, reached, total)
    return None


def _taken(order: Indices, sizes: Indices, bundles: list[tuple[int, int]], reached: list[int], total: int) -> list[int]:
    count: dict[int, int] = {}
    for index in range(len(bundles) - 1, -1, -1):
        size, bundle = bundles[index]
        if not reached[index] >> total & 1:
            count[size] = count.get(size, 0) + bundle
            total -= size * bundle
    chosen = []
    for cluster in order.tolist():
        size = int(sizes[cluster])
        if count.get(size, 0):
            count[size] -= 1
            chosen.append(cluster)
    return chosen
