"""The per-example eval losses of a run, lined up with its eval points."""

from __future__ import annotations

import numpy as np

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.diagnosis.series import Series
from tunelint.curves.run import Run


def matching_losses(run: Run, series: Series) -> tuple[Floats, Floats] | None:
    """Return losses (n, N) of the n evals of the series on N rows, and the rows' shares (N,) in the loss of the curve.

    None where there are no row losses, their steps are not those of the curve, or fewer than 2 rows are complete.
    """
    rows = run.eval_rows
    if rows is None:
        return None
    at = {float(step): place for place, step in enumerate(rows.at)}
    steps = [run.evals[int(i)].step for i in series.index]
    places = [at[float(step)] for step in steps if step is not None and float(step) in at]
    if len(places) < len(series):
        return None
    losses = rows.losses[places]
    whole = np.isfinite(losses).all(axis=0) & (rows.tokens > 0)
    losses, tokens = losses[:, whole], rows.tokens[whole].astype(np.float64)
    n = losses.shape[1]
    if n < 2:
        return None
    # The curve shows either a mean over rows or over tokens: judge the quantity that the curve shows.
    by_row, by_token = np.full(n, 1.0 / n), tokens / tokens.sum()
    row_gap = np.abs(losses @ by_row - series.loss).sum()
    token_gap = np.abs(losses @ by_token - series.loss).sum()
    return losses, by_row if row_gap <= token_gap else by_token
