"""Validation on single batches: it looks like an eval curve and is mostly noise.

The OpenAI and Azure APIs log `valid_loss` on one validation batch per step and `full_valid_loss` on the whole file at
the end of an epoch (https://learn.microsoft.com/azure/ai-services/openai/how-to/fine-tuning). Single points of the
former scatter by 20 to 50 % of their level.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np

from tunelint.curves.run import EvalPoint, Run

NOISY = 0.1
"""Scatter, relative to the level, from which a per-step validation loss is taken for single batches."""
FEWEST = 10
"""Points from which the scatter is known, and rows that one window mean covers."""

PER_BATCH = (
    "the validation loss is that of single batches, and they scatter too much to be judged: the chart shows means over "
    "at least 10 of them; judge by full_valid_loss, or evaluate on the whole eval set"
)


def without_batches(run: Run, openai: bool) -> Run:
    """Return the run with window means and a reason not to judge it, where its evals are single batches.

    That is so where they scatter, and are logged at every optimiser step (nobody runs a whole eval at every step) or by
    an API that is known to log batches (`openai`, without its full_valid_loss).
    """
    points = [point for point in run.evals if point.finite and point.step is not None]
    if len(points) < FEWEST:
        return run
    steps = [float(point.step or 0) for point in points]
    spacing = statistics.median(np.diff(steps))
    losses = np.array([point.loss for point in points], dtype=np.float64)
    level = float(np.median(np.abs(losses)))
    second = np.diff(losses, 2)
    scatter = float(np.std(second)) / np.sqrt(6) / level if level > 0 else 0.0
    if scatter < NOISY or not (openai or spacing <= 1):
        return run
    return replace(run, evals=_window_means(points), declined=run.declined or PER_BATCH)


def _window_means(points: list[EvalPoint]) -> tuple[EvalPoint, ...]:
    width = max(FEWEST, len(points) // 20)
    starts = range(0, len(points) - width + 1, width)
    windows = [points[start : start + width] for start in starts]
    return tuple(EvalPoint(window[-1].step, window[-1].epoch, statistics.fmean(point.loss or 0.0 for point in window)) for window in windows)
