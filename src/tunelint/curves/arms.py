"""Two ways to train, each with several seeds, compared on the same eval rows: is one better, and how sure is that?

The difference has two sources of chance: the seed of a run and the draw of the eval rows. Both are random effects of a
crossed design, so the standard error of the mean difference holds both (Searle, Casella and McCulloch 1992, Variance
Components, chapter 5); its degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946), which with few seeds are
few and make the interval honestly wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunelint.errors import TunelintError

LEVEL = 0.9
LEAST_SEEDS = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean loss of the first way minus the second's, over eval rows, in nats per trained token.

    `low` and `high` are the 90 % interval over seeds and eval rows; `shown` is False where it holds 0.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    seeds: int
    rows: int

    @property
    def shown(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def compare(first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference:
    """Compare the losses of two arms, each of shape (seeds, eval rows), the same rows in the same order.

    Run s of one arm is paired with run s of the other: both start from the same seed. Raises TunelintError for fewer than
    three seeds, fewer than two rows, or losses that are not finite.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise TunelintError(f"the two arms have losses of shapes {first.shape} and {second.shape}; they must be the same rows and seeds")
    seeds, rows = first.shape
    if seeds < LEAST_SEEDS or rows < 2:
        raise TunelintError(f"{seeds} seeds and {rows} eval rows are too few to compare; at least {LEAST_SEEDS} seeds and 2 rows are needed")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise TunelintError("a run of the comparison diverged: some eval losses are not finite")
    d = first - second
    mean = float(d.mean())
    by_seed, by_row = d.mean(axis=1), d.mean(axis=0)
    rest = d - by_seed[:, None] - by_row[None, :] + mean
    # Mean squares of the two-way layout; the mean's variance is (MS_seed + MS_row - MS_rest) / (seeds * rows).
    squares = np.array([rows * by_seed.var(ddof=1), seeds * by_row.var(ddof=1), (rest**2).sum() / ((seeds - 1) * (rows - 1))])
    degrees = np.array([seeds - 1, rows - 1, (seeds - 1) * (rows - 1)])
    signs = np.array([1.0, 1.0, -1.0])
    # Neither source alone may be understated by a residual that happens to be large.
    variance = max(float((signs * squares).sum()), float(squares[0]), float(squares[1])) / (seeds * rows)
    spread = math.sqrt(variance)
    if variance > 0:
        freedom = variance**2 / float((((squares / (seeds * rows)) ** 2) / degrees).sum())
        spread *= _t_quantile(0.5 + LEVEL / 2, max(1.0, freedom))
    return Difference(float(first.mean()), float(second.mean()), mean, mean - spread, mean + spread, seeds, rows)


def _t_quantile(p: float, freedom: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(p, freedom))
