"""Which eval is the best by its loss, where the rows say how far two evals can be told apart.

The lowest of many noisy losses is partly luck, and a lucky dip stands alone. So where the difference of two evals on
the same rows is known, a checkpoint that is level with the lowest (within one standard error) and lies in a lower
stretch of the curve is preferred to it. Without such rows nothing is known about the noise of one point, and the
lowest loss it is.
"""

from __future__ import annotations

import math

import numpy as np

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.diagnosis.rows import matching_losses
from tunelint.curves.diagnosis.series import Series
from tunelint.curves.run import Run


def pick_by_loss(run: Run, series: Series) -> int:
    """Return the index into the series of the checkpoint to keep as far as the loss goes."""
    if len(series) < 3:
        return series.best
    stretch = int(np.argmin(_with_neighbours(series.loss)))
    if stretch == series.best:
        return stretch
    error = _standard_error(run, series, series.best, stretch)
    if error is not None and series.loss[stretch] - series.loss[series.best] <= error:
        return stretch
    return series.best


def _with_neighbours(loss: Floats) -> Floats:
    """Return the mean of each point with its two neighbours; the ends, with one, stay (a straight line is unchanged)."""
    mean = loss.copy()
    mean[1:-1] = (loss[:-2] + loss[1:-1] + loss[2:]) / 3
    return mean


def _standard_error(run: Run, series: Series, first: int, second: int) -> float | None:
    """Return the standard error of the difference of two evals on the same rows, None where no rows tell."""
    rows = matching_losses(run, series)
    if rows is not None:
        losses, share = rows
        difference = losses[second] - losses[first]
        n = len(share)
        mean = float(difference @ share)
        return math.sqrt(float(np.sum(share**2 * (difference - mean) ** 2)) * n / (n - 1))
    spread = run.paired_se_to_last
    if spread is None or len(spread) != len(run.evals):
        return None
    # The log has the errors of the differences to the last eval only. The weights drift on from eval to eval, and so
    # does the loss of a row: what two evals share of the way to the last one cancels in their difference.
    a, b = spread[int(series.index[first])], spread[int(series.index[second])]
    return math.sqrt(abs(a * a - b * b))
