"""How far texts stand out beside their nearest train texts, measured for eval texts and for some train texts alike.

The train texts, each compared with the rest of train, are the background: what is usual among texts that are no leaks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tunelint.similarity import join
from tunelint.similarity.columns import Indices, Ragged, row_digests
from tunelint.similarity.lexical import Comparison, Embed, Scores, nearest
from tunelint.similarity.numerals import agreement
from tunelint.similarity.shingles import shingles

TextsOf = Callable[[Indices], Sequence[str]]

CANDIDATES = 32
NEXT = 5
OTHERS = 8
BACKGROUND = 256
AS_GOOD = 0.9  # a candidate this near to the best is named as a partner too
# A train text is kin to the best candidate of a row if it is KIN similar to that one and KIN_OWN to the row, or OWN_KIN to the row
# alone, and KIN_MORE than candidates of a lower rank are; as many as FAMILY of them are a template.
KIN, KIN_OWN, OWN_KIN, KIN_MORE = 0.5, 0.4, 0.6, 0.2
FAMILY, USUAL = 5, 3
ALIKE = 0.03  # wording that train texts share with the next five where most were made from templates; elsewhere it is 0
FEW, ALIKE_FEW = 100, 0.2  # among so few train texts, the best of a quarter of them is asked instead
TWIN = 0.8  # wording of which two train texts are copies of each other and say nothing about others


class Ranked:
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


@dataclass(frozen=True)
class Standing:
    """The candidates of each row by weighted similarity, and, of the best and of the runner-up (2, rows): `margins`, the
    margin over the next train texts plus that over the next eval text, and `agree`, the agreement of the numbers."""

    ranked: Ranked
    margins: Scores
    agree: Scores


class Neighbours:
    """The nearest train texts of each eval text (`own`, word hashes without template text) and of a sample of train.

    `by_wording` and `usual_wording` rank them by the Jaccard similarity of shingles, `by_share` by the share of the eval
    text's shingles that they hold; that needs no text.
    """

    def __init__(self, own: Ragged, train: Ragged, least_words: int) -> None:
        self.own, self.train = own, train
        self.index, _ = nearest(own, train, CANDIDATES)
        long_enough = np.flatnonzero(train.lengths >= least_words)
        # By hash, so that the sample does not depend on the order of the rows.
        self.sample = np.sort(long_enough[np.argsort(row_digests(train.take(long_enough)), kind="stable")[:BACKGROUND]])
        again, _ = nearest(train.take(self.sample), train, CANDIDATES + 1)
        again[again == self.sample[:, None]] = -1
        named = np.unique(np.concatenate((self.index.ravel(), again.ravel(), [-1])))[1:]
        of_named = shingles(train.take(named))

        def held(rows: Ragged, index: Indices) -> tuple[Scores, Scores]:
            of_rows, there = shingles(rows), np.searchsorted(named, index)
            common = measured(index, there, lambda row, other: join.overlaps(of_rows, of_named, row, other).astype(np.float64))
            size, other_size = of_rows.lengths[:, None], np.append(of_named.lengths, 0)[there]
            return common / np.maximum(size + other_size - common, 1), common / np.maximum(size, 1)

        wording, share = held(own, self.index)
        self.by_wording, self.by_share = Ranked(self.index, wording), Ranked(self.index, share)
        alike, _ = held(train.take(self.sample), again)
        self.sample_index = np.where(alike < TWIN, again, -1)
        self.usual_wording = Ranked(self.sample_index, np.where(alike < TWIN, alike, 0))

    @property
    def made_from_templates(self) -> bool:
        """Whether it is usual in train to be like several others."""
        wording = self.usual_wording.values
        if len(wording) < FEW:
            return len(wording) > 0 and bool(np.quantile(wording[:, 0], 0.75) >= ALIKE_FEW)
        return bool(np.median(wording[:, 1 : 1 + NEXT].mean(axis=1)) >= ALIKE)

    def compared(self, eval_texts: TextsOf, train_texts: TextsOf, rows: Indices, background: bool, embed: Embed | None) -> Compared:
        """Read the texts that are to be compared: of the eval rows, and of their candidates; with `background`, of the
        sample and its candidates too."""
        wanted = [self.index.ravel(), *([self.sample, self.sample_index.ravel()] if background else []), np.array([-1])]
        return Compared(self, np.unique(np.concatenate(wanted))[1:], eval_texts(rows), train_texts, embed)


class Compared:
    """The weighted similarities of the texts that were read: `seen` are the train rows among them."""

    def __init__(self, neighbours: Neighbours, seen: Indices, eval_texts: Sequence[str], train_texts: TextsOf, embed: Embed | None) -> None:
        self._all, self._seen = neighbours, seen
        self.texts = Comparison([*eval_texts, *train_texts(seen)], embed)

    def place(self, train: Indices) -> Indices:
        """Where train rows stand among the compared texts."""
        return len(self._all.own) + np.searchsorted(self._seen, train)

    def of_evals(self) -> Standing:
        """How the eval texts stand out."""
        return self._standing(np.arange(len(self._all.own)), self._all.index, True)

    def of_background(self) -> Standing:
        """How the sampled train texts would, were they eval texts."""
        return self._standing(self.place(self._all.sample), self._all.sample_index, False)

    def _standing(self, here: Indices, index: Indices, are_evals: bool) -> Standing:
        there = self.place(index)
        ranked = Ranked(index, measured(index, there, lambda row, other: self.texts.similarity(here[row], other)))
        apart = self._without_kin(here, ranked)
        margins = np.stack([self._margins(apart, rank, are_evals) for rank in (0, 1)])
        return Standing(ranked, margins, np.stack([self._agreements(here, apart.index[:, rank]) for rank in (0, 1)]))

    def _without_kin(self, here: Indices, ranked: Ranked) -> Ranked:
        """The candidates without those that say what the best one says.

        Where train holds a text in several wordings, the second would pass for what chance can do, and the best would not
        stand out. What was made from templates is left as it is: there the one word that differs is the question.
        """
        if self._all.made_from_templates:
            return ranked
        index = ranked.index[:, : FAMILY + 1 + USUAL]
        rows, ranks = np.nonzero((index[:, :1] >= 0) & (index >= 0))
        kin, own = np.zeros(index.shape), np.zeros(index.shape)
        candidate = self.place(index[rows, ranks])
        kin[rows, ranks] = self.texts.lexical(self.place(index[rows, 0]), candidate)
        own[rows, ranks] = self.texts.lexical(here[rows], candidate)
        usual, usual_own = (likeness[:, FAMILY + 1 :].mean(axis=1, keepdims=True) for likeness in (kin, own))
        same = (kin >= np.maximum(KIN, usual + KIN_MORE)) & (own >= KIN_OWN)
        same |= own >= np.maximum(OWN_KIN, usual_own + KIN_MORE)
        same[:, 0] = same[:, FAMILY + 1 :] = False
        same[same.sum(axis=1) == FAMILY] = False
        rows, ranks = np.nonzero(same)
        places, values = ranked.index.copy(), ranked.values.copy()
        places[rows, ranks], values[rows, ranks] = -1, 0
        return Ranked(places, values)

    def _margins(self, ranked: Ranked, rank: int, are_evals: bool) -> Scores:
        """Both margins of the candidate of this rank: over the next train texts, and over the next eval text."""
        partner = ranked.index[:, rank]
        found = np.flatnonzero(partner >= 0)
        others, _ = nearest(self._all.train.take(partner[found]), self._all.own, OTHERS)
        if are_evals:
            others[others == found[:, None]] = -1
        at = self.place(partner[found])
        again = np.zeros(len(partner))
        again[found] = measured(others, others, lambda row, other: self.texts.similarity(at[row], other)).max(axis=1, initial=0)
        return ranked.margin(rank) + ranked.values[:, rank] - again

    def _agreements(self, here: Indices, partner: Indices) -> Scores:
        numbers = self.texts.numbers
        pairs = zip(here.tolist(), self.place(partner).tolist(), (partner >= 0).tolist(), strict=True)
        return np.array([agreement(numbers[row], numbers[other]) if there else 0.0 for row, other, there in pairs])


def measured(index: Indices, there: Indices, measure: Callable[[Indices, Indices], Scores]) -> Scores:
    """A measure of every row with each of its candidates, 0 where there is none (index -1)."""
    rows, places = np.nonzero(index >= 0)
    values = np.zeros(index.shape)
    values[rows, places] = measure(rows, there[rows, places])
    return values
