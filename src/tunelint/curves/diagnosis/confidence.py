"""How sure a verdict is, as the share of such verdicts that are right (the reliability table is in docs/curves.md)."""

from __future__ import annotations

import math

from tunelint.curves.diagnosis.paired import MATTERS, Paired
from tunelint.curves.diagnosis.shape import Shape

UNKNOWN_ROWS = 250
"""Eval rows assumed where the log does not say."""
LEAST_RISE = 0.0025
"""A rise (or none) is never taken to be known better than one of a quarter of a percent would be."""


def confidence_of(shape: Shape, paired: Paired | None, minimum: float, n_eval: int | None) -> float:
    """Return the probability that the verdict on the loss holds for all data of which the eval rows are a sample.

    It is the probability that the true rise lies on the same side of `MATTERS`, by the normal distribution. With paired
    rows their standard error is measured; from a curve alone it is the one to expect: where the loss of one row changes
    at random between two checkpoints, mean and spread of the change are tied (a log-likelihood ratio that is normal
    has a variance of twice its mean), so n rows give a standard error of sqrt(2 rise / n) nats.
    """
    if paired is not None:
        return probability(abs(paired.rise - MATTERS), paired.se)
    nats = max(shape.rise, LEAST_RISE) * abs(minimum)
    se = math.sqrt(2 * nats / (n_eval or UNKNOWN_ROWS)) / abs(minimum) if minimum else math.inf
    gap = shape.rise - MATTERS
    agrees = (gap > 0) == (shape.kind in ("overfit", "diverged"))
    return probability(abs(gap), se) if agrees else 0.5


def probability(gap: float, se: float) -> float:
    """Return the normal probability of less than `gap` at a standard error of `se`, from 0.5 to 0.99."""
    if se <= 0:
        return 0.99
    return min(0.99, 0.5 * (1 + math.erf(gap / se / math.sqrt(2))))
