"""The eval losses as numbers: cleaned, smoothed, with their minimum and their trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunelint.curves.diagnosis.noise import Floats, noise_of
from tunelint.curves.run import Run

MOST_COMPARED = 1000
SMOOTH_FROM = 10
"""Evals from which the curve is smoothed to find its minimum; below it, every point counts as it is."""


@dataclass(frozen=True, eq=False)
class Series:
    """The finite evals of a run, n of them. `index` (n,) are their places among the run's eval points."""

    index: NDArray[np.int64]
    loss: Floats
    smooth: Floats
    noise: float
    """Standard deviation of one point around the shape of the curve, see `tunelint.curves.diagnosis.noise`."""
    best: int
    """The eval to keep by its loss: the lowest raw one near the smoothed minimum, until `pick` knows better."""

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def after(self) -> int:
        """Evals after the best."""
        return len(self) - 1 - self.best

    @property
    def minimum(self) -> float:
        """The loss of the best eval."""
        return float(self.loss[self.best])


def eval_series(run: Run) -> Series | None:
    """Return the cleaned eval losses of a run, None where not one is finite."""
    index = np.array([i for i, point in enumerate(run.evals) if point.finite], dtype=np.int64)
    if not len(index):
        return None
    loss = np.array([run.evals[i].loss for i in index], dtype=np.float64)
    smooth = smoothed(loss)
    bottom = int(np.argmin(smooth))
    reach = max(1, len(loss) // 20) if len(loss) >= SMOOTH_FROM else 0
    start = max(0, bottom - reach)
    best = start + int(np.argmin(loss[start : bottom + reach + 1]))
    return Series(index, loss, smooth, noise_of(loss), best)


def smoothed(loss: Floats) -> Floats:
    """Return a running median of 3 and a moving mean over 3 (n < 20) or 2 (n // 20) + 1, at least 5, points.

    Fewer than 10 points are returned as they are. Windows are cut at the ends, so that no value is invented.
    """
    n = len(loss)
    if n < SMOOTH_FROM:
        return loss
    median = loss.copy()
    median[1:-1] = np.median(np.stack([loss[:-2], loss[1:-1], loss[2:]]), axis=0)
    width = 3 if n < 20 else max(5, 2 * (n // 20) + 1)
    half = width // 2
    sums = np.concatenate([[0.0], np.cumsum(median)])
    low = np.maximum(np.arange(n) - half, 0)
    high = np.minimum(np.arange(n) + half + 1, n)
    means: Floats = (sums[high] - sums[low]) / (high - low)
    return means


def relative_rise(loss: float, minimum: float) -> float:
    """Return how far a loss lies above the minimum as a share of it, kept finite for a minimum of 0."""
    return min((loss - minimum) / max(abs(minimum), 1e-9), 1e9)


def kendall_tau(values: Floats) -> float:
    """Return Kendall's tau-a between the values and their order: 1 for a steady rise, 0 for no trend.

    Of more than 1,000 values 1,000 evenly spaced ones are taken: all pairs are compared.
    """
    if len(values) > MOST_COMPARED:
        values = values[np.linspace(0, len(values) - 1, MOST_COMPARED).astype(np.int64)]
    n = len(values)
    if n < 2:
        return 0.0
    upper = np.triu_indices(n, 1)
    return float(np.sign(values[upper[1]] - values[upper[0]]).sum() / len(upper[0]))
