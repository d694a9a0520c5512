"""Reworded leaks: eval texts that a train text says in other words, found without a model or with a small one.

An absolute cut-off on similarity fails: what is usual differs from one pair of files to the next. So a text's nearest
train text is judged by how far it stands out (see `standing`). Its score is the sum of

- its margin over the mean of the next five train texts (a text leaked twice has an equal runner-up, so the runner-up alone
  will not do) and its margin over the eval text that is next most similar to that train text (is it about this one, or
  about any?): cross-domain similarity local scaling (Conneau et al. 2018, "Word translation without parallel data");
- how much better their numbers agree than those of runners-up do: rewordings keep the numbers.

The cut-off comes from the pair of files itself, see `cutoff`: from the runners-up of the eval texts, and, where there are
few of those, from train texts compared with the rest of train. Besides, a text whose wording is half that of a train text
(Jaccard similarity of shingles) and not of the next five is reported whatever its numbers say, unless train texts have
such neighbours in train too: then they were made from templates, whose words say nothing. So is a text that a longer train
text holds as it is, unless the next five do too: then it is a phrase.

The weights were chosen on the rephrased test sets of lm-sys/llm-decontaminator (Yang et al. 2023, "Rethinking Benchmark
and Contamination for Language Models with Rephrased Samples"); `benchmarks/reworded_leaks.py` prints what they reach, and
`benchmarks/template_sets.py` what is reported in clean sets made from templates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import Ragged
from tunelint.similarity.cutoff import cut_off, cut_off_beside
from tunelint.similarity.lexical import Embed, Scores
from tunelint.similarity.standing import NEXT, Neighbours, Ranked, Standing, TextsOf

RATE = 0.07
LEAST_WORDS = 3
LEAST_ROWS = 30  # fewer eval texts say too little about what is usual
LEAST_TRAIN = 20  # among fewer train texts, nothing is a neighbour's usual distance
LEAST_BACKGROUND = 40
NUMBERS = 2.0
USUAL = 0.95
SAME_WORDING, WORDING_MARGIN = 0.5, 0.3
INSIDE, INSIDE_WORDS = 0.95, 8  # share of the shingles of a text of so many words that one train text holds
TEMPLATES = 0.01  # of train texts with such a neighbour in train; clean sets of templates have 2 % and more


@dataclass(frozen=True)
class Reworded:
    """What was found: for each reported eval row (ascending) its train partners, best first, and their similarity of
    wording (0 to 1); `meanings` likewise, 0 without vectors; `inside` whether the row stands in the best of them as it is.
    `cut_off` is the score that a row had to reach, infinite where none stood out, `standing` (eval rows,) the score of
    each, -infinity for one that was not looked at."""

    rows: list[int]
    partners: list[list[int]]
    scores: list[list[float]]
    meanings: list[list[float]]
    inside: list[bool]
    cut_off: float
    standing: Scores


def reworded(
    evals: Ragged,
    train: Ragged,
    eval_texts: TextsOf,
    train_texts: TextsOf,
    rate: float = RATE,
    asked: NDArray[np.bool_] | None = None,
    embed: Embed | None = None,
) -> Reworded:
    """Eval texts that train says in other words, so many that at most `rate` of them are expected to be chance.

    `evals` and `train` are word hashes without template text; the callables give the texts of the rows asked for, again
    without template text. Only candidates are asked for, some 30 per eval row at most. Rows for which `asked` (eval rows,)
    is false are known to be leaks: they are not reported and do not make others look like fewer of many. With `embed`, the
    cosine of the texts' vectors counts too.
    """
    rows = np.flatnonzero(evals.lengths >= LEAST_WORDS)
    standing = np.full(len(evals), -np.inf)
    wanted = np.ones(len(rows), dtype=bool) if asked is None else asked[rows]
    if not wanted.any() or (train.lengths > 0).sum() < LEAST_TRAIN:
        return Reworded([], [], [], [], [], np.inf, standing)
    neighbours = Neighbours(evals.take(rows), train, LEAST_WORDS)
    if not (neighbours.index >= 0).any():
        return Reworded([], [], [], [], [], np.inf, standing)
    few = len(rows) < LEAST_ROWS
    compared = neighbours.compared(eval_texts, train_texts, rows, few, embed)
    own = compared.of_evals()
    if few:
        background = compared.of_background()
        score, usual = _scores([own, background])
        lowest = np.inf
        if len(neighbours.sample) >= LEAST_BACKGROUND:
            lowest = cut_off_beside(score[0][wanted], usual, rate)
    else:
        (score,) = _scores([own])
        lowest = cut_off(score[0], score[1], rate, wanted)
    standing[rows] = score[0]
    stands_out = (score[0] >= lowest) & (score[0] > 0)  # where nearly all are leaks, nothing is expected of chance
    same = _same_wording(neighbours.by_wording)
    if _same_wording(neighbours.usual_wording).sum() > TEMPLATES * len(neighbours.sample):
        same[:] = False
    inside = _inside(neighbours)
    reported = np.flatnonzero((stands_out | same | inside) & wanted).tolist()
    ranks = (neighbours.by_share if inside[row] else own.ranked if stands_out[row] else neighbours.by_wording for row in reported)
    partners = [ranked.as_good_as_best(row) for ranked, row in zip(ranks, reported, strict=True)]
    pairs = [(np.full(len(named), row), compared.place(named)) for row, named in zip(reported, partners, strict=True)]
    scores, meanings = ([measure(*pair).tolist() for pair in pairs] for measure in (compared.texts.wording, compared.texts.meaning))
    places = [named.tolist() for named in partners]
    return Reworded(rows[reported].tolist(), places, scores, meanings, inside[reported].tolist(), lowest, standing)


def _scores(standings: list[Standing]) -> list[Scores]:
    """Margins and what the numbers add, of the best and of the runner-up of each row (2, rows)."""
    runners_up = np.concatenate([standing.agree[1] for standing in standings])
    usual = min(float(np.quantile(runners_up, USUAL)), 0.99)
    return [standing.margins + NUMBERS * np.clip((standing.agree - usual) / (1 - usual), 0, 1) for standing in standings]


def _inside(neighbours: Neighbours) -> NDArray[np.bool_]:
    """Texts of some words that stand in a train text as they are, and not in all of the next five: that were a phrase."""
    held = neighbours.by_share.values
    inside: NDArray[np.bool_] = (held[:, 0] >= INSIDE) & (held[:, NEXT] < INSIDE) & (neighbours.own.lengths >= INSIDE_WORDS)
    return inside


def _same_wording(ranked: Ranked) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (ranked.values[:, 0] >= SAME_WORDING) & (ranked.margin(0) >= WORDING_MARGIN)
    return same
