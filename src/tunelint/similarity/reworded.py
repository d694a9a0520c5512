"""Reworded leaks: eval texts that a train text says in other words, found without a model.

An absolute cut-off on similarity fails: what is usual differs from one pair of files to the next. So a text's nearest
train text is judged by how far it stands out. Its score is the sum of

- its margin over the mean of the next five train texts (a text leaked twice has an equal runner-up, so the runner-up alone
  will not do) and its margin over the eval text that is next most similar to that train text (is it about this one, or
  about any?): cross-domain similarity local scaling (Conneau et al. 2018, "Word translation without parallel data");
- how much better their numbers agree than those of runners-up do: rewordings keep the numbers.

The cut-off comes from the pair of files itself, see `cutoff`. Besides, a text whose wording is half that of a train text
(Jaccard similarity of shingles) and not of the next five is reported whatever its numbers say.

The weights were chosen on the rephrased test sets of lm-sys/llm-decontaminator (Yang et al. 2023, "Rethinking Benchmark
and Contamination for Language Models with Rephrased Samples"); `benchmarks/reworded_leaks.py` prints what they reach.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tunelint.similarity import join
from tunelint.similarity.columns import Indices, Ragged
from tunelint.similarity.cutoff import cut_off
from tunelint.similarity.lexical import Comparison, Scores, nearest
from tunelint.similarity.numerals import agreement
from tunelint.similarity.shingles import shingles

TextsOf = Callable[[Indices], Sequence[str]]

RATE = 0.07
CANDIDATES = 32
NEXT = 5
OTHERS = 8
LEAST_WORDS = 3
LEAST_ROWS = 30  # fewer eval texts say too little about what is usual
LEAST_TRAIN = 20  # among fewer train texts, nothing is a neighbour's usual distance
NUMBERS = 2.0
USUAL = 0.95
SAME_WORDING, WORDING_MARGIN = 0.5, 0.3
AS_GOOD = 0.9  # a candidate this near to the best is named as a partner too


@dataclass(frozen=True)
class Reworded:
    """What was found: for each reported eval row (ascending) its train partners, best first, and their similarity of
    wording (0 to 1). `cut_off` is the score that a row had to reach, infinite where none stood out, `standing` (eval
    rows,) the score of each, -infinity for one that was not looked at."""

    rows: list[int]
    partners: list[list[int]]
    scores: list[list[float]]
    cut_off: float
    standing: Scores


def reworded(evals: Ragged, train: Ragged, eval_texts: TextsOf, train_texts: TextsOf, rate: float = RATE) -> Reworded:
    """Eval texts that train says in other words, so many that at most `rate` of them are expected to be chance.

    `evals` and `train` are word hashes without template text; the callables give the texts of the rows asked for, again
    without template text. Only candidates are asked for, some 30 per eval row at most.
    """
    rows = np.flatnonzero(evals.lengths >= LEAST_WORDS)
    standing = np.full(len(evals), -np.inf)
    if not len(rows) or (train.lengths > 0).sum() < LEAST_TRAIN:
        return Reworded([], [], [], np.inf, standing)
    own = evals.take(rows)
    index, _ = nearest(own, train, CANDIDATES)
    seen = np.unique(index[index >= 0])
    if not len(seen):
        return Reworded([], [], [], np.inf, standing)
    compare = Comparison([*eval_texts(rows), *train_texts(seen)])
    there = len(rows) + np.searchsorted(seen, index)  # a candidate's place among the compared texts
    by_all = _Ranked(index, _measured(index, there, compare.similarity))
    score = np.stack([_score(by_all, rank, compare, own, train, len(rows), seen) for rank in (0, 1)])
    agree = np.stack([_agreements(by_all, rank, compare, len(rows), seen) for rank in (0, 1)])
    usual = min(float(np.quantile(agree[1], USUAL)), 0.99)
    score += NUMBERS * np.clip((agree - usual) / (1 - usual), 0, 1)
    standing[rows] = score[0]
    lowest = cut_off(score[0], score[1], rate) if len(rows) >= LEAST_ROWS else np.inf
    stands_out = score[0] >= lowest

    of_evals, of_train = shingles(own), shingles(train.take(seen))
    by_wording = _Ranked(index, _measured(index, there, lambda e, t: join.similarities(of_evals, of_train, e, t - len(rows))))
    same = (by_wording.values[:, 0] >= SAME_WORDING) & (by_wording.margin(0) >= WORDING_MARGIN)
    reported = np.flatnonzero(stands_out | same).tolist()
    partners = [(by_all if stands_out[row] else by_wording).as_good_as_best(row) for row in reported]
    scores = [
        compare.wording(np.full(len(named), row), len(rows) + np.searchsorted(seen, named)).tolist()
        for row, named in zip(reported, partners, strict=True)
    ]
    return Reworded(rows[reported].tolist(), [named.tolist() for named in partners], scores, lowest, standing)


class _Ranked:
    """The candidates of each row, best first: `index` train rows (-1 = none) and `values`, both (rows, candidates)."""

    def __init__(self, index: Indices, values: Scores) -> None:
        order = np.argsort(-values, axis=1, kind="stable")
        self.index, self.values = np.take_along_axis(index, order, 1), np.take_along_axis(values, order, 1)

    def margin(self, rank: int) -> Scores:
        """How far the candidate of this rank is above the mean of the next five."""
        margin: Scores = self.values[:, rank] - self.values[:, rank + 1 : rank + 1 + NEXT].mean(axis=1)
        return margin

    def as_good_as_best(self, row: int) -> Indices:
        """The best candidate of a row and those nearly as good."""
        good: Indices = self.index[row, (self.values[row] >= AS_GOOD * self.values[row, 0]) & (self.index[row] >= 0)]
        return good


def _measured(index: Indices, there: Indices, measure: Callable[[Indices, Indices], Scores]) -> Scores:
    """A measure of every row with each of its candidates, 0 where there is none."""
    rows, places = np.nonzero(index >= 0)
    values = np.zeros(index.shape)
    values[rows, places] = measure(rows, there[rows, places])
    return values


def _score(ranked: _Ranked, rank: int, compare: Comparison, evals: Ragged, train: Ragged, first: int, seen: Indices) -> Scores:
    """Both margins of the candidate of this rank: over the next train texts, and over the next eval text."""
    partner = ranked.index[:, rank]
    found = np.flatnonzero(partner >= 0)
    others, _ = nearest(train.take(partner[found]), evals, OTHERS)
    others[others == found[:, None]] = -1
    here = first + np.searchsorted(seen, partner[found])
    again = np.zeros(len(partner))
    again[found] = _measured(others, others, lambda row, other: compare.similarity(here[row], other)).max(axis=1, initial=0)
    return ranked.margin(rank) + ranked.values[:, rank] - again


def _agreements(ranked: _Ranked, rank: int, compare: Comparison, first: int, seen: Indices) -> Scores:
    """How well the numbers of each row and of its candidate of this rank agree."""
    there = first + np.searchsorted(seen, ranked.index[:, rank])
    return np.array(
        [
            agreement(compare.numbers[row], compare.numbers[place]) if partner >= 0 else 0.0
            for row, (partner, place) in enumerate(zip(ranked.index[:, rank], there, strict=True))
        ]
    )
