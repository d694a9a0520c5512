"""The verdict from per-example eval losses: the same rows at two checkpoints, so most of the noise cancels.

The standard error of an eval loss is wide, that of the *difference* of two checkpoints on the same rows is not: rows
that are hard stay hard (paired analysis, Miller 2024, "Adding Error Bars to Evals", https://arxiv.org/abs/2411.00640).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.diagnosis.rows import matching_losses
from tunelint.curves.diagnosis.series import Series
from tunelint.curves.run import Run

Call = Literal["worse", "not_worse", "unsure"]

MATTERS = 0.035
"""A true rise from here on counts as overfitting: half-way between one nobody minds (2 %) and a clear one (5 %)."""
SPLIT_HALF_FROM = 200
"""Eval rows from which the minimum is chosen on one half of the rows and measured on the other."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The rise of the eval loss from its minimum to the last eval, over `rows` paired rows.

    `rise` and `se` are relative to the loss at the minimum, `interval` is the 90 % interval. `call` is `unsure` when
    the rise is within one standard error of `MATTERS`; then about `rows_needed` eval rows would decide.
    """

    rise: float
    se: float
    interval: tuple[float, float]
    rows: int | None
    rows_needed: int | None
    call: Call
    split_half: bool


def judge_paired(run: Run, series: Series) -> Paired | None:
    """Return the verdict on the rise from the best eval to the last, None for a run without paired rows."""
    minimum, last = float(series.loss[series.best]), float(series.loss[-1])
    if minimum <= 0:
        return None
    rows = matching_losses(run, series)
    if rows is not None:
        return _from_rows(*rows, series.best)
    if run.paired_se_to_last is not None and len(run.paired_se_to_last) == len(run.evals):
        se = run.paired_se_to_last[int(series.index[series.best])]
        if math.isfinite(se):
            return _call((last - minimum) / minimum, se / minimum, False, rows=run.n_eval)
    return None


def _call(rise: float, se: float, split_half: bool, rows: int | None) -> Paired:
    gap = abs(rise - MATTERS)
    unsure = gap <= se
    needed = math.ceil(rows * (se / gap) ** 2) if unsure and rows and gap > 0 else None
    interval = (rise - 1.645 * se, rise + 1.645 * se)
    call: Call = "unsure" if unsure else "worse" if rise > MATTERS else "not_worse"
    return Paired(rise, se, interval, rows, needed, call, split_half)


def _from_rows(losses: Floats, share: Floats, best: int) -> Paired | None:
    """Judge from losses (evals, rows) and the rows' shares in the loss."""
    minimum = float(losses[best] @ share)
    if minimum <= 0:
        return None
    difference = losses[-1] - losses[best]
    rise = float(difference @ share)
    n = len(share)
    se = math.sqrt(float(np.sum(share**2 * (difference - rise) ** 2)) * n / (n - 1))
    split = n >= SPLIT_HALF_FROM
    if split:
        rise = _cross_fitted_rise(losses, share)
    return _call(rise / minimum, se / minimum, split, rows=n)


def _cross_fitted_rise(losses: Floats, share: Floats) -> float:
    """Choose the minimum on one half of the rows, measure the rise on the other, both ways: no bias of selection."""
    total = 0.0
    for chooser, judge in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
        chosen = int(np.argmin(losses[:, chooser] @ share[chooser]))
        part = share[judge] / share[judge].sum()
        total += float((losses[-1, judge] - losses[chosen, judge]) @ part)
    return total / 2
