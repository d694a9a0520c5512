"""Differences of two models on the same rows, with their 95 % intervals.

Rows that are hard are hard for both, so the difference is far better known than either mean (Miller 2024, "Adding Error
Bars to Evals", https://arxiv.org/abs/2411.00640).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

LEVEL = 0.95
LEAST_ROWS = 10
"""Rows from which a difference is called at all: with fewer, a few lucky answers look like a law."""

Call = Literal["better", "worse", "not_shown"]


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second over `rows` rows that both have, with its interval; `call` is about the first.

    `not_shown` means that the interval holds 0, or that there are fewer than LEAST_ROWS rows.
    """

    difference: float
    low: float
    high: float
    rows: int
    call: Call

    def to_json(self) -> dict[str, Any]:
        """The difference as JSON."""
        return asdict(self)


def mean_difference(
    first: Sequence[float | None], second: Sequence[float | None], weights: Sequence[float] | None = None, lower_is_better: bool = False
) -> Difference | None:
    """Compare two values per row; rows that lack one are left out. None for fewer than two rows.

    With `weights` the means are weighted (tokens), and the standard error is that of a ratio of sums.
    """
    pairs = [(a, b, 1.0 if weights is None else weights[place]) for place, (a, b) in enumerate(zip(first, second, strict=True))
             if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)]  # fmt: skip
    if len(pairs) < 2:
        return None
    values = np.array([a - b for a, b, _ in pairs], dtype=np.float64)
    share = np.array([weight for _, _, weight in pairs], dtype=np.float64)
    share /= share.sum()
    mean, rows = float(values @ share), len(pairs)
    spread = math.sqrt(float(np.sum(share**2 * (values - mean) ** 2)) * rows / (rows - 1)) * _t_quantile(rows - 1)
    return _called(mean, mean - spread, mean + spread, rows, lower_is_better)


def rate_difference(first: Sequence[bool | None], second: Sequence[bool | None]) -> Difference | None:
    """Compare two yes-or-no values per row. None for fewer than two rows that have both.

    The interval is Agresti and Min's for matched pairs (2005, https://doi.org/10.1002/sim.1781): half a row is added to
    each of the four cells, so that rates of 0 and 1 get no interval of width 0.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    rows = len(pairs)
    if rows < 2:
        return None
    gained, lost = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    centre = (gained - lost) / (rows + 2)
    spread = 1.959964 * math.sqrt(max(0.0, (gained + lost + 1) - (gained - lost) ** 2 / (rows + 2))) / (rows + 2)
    return _called((gained - lost) / rows, max(-1.0, centre - spread), min(1.0, centre + spread), rows, False)


def _called(difference: float, low: float, high: float, rows: int, lower_is_better: bool) -> Difference:
    call: Call = "not_shown"
    if rows >= LEAST_ROWS and (low > 0 or high < 0):
        call = "better" if (high < 0) == lower_is_better else "worse"
    return Difference(difference, low, high, rows, call)


def _t_quantile(freedom: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))
