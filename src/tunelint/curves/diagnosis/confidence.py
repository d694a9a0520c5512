"""How sure a verdict is, as the share of such verdicts that are right (the reliability table is in docs/curves.md)."""

from __future__ import annotations

import math

from tunelint.curves.diagnosis.paired import MATTERS, Paired
from tunelint.curves.diagnosis.shape import RISE, RISE_OF_ONE, Shape

ROW_SPREAD = 0.6
"""Spread of the loss change of one eval row between two checkpoints, relative to the loss: sets the standard error
where a log has no per-example losses."""
UNKNOWN_ROWS = 250
"""Eval rows assumed where the log does not say."""


def probability(z: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def confidence_of(shape: Shape, paired: Paired | None, evals: int, after: int, n_eval: int | None) -> float:
    """Return the probability that the verdict on the loss holds on fresh data.

    With paired rows that is how far the rise is from the line, in standard errors. From a curve alone the standard
    error is the one to expect for the number of eval rows.
    """
    if paired is not None:
        return _bounded(probability(abs(paired.rise - MATTERS) / paired.se) if paired.se > 0 else 1.0)
    se = ROW_SPREAD * math.sqrt(max(shape.rise, 0.01)) / math.sqrt(n_eval or UNKNOWN_ROWS)
    line = MATTERS if after != 1 else (RISE_OF_ONE + MATTERS - RISE)
    sure = probability(abs(shape.rise - line) / math.hypot(se, 0.01))
    if evals < 5:
        sure = 0.5 + (sure - 0.5) * 0.9
    return _bounded(sure)


def _bounded(value: float) -> float:
    return min(0.99, max(0.5, value))
