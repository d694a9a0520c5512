"""The verdict from per-example eval losses: the same rows at two checkpoints, so most of the noise cancels.

The standard error of an eval loss is wide, that of the *difference* of two checkpoints on the same rows is not: rows
that are hard stay hard (paired analysis, Miller 2024, "Adding Error Bars to Evals", https://arxiv.org/abs/2411.00640).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunelint.curves.diagnosis.series import Floats, Series
from tunelint.curves.run import RowLosses, Run

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
    call: Literal["worse", "not_worse", "unsure"]
    split_half: bool


def judge_paired(run: Run, series: Series) -> Paired | None:
    """Return the paired verdict, None for a run without per-example losses or paired standard errors."""
    if run.eval_rows is not None:
        measured = _from_rows(run, series)
        if measured is not None:
            return _call(*measured, rows=len(run.eval_rows.records))
    if run.paired_se_to_last is not None and len(run.paired_se_to_last) == len(run.evals):
        minimum, last = float(series.loss[series.lowest]), float(series.loss[-1])
        se = run.paired_se_to_last[int(series.index[series.lowest])]
        if minimum > 0 and math.isfinite(se):
            return _call((last - minimum) / minimum, se / minimum, False, rows=run.n_eval)
    return None


def _call(rise: float, se: float, split_half: bool, rows: int | None) -> Paired:
    gap = abs(rise - MATTERS)
    unsure = gap <= se
    needed = math.ceil(rows * (se / gap) ** 2) if unsure and rows and gap > 0 else None
    interval = (rise - 1.645 * se, rise + 1.645 * se)
    return Paired(
        rise, se, interval, rows, needed, "unsure" if unsure else "worse" if rise > MATTERS else "not_worse", split_half
    )


def _from_rows(run: Run, series: Series) -> tuple[float, float, bool] | None:
    """Return (relative rise, its standard error, whether split-half) from the row losses of the finite evals."""
    rows = run.eval_rows
    assert rows is not None
    places = _matching_rows(run, series, rows)
    if places is None:
        return None
    losses = rows.losses[places]
    whole = np.isfinite(losses).all(axis=0) & (rows.tokens > 0)
    losses, weights = losses[:, whole], rows.tokens[whole].astype(np.float64)
    if losses.shape[1] < 2:
        return None
    # The curve shows either a mean over rows or over tokens: judge the quantity that the curve shows.
    by_row = np.full(losses.shape[1], 1.0 / losses.shape[1])
    by_token = weights / weights.sum()
    row_gap = np.abs(losses @ by_row - series.loss).sum()
    token_gap = np.abs(losses @ by_token - series.loss).sum()
    share = by_row if row_gap <= token_gap else by_token
    lowest = series.lowest
    minimum = float(losses[lowest] @ share)
    if minimum <= 0:
        return None
    difference = losses[-1] - losses[lowest]
    rise = float(difference @ share)
    n = len(share)
    se = math.sqrt(float(np.sum(share**2 * (difference - rise) ** 2)) * n / (n - 1))
    split = n >= SPLIT_HALF_FROM
    if split:
        rise = _cross_fitted_rise(losses, share)
    return rise / minimum, se / minimum, split


def _cross_fitted_rise(losses: Floats, share: Floats) -> float:
    """Choose the minimum on one half of the rows, measure the rise on the other, both ways: no bias of selection."""
    total = 0.0
    for chooser, judge in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
        chosen = int(np.argmin(losses[:, chooser] @ share[chooser]))
        part = share[judge] / share[judge].sum()
        total += float((losses[-1, judge] - losses[chosen, judge]) @ part)
    return total / 2


def _matching_rows(run: Run, series: Series, rows: RowLosses) -> list[int] | None:
    """Return the row of `rows.losses` for each finite eval, None where the steps do not match."""
    at = {float(step): place for place, step in enumerate(rows.at)}
    places = [at.get(float(step)) for step in (run.evals[int(i)].step for i in series.index) if step is not None]
    known = [place for place in places if place is not None]
    return known if len(known) == len(series) else None
