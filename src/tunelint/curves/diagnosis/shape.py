"""The verdict on the shape of an eval curve alone, for logs that carry no per-example losses.

The rules are thresholds that say what they mean (a rise of 5 %, a trend, a noise level), not a fitted model: a plain
rise of 5 % already does as well as the time-series classifiers of OverfitGuard
(https://github.com/asgaardlab/OverfitGuard), and most runs have 3 to 5 evals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunelint.curves.diagnosis.noise import lucky_depth
from tunelint.curves.diagnosis.series import Series, kendall_tau, relative_rise
from tunelint.curves.diagnosis.verdict import Degree

Kind = Literal["overfit", "healthy", "still_improving", "diverged", "inconclusive"]

RISE = 0.05
"""Rise of the eval loss over its minimum that counts as overfitting."""
RISE_OF_ONE = 0.08
"""The same when a single eval follows the minimum: one point may be a wiggle."""
MILD_RISE = 0.03
STRONG_RISE = 0.15
BLOW_UP = 0.25
ABSOLUTE_RISE = 0.002
"""Relative rises mean nothing where the loss is next to 0."""
TRAIN_FALL = 0.02
NOISE_FROM = 4
"""Evals from which the noise of a curve can be told from its shape."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the shape of a curve says, and the numbers it rests on."""

    kind: Kind
    severity: Degree | None
    rise: float
    luck: float
    """What the minimum owes to being the lowest of many noisy points (nats)."""
    z: float
    """The rise beyond that luck, in standard errors of the level at the end."""
    tau: float
    """Kendall's tau of the evals from the best one on."""
    train_fall: float | None


def judge_shape(series: Series, fall: float | None) -> Shape:
    """Judge a curve of at least 3 finite evals. `fall` is how far the train loss fell after the minimum (None unknown)."""
    end, averaged = end_level(series)
    rise = relative_rise(end, series.minimum)
    # The lowest of n noisy points is lucky: a flat curve "rises" by that much, so it is taken off before judging.
    luck = series.noise * lucky_depth(len(series)) if len(series) >= NOISE_FROM else 0.0
    beyond = end - series.minimum - luck
    sure_rise = relative_rise(series.minimum + beyond, series.minimum)
    spread = series.noise / math.sqrt(averaged)
    z = beyond / spread if spread > 0 else (math.inf if beyond > 0 else 0.0)
    tau = kendall_tau(series.loss[series.best :])
    falling = fall is None or fall > TRAIN_FALL
    real = beyond > ABSOLUTE_RISE

    def shape(kind: Kind, severity: Degree | None = None) -> Shape:
        return Shape(kind, severity, rise, luck, z, tau, fall)

    threshold = RISE_OF_ONE if series.after == 1 else RISE
    clear = len(series) < NOISE_FROM or z >= 2
    trend = series.after < 3 or tau >= 0.2 or z >= 4
    if series.after >= 1 and real and falling and sure_rise >= threshold and clear and trend:
        return shape("overfit", degree(rise))
    steady = len(series) >= 8 and series.after >= 3 and sure_rise >= MILD_RISE and tau >= 0.5 and z >= 4
    if real and falling and steady:
        return shape("overfit", degree(rise))
    if rise > BLOW_UP and not falling:
        return shape("diverged")
    return shape("still_improving" if still_improving(series, rise) else "healthy")


def degree(rise: float) -> Degree:
    """Name the size of a rise."""
    return "strong" if rise > STRONG_RISE else "moderate" if rise >= RISE else "mild"


def end_level(series: Series) -> tuple[float, int]:
    """Return (the loss at the end, points it is the mean of); the mean never reaches back past the minimum."""
    n = len(series)
    wanted = 1 if n < 6 else 2 if n < 10 else max(3, n // 10)
    averaged = max(1, min(wanted, series.after))
    return float(series.loss[-averaged:].mean()), averaged


def still_improving(series: Series, rise: float) -> bool:
    """True where the last third still gains clearly: more than the noise, and a share of the gain of the whole run."""
    n = len(series)
    if rise >= 0.02 or n < 3:
        return False
    third = max(1, n // 3)
    start, end = float(series.smooth[-1 - third]), float(series.smooth[-1])
    gained = start - end
    share = gained / start if start > 0 else 0.0
    whole = float(np.max(series.smooth[: n - third])) - series.minimum
    beyond_noise = gained > 2 * series.noise / math.sqrt(4 if n >= 20 else 2)
    return beyond_noise and (share >= 0.08 or (share >= 0.01 and gained >= 0.12 * whole))
