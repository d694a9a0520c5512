"""What the train loss says: whether it still fell after the eval minimum, and whether it falls in stairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.diagnosis.series import Series, relative_rise
from tunelint.curves.diagnosis.verdict import Risk
from tunelint.curves.run import Number, Run, is_loss

BOUNDARIES = 3
"""Epoch borders looked at: later ones are flat in every run, memorised or not."""


def train_fall(run: Run, series: Series) -> float | None:
    """Return the relative fall of the train loss after the eval minimum, None where the log cannot tell.

    A log that repeats one value (logging every 500 steps, evaluating every 100) or has none after the minimum cannot.
    """
    curve = _train_curve(run, prefer_epoch=False)
    here = _eval_place(run, int(series.index[series.best]), prefer_epoch=False)
    if curve is None or here is None:
        return None
    at, loss = curve
    after = loss[at > here]
    if len(np.unique(after)) < 2:
        return None
    # A mean over 3 points, or over a quarter of the stretch where a log has one point per step.
    width = max(3, len(after) // 4)
    before = loss[at <= here][-width:]
    start = float(before.mean()) if len(before) else float(after[0])
    end = float(after[-width:].mean())
    return (start - end) / start if start > 0 else None


def eval_under_train(run: Run) -> tuple[int, int, float] | None:
    """Return (evals more than 10 % below the train loss, evals compared, median ratio eval / train).

    An eval is held against the train losses logged *between it and the next eval*: those before it are averages over a
    worse model, and would make every early eval look too good. None where fewer than 3 evals can be compared.
    """
    curve = _train_curve(run, prefer_epoch=False)
    if curve is None:
        return None
    at, loss = curve
    ratios = []
    places = [_eval_place(run, i, prefer_epoch=False) for i in range(len(run.evals))]
    for i, point in enumerate(run.evals[:-1]):
        here, there = places[i], places[i + 1]
        if here is None or there is None or not point.finite or point.loss is None:
            continue
        window = loss[(at > here) & (at <= there)]
        if len(window) and window.mean() > 0:
            ratios.append(point.loss / float(window.mean()))
    if len(ratios) < 3:
        return None
    return sum(ratio < 0.9 for ratio in ratios), len(ratios), float(np.median(ratios))


def curve_table(run: Run, minimum: float) -> list[dict[str, Any]]:
    """Return one row per eval point: its place, the last train loss before it, how far above the minimum it is."""
    curve = _train_curve(run, prefer_epoch=False)
    rows = []
    for i, point in enumerate(run.evals):
        here = _eval_place(run, i, prefer_epoch=False)
        before: Floats = np.array([])
        if curve is not None and here is not None:
            before = curve[1][curve[0] <= here]
        finite = point.loss if point.finite else None
        rows.append(
            {
                "index": i,
                "step": point.step,
                "epoch": point.epoch,
                "train_loss": float(before[-1]) if len(before) else None,
                "eval_loss": finite,
                "to_best": relative_rise(finite, minimum) if finite is not None else None,
                "metrics": dict(point.metrics),
                "saved": None if run.saved_steps is None else point.step in run.saved_steps,
            }
        )
    return rows


@dataclass(frozen=True, slots=True)
class Memorisation:
    """How much the train loss drops at the epoch borders: the mark of rows that the model has learnt by heart.

    `boundary_ratios` are mean(loss in the half epoch after) / mean(half epoch before), per border, `final_train_loss`
    the mean of the last 3 points.
    """

    boundary_ratios: tuple[float, ...]
    final_train_loss: float | None
    epochs: float | None
    risk: Risk | None
    reasons: tuple[str, ...]


def memorisation(run: Run, note_ratio: float = 0.85, warning_ratio: float = 0.7) -> Memorisation:
    """Judge the risk that rows were learnt by heart; it never is an overfitting verdict.

    The staircase is described at https://www.fast.ai/posts/2023-09-04-learning-jumps/. A border that also falls with
    the general trend of its own epoch is discounted: only the part that the trend does not explain is a step.
    """
    curve = _train_curve(run, prefer_epoch=True)
    ratios = _boundary_ratios(*curve) if curve is not None else ()
    final = float(curve[1][-3:].mean()) if curve is not None else None
    epochs = run.epochs or (float(curve[0][-1]) if curve is not None else None)
    reasons: list[str] = []
    risk: Risk | None = None
    deepest = min(ratios, default=math.inf)
    if deepest < note_ratio:
        reasons.append(f"the train loss drops to {deepest:.2f} of itself at an epoch border")
        risk = "warning" if deepest < warning_ratio else "note"
    if final is not None and final < 0.05:
        reasons.append(f"the train loss ends at {final:.3g}")
        risk = "warning" if risk else "note"
    if epochs is not None and epochs > 4 and risk:
        reasons.append(f"every row was seen {epochs:g} times")
    return Memorisation(ratios, final, epochs, risk, tuple(reasons))


def _boundary_ratios(at: Floats, loss: Floats) -> tuple[float, ...]:
    ratios = []
    for border in range(1, BOUNDARIES + 1):
        before = loss[(at > border - 0.5) & (at <= border)]
        after = loss[(at > border) & (at <= border + 0.5)]
        first_half = loss[(at > border - 1) & (at <= border - 0.5)]
        if len(before) < 2 or len(after) < 2 or before.mean() <= 0:
            continue
        ratio = float(after.mean() / before.mean())
        within = float(before.mean() / first_half.mean()) if len(first_half) >= 2 and first_half.mean() > 0 else 1.0
        if ratio < within:
            ratios.append(ratio)
        else:
            ratios.append(1.0)
    return tuple(ratios)


def _train_curve(run: Run, prefer_epoch: bool) -> tuple[Floats, Floats] | None:
    """The finite train points over steps or epochs, the same axis that `_eval_place` takes."""
    axis = _axis(run, prefer_epoch)
    if axis is None:
        return None
    points = [(getattr(point, axis), point.loss) for point in run.trains if is_loss(point.loss)]
    points = [point for point in points if point[0] is not None]
    if not points:
        return None
    at, loss = np.array(points, dtype=np.float64).T
    return at, loss


def _eval_place(run: Run, index: int, prefer_epoch: bool) -> Number | None:
    axis = _axis(run, prefer_epoch)
    return None if axis is None else getattr(run.evals[index], axis)


def _axis(run: Run, prefer_epoch: bool) -> str | None:
    order = ("epoch",) if prefer_epoch else ("step", "epoch")
    for axis in order:
        if any(getattr(point, axis) is not None for point in run.trains) and (
            prefer_epoch or any(getattr(point, axis) is not None for point in run.evals)
        ):
            return axis
    return None
