"""Axes: from numbers to pixels or cells, with round ticks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunelint.curves.run import EvalPoint, Number, Run, TrainPoint, is_loss

LOG_FROM = 4
"""How far above the usual eval loss the highest loss must lie for a logarithmic axis (from 9 down to 1, say)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear or logarithmic map from `low`..`high` to `start`..`end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        share = 0.5 if high == low else (value - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return round values inside the scale."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            fine = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
            return [tick for tick in fine if self.low <= tick <= self.high]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        raw = span / wanted
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= raw)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(tick * step, 12) for tick in range(first, last + 1)]


def loss_scale(evals: Iterable[float], trains: Iterable[float], start: float, end: float) -> Scale:
    """Return the scale of a loss axis, with a little air; logarithmic where a high start would flatten the evals."""
    judged = [loss for loss in evals if is_loss(loss)]
    finite = judged + [loss for loss in trains if is_loss(loss)]
    if not finite:
        return Scale(0.0, 1.0, start, end)
    low, high = min(finite), max(finite)
    if low > 0 and high > LOG_FROM * statistics.median(judged or finite):
        return Scale(low / 1.1, high * 1.1, start, end, log=True)
    air = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
    return Scale(max(0.0, low - air) if low >= 0 else low - air, high + air, start, end)


def x_axis(run: Run) -> str:
    """Return the axis that the run's points have: `step`, else `epoch`, else `index` (the order of the evals)."""
    for axis in ("step", "epoch"):
        if run.evals and all(getattr(point, axis) is not None for point in run.evals):
            return axis
        if not run.evals and run.trains and all(getattr(point, axis) is not None for point in run.trains):
            return axis
    return "index"


def eval_xs(run: Run, axis: str) -> list[float]:
    """Return where the evals stand on an axis."""
    return [float(i if axis == "index" else _value(point, axis, i)) for i, point in enumerate(run.evals)]


def train_points(run: Run, axis: str) -> list[tuple[float, float]]:
    """Return the finite train points on an axis (none where the evals have neither steps nor epochs)."""
    if axis == "index":
        return []
    placed = ((getattr(point, axis), point.loss) for point in run.trains)
    return [(float(x), loss) for x, loss in placed if x is not None and is_loss(loss)]


def epoch_borders(run: Run, axis: str) -> list[tuple[int, float]]:
    """Return (epoch, where it ends) on an axis; steps are interpolated from the points that carry both."""
    if axis == "index":
        return []
    both = sorted({(epoch, step) for step, epoch in run.moments if epoch is not None and step is not None})
    last = max((epoch for _, epoch in run.moments if epoch is not None), default=0)
    whole = range(1, math.floor(last + 0.02) + 1)
    if len(whole) > 60:
        return []
    if axis == "epoch":
        return [(epoch, float(epoch)) for epoch in whole]
    return [(epoch, step) for epoch in whole if (step := _interpolate(epoch, both)) is not None]


def _interpolate(epoch: int, both: Sequence[tuple[Number, Number]]) -> float | None:
    before = [pair for pair in both if pair[0] <= epoch]
    after = [pair for pair in both if pair[0] >= epoch]
    if before and after:
        (e0, s0), (e1, s1) = before[-1], after[0]
        return float(s0) if e1 == e0 else s0 + (s1 - s0) * (epoch - e0) / (e1 - e0)
    if before and epoch - before[-1][0] < 0.02:
        return float(before[-1][1])
    return None


def _value(point: EvalPoint | TrainPoint, axis: str, fallback: int) -> Number:
    value: Number | None = getattr(point, axis)
    return fallback if value is None else value
