"""How much a single eval scatters, judged from the curve itself, and how lucky the lowest of many is."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def noise_of(loss: Floats) -> float:
    """Return the standard deviation of one point of a curve, 0 for fewer than 4 points.

    Two estimates that can only err upwards, so the smaller counts: the second differences are blind to a straight trend
    but take a bend for noise; the distance to the best valley (first falling, then rising) is blind to any bend but
    takes a second valley for noise.
    """
    if len(loss) < 4:
        return 0.0
    second = np.diff(loss, 2)
    from_bends = 1.4826 * float(np.median(np.abs(second - np.median(second)))) / math.sqrt(6)
    return min(from_bends, _distance_to_valley(loss))


def lucky_depth(n: int) -> float:
    """Return how far the lowest of n normal values lies below their mean, in standard deviations (Blom 1958)."""
    return NormalDist().inv_cdf((n - 0.375) / (n + 0.25))


def _distance_to_valley(loss: Floats) -> float:
    """Return the residual standard deviation of the least-squares fit that falls up to one point and rises from it.

    Every prefix is fitted once from either side (pool adjacent violators, as in Stout 2008, "Unimodal regression via
    prefix isotonic regression"); degrees of freedom are the points less the levels of the fit.
    """
    n = len(loss)
    falling, falling_levels = _isotonic_prefixes(-loss)
    rising, rising_levels = _isotonic_prefixes(-loss[::-1])
    errors = falling + rising[::-1]
    cut = int(np.argmin(errors))
    levels = falling_levels[cut] + rising_levels[n - cut]
    return math.sqrt(float(errors[cut]) / max(1, n - levels))


def _isotonic_prefixes(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return, for k = 0..n, the squared error and the number of levels of the non-decreasing fit to values[:k]."""
    errors = np.zeros(len(values) + 1)
    levels = np.zeros(len(values) + 1, dtype=np.int64)
    blocks: list[tuple[float, int, float]] = []  # mean, points, squared error
    total = 0.0
    for k, value in enumerate(values, start=1):
        mean, count, error = float(value), 1, 0.0
        while blocks and blocks[-1][0] >= mean:
            other, points, inside = blocks.pop()
            total -= inside
            gap = other - mean
            error += inside + gap * gap * points * count / (points + count)
            mean = (other * points + mean * count) / (points + count)
            count += points
        blocks.append((mean, count, error))
        total += error
        errors[k] = max(total, 0.0)
        levels[k] = len(blocks)
    return errors, levels
