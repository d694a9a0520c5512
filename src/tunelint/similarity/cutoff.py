"""A cut-off that a pair of files sets itself: the false-discovery rate, with the runners-up as what chance can do.

Each eval record has a score for its nearest train record and one for the runner-up. A runner-up is no leak of that record
(but for records leaked twice), so runners-up show what scores come by chance. Chance's best is above chance's second best,
though: over records that are no leaks, by a known factor (see ORDER). The tail beyond the data is taken as exponential
(Pickands 1975: excesses over a high threshold), and the lowest cut-off is taken at which the expected share of chance
among what is reported is still at most `rate` (Storey, Tibshirani 2003, "Statistical significance for genomewide studies").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

START, FAR = 0.96, 0.99  # quantiles between which the tail's scale is read; the last 1 % may be leaks themselves
ROUNDS = 3
# The largest of many values stands above the mean of the next five by sum(1/i), the second by the same sum without its
# first term, in units of the tail's scale (Renyi 1953, "On the theory of order statistics"): (1 + 3/2 + ... + 137/60) / 5
# over (1/2 + 5/6 + ... + 29/20) / 5.
ORDER = 1.69


def cut_off(score: Scores, runner_up: Scores, rate: float, asked: NDArray[np.bool_] | None = None) -> float:
    """The lowest score at which at most `rate` of the rows that reach it are expected to be chance; infinity for none.

    `score` and `runner_up` have shape (rows,), at least one row. A runner-up stands for chance's best where the best is a
    leak, for chance's second best elsewhere; the share of leaks is found in a few rounds, from none on. Rows for which
    `asked` (rows,) is false are leaks, are not reported, and count for their runners-up alone.
    """
    asked = np.ones(len(score), dtype=bool) if asked is None else asked
    own, clean, lowest = score[asked], 1.0, np.inf
    for _ in range(ROUNDS):
        chance = np.where((runner_up > 0) & asked, runner_up * (1 + (ORDER - 1) * clean), runner_up)
        lowest = _lowest(own, chance, clean, rate)
        clean = 1.0 - float((own >= lowest).mean())
    return float(lowest)


def cut_off_beside(score: Scores, background: Scores, rate: float) -> float:
    """The same for few rows, from (2, texts) scores of the best and of the runner-up of texts that are no leaks.

    Both are asked, and the higher cut-off is taken: the best of a text may itself say the same in other words.
    """
    best, second = background
    nulls = best, np.where(second > 0, second * ORDER, second)
    return float(max(_lowest(score, null, 1.0, rate) for null in nulls))


def _lowest(score: Scores, chance: Scores, clean: float, rate: float) -> float:
    at = np.sort(score)[::-1]
    expected = clean * len(score) * survival(chance, at)
    good = np.flatnonzero(expected <= rate * np.arange(1, len(at) + 1))
    return float(at[good[-1]]) if len(good) else np.inf


def survival(sample: Scores, at: Scores) -> Scores:
    """The chance that a value of the sample's kind reaches `at`: as counted up to its 96 % quantile, then exponential."""
    start, far = np.quantile(sample, [START, FAR])
    scale = max((far - start) / np.log((1 - START) / (1 - FAR)), 1e-6)
    counted = 1 - np.searchsorted(np.sort(sample), at) / len(sample)
    tail: Scores = (1 - START) * np.exp(-np.maximum(at - start, 0) / scale)
    return np.where(at > start, tail, counted)
