"""A cut-off that a pair of files sets itself: the false-discovery rate, with the runners-up as what chance can do.

Each eval record has a score for its nearest train record and one for the runner-up. A runner-up is no leak of that record
(but for records leaked twice), so the runners-up of records that stand out, and the nearest of those that do not, show
what scores come by chance. The tail beyond the data is taken as exponential (Pickands 1975: excesses over a high
threshold), and the lowest cut-off is taken at which the share of chance among what is reported is still at most `rate`
(Storey, Tibshirani 2003, "Statistical significance for genomewide studies").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

START, FAR = 0.9, 0.98  # quantiles between which the tail's scale is read; the last 2 % may be leaks themselves
ROUNDS = 3


def cut_off(score: Scores, runner_up: Scores, rate: float) -> float:
    """The lowest score at which at most `rate` of the rows that reach it are expected to be chance; infinity for none.

    `score` and `runner_up` have shape (rows,), at least one row. The first round takes the runners-up alone as chance,
    which is too mild where leaks are few; two more rounds put that right.
    """
    chance, clean = runner_up, 1.0
    lowest = np.inf
    for _ in range(ROUNDS):
        lowest = _lowest(score, chance, clean, rate)
        flagged = score >= lowest
        chance, clean = np.where(flagged, runner_up, score), 1.0 - float(flagged.mean())
    return float(lowest)


def _lowest(score: Scores, chance: Scores, clean: float, rate: float) -> float:
    at = np.sort(score)[::-1]
    expected = clean * len(score) * survival(chance, at)
    good = np.flatnonzero(expected <= rate * np.arange(1, len(at) + 1))
    return float(at[good[-1]]) if len(good) else np.inf


def survival(sample: Scores, at: Scores) -> Scores:
    """The chance that a value of the sample's kind reaches `at`: as counted up to its 90 % quantile, then exponential."""
    start, far = np.quantile(sample, [START, FAR])
    scale = max((far - start) / np.log((1 - START) / (1 - FAR)), 1e-6)
    counted = 1 - np.searchsorted(np.sort(sample), at) / len(sample)
    tail: Scores = (1 - START) * np.exp(-np.maximum(at - start, 0) / scale)
    return np.where(at > start, tail, counted)
