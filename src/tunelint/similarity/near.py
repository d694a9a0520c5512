"""Near duplicates within one set of texts, and near matches of one set in another: the front of this room.

The similarity of a pair is the Jaccard similarity of its shingle sets without template text. Where that falls below the
threshold, a pair still counts when the whole texts reach it and their answers alone (of 8 words or more each) reach it
too; its similarity is then that of the whole texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunelint.errors import TunelintError
from tunelint.similarity import join, minhash
from tunelint.similarity.clusters import Clusters, connected_components, most_similar_earlier
from tunelint.similarity.columns import Hashes, Indices, Ragged, row_digests
from tunelint.similarity.join import Pairs, Postings
from tunelint.similarity.templates import discounted

Engine = Literal["auto", "exact", "sketch"]

ANSWER_WORDS = 8
LOWEST, HIGHEST = 0.5, 0.95
MOST_VISITS = 2_000_000_000  # meetings of rows in inverted lists: beyond this a join takes minutes

FEW_VISITS = 100  # per row: a join that costs less than another preparation


@dataclass(frozen=True)
class Texts:
    """What is compared of a set of texts: `whole` shingle sets, `core` without template text; for records also the
    shingle sets of their answers and which answers are long enough to decide (both None for bare prompts)."""

    whole: Ragged
    core: Ragged
    answers: Ragged | None = None
    long_answer: NDArray[np.bool_] | None = None

    @staticmethod
    def of(whole: Ragged, template: Hashes, answers: Ragged | None = None, answer_words: Indices | None = None) -> Texts:
        """Leave the template text out. `answer_words` (rows,) counts the words of each answer."""
        long_answer = None if answer_words is None else answer_words >= ANSWER_WORDS
        return Texts(whole, discounted(whole, template), answers, long_answer)

    @cached_property
    def shortened(self) -> NDArray[np.bool_]:
        """Which texts lost template text, shape (rows,)."""
        return self.core.lengths < self.whole.lengths


@dataclass(frozen=True)
class Matches:
    """The partners in train of each eval row: `of(row)` gives them, best first; `exact` as in Clusters."""

    pairs: Pairs
    eval_group: Indices
    members: Ragged
    exact: bool

    @property
    def matched(self) -> Indices:
        """The eval rows with at least one partner, in order."""
        return np.flatnonzero(np.isin(self.eval_group, self.pairs.left))

    def of(self, row: int) -> tuple[Indices, NDArray[np.float64]]:
        """Train rows at or above the threshold, the most similar first, then by row, and their similarities."""
        group = self.eval_group[row]
        begin, end = np.searchsorted(self.pairs.left, [group, group + 1])
        found = [self.members.row(right).astype(np.int64) for right in self.pairs.right[begin:end]]
        if not found:
            return np.empty(0, np.int64), np.empty(0)
        rows = np.concatenate(found)
        score = np.repeat(self.pairs.score[begin:end], [len(part) for part in found])
        order = np.lexsort((rows, -score))
        return rows[order], score[order]


def near_duplicates(texts: Texts, threshold: float, *, engine: Engine = "auto", compiled: bool | None = None) -> Clusters:
    """Clusters of texts whose similarity is at least `threshold` (0.5 to 0.95). Exact copies are best left out before.

    `engine` "exact" joins, "sketch" finds candidates by MinHash, "auto" joins unless too many rows would meet. Every
    pair is verified either way. Texts without a word are in no cluster. Raises TunelintError for another threshold.
    """
    _check(threshold)
    rows = len(texts.whole)
    group, lead = _groups(texts)
    leads = _mask(lead, rows)
    pairs, exact = similar_pairs(texts, None, threshold, engine, compiled, leads)
    copies = np.flatnonzero(~leads & (texts.whole.lengths > 0))
    left = np.concatenate((pairs.left, lead[group[copies]]))
    right = np.concatenate((pairs.right, copies))
    score = np.concatenate((pairs.score, np.ones(len(copies))))
    first = connected_components(rows, left, right)
    partner, similarity = most_similar_earlier(rows, left, right, score)
    as_similar = copies[similarity[lead[group[copies]]] == 1.0]  # to a row before the one that they are copies of
    partner[as_similar] = partner[lead[group[as_similar]]]
    later = np.flatnonzero(first != np.arange(rows))
    first_score = np.full(rows, np.nan)
    first_score[later] = _similarities(texts, texts, first[later], later, threshold, compiled)
    return Clusters(first, partner, similarity, first_score, exact)


def near_matches(evals: Texts, train: Texts, threshold: float, *, engine: Engine = "auto", compiled: bool | None = None) -> Matches:
    """The train texts that are similar to each eval text at `threshold` (0.5 to 0.95) or above: see near_duplicates."""
    _check(threshold)
    eval_group, eval_lead = _groups(evals)
    train_group, train_lead = _groups(train)
    leads = np.concatenate((_mask(eval_lead, len(evals.whole)), _mask(train_lead, len(train.whole))))
    rows, exact = similar_pairs(evals, train, threshold, engine, compiled, leads)
    pairs = Pairs(eval_group[rows.left], train_group[rows.right], rows.score)  # groups go by their first rows: sorted still
    order = np.argsort(train_group, kind="stable")
    offsets = np.searchsorted(train_group[order], np.arange(len(train_lead) + 1)).astype(np.int64)
    return Matches(pairs, eval_group, Ragged(order.astype(np.uint64), offsets), exact)


def similar_pairs(
    a: Texts, b: Texts | None, threshold: float, engine: Engine, compiled: bool | None = None, among: NDArray[np.bool_] | None = None
) -> tuple[Pairs, bool]:
    """All pairs (left, right, similarity) within `a`, or of `a` with `b`, and whether none can be missing.

    `among`, shape (rows of a and then of b,), says which rows take part (default: all). Copying them out instead would
    take as much memory again as all shingles.
    """
    first = None if b is None else len(a.whole)
    among = np.ones(len(a.whole) + (0 if b is None else len(b.whole)), dtype=bool) if among is None else among
    core, exact = _carried_out(_concatenated(a, b), None, among, first, threshold, engine, compiled)
    rescued, also_exact = _rescued(a, b, among, threshold, engine, compiled)
    if not len(rescued.left):
        return core, exact and also_exact
    width = max(len(a.core) if b is None else len(b.core), 1)
    new = ~np.isin(rescued.left * width + rescued.right, core.left * width + core.right)
    left, right, score = (np.concatenate((old, more[new])) for old, more in zip(core, rescued, strict=True))
    order = np.lexsort((right, left))
    return Pairs(left[order], right[order], score[order]), exact and also_exact


def _carried_out(
    rows: Ragged,
    prepared: Postings | None,
    among: NDArray[np.bool_],
    first: int | None,
    threshold: float,
    engine: Engine,
    compiled: bool | None,
) -> tuple[Pairs, bool]:
    if engine != "sketch":
        prepared = prepared or join.prepare(rows, threshold, first, compiled, among)
        if engine == "exact" or prepared.visits <= MOST_VISITS:
            return _renumbered(join.run(prepared, compiled=compiled), first), True
    kept = np.flatnonzero(among)
    left, right = minhash.candidate_pairs(rows.only(among), threshold, None if first is None else int(np.sum(among[:first])))
    left, right = kept[left], kept[right]
    score = join.similarities(rows, rows, left, right, compiled=compiled)
    good = score >= threshold
    return _renumbered(Pairs(left[good], right[good], score[good]), first), False


def _rescued(a: Texts, b: Texts | None, among: NDArray[np.bool_], threshold: float, engine: Engine, compiled: bool | None) -> tuple[Pairs, bool]:
    """Pairs that reach the threshold as whole texts and by their answers; scored as whole texts."""
    nothing = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    sides = [a] if b is None else [a, b]
    if any(side.answers is None or side.long_answer is None for side in sides):
        return nothing, True
    if not any(side.shortened.any() for side in sides):
        return nothing, True
    parts = [among] if b is None else [among[: len(a.whole)], among[len(a.whole) :]]
    kept = [np.flatnonzero(side.long_answer & part) for side, part in zip(sides, parts, strict=True)]  # type: ignore[operator]
    first = None if b is None else len(kept[0])
    whole = Ragged.concatenate([side.whole.take(rows) for side, rows in zip(sides, kept, strict=True)])
    answers = Ragged.concatenate([side.answers.take(rows) for side, rows in zip(sides, kept, strict=True)])  # type: ignore[union-attr]
    # Both measures must reach the threshold, so either may look for candidates: answers, unless they are much alike.
    finder, other = answers, whole
    everyone = np.ones(len(finder), dtype=bool)
    prepared = join.prepare(finder, threshold, first, compiled)
    if prepared.visits > FEW_VISITS * len(whole):
        by_whole = join.prepare(whole, threshold, first, compiled)
        if by_whole.visits < prepared.visits:
            finder, other, prepared = whole, answers, by_whole
    pairs, exact = _carried_out(finder, prepared, everyone, first, threshold, engine, compiled)
    shift = 0 if first is None else first
    right = pairs.right + shift
    other_score = join.similarities(other, other, pairs.left, right, compiled=compiled)
    left_rows, right_rows = kept[0][pairs.left], kept[-1][pairs.right]
    good = (other_score >= threshold) & (sides[0].shortened[left_rows] | sides[-1].shortened[right_rows])
    score = pairs.score if finder is whole else other_score
    return Pairs(left_rows[good], right_rows[good], score[good]), exact


def _similarities(a: Texts, b: Texts, left: Indices, right: Indices, threshold: float, compiled: bool | None) -> NDArray[np.float64]:
    """The similarity of given pairs by the same definition, also below the threshold."""
    score = join.similarities(a.core, b.core, left, right, compiled=compiled)
    if a.answers is None or b.answers is None or a.long_answer is None or b.long_answer is None:
        return score
    doubtful = np.flatnonzero((score < threshold) & a.long_answer[left] & b.long_answer[right])
    left, right = left[doubtful], right[doubtful]
    whole = join.similarities(a.whole, b.whole, left, right, compiled=compiled)
    answers = join.similarities(a.answers, b.answers, left, right, compiled=compiled)
    rescued = (whole >= threshold) & (answers >= threshold)
    score[doubtful[rescued]] = whole[rescued]
    return score


def _groups(texts: Texts) -> tuple[Indices, Indices]:
    """Texts with the same shingles (and answers) as one: the group of each row, and the first row of each group."""
    digests = row_digests(texts.whole, ordered=False)
    if texts.answers is not None:
        both = np.stack((digests, row_digests(texts.answers, ordered=False)), axis=1).reshape(-1)
        digests = row_digests(Ragged(both, 2 * np.arange(len(digests) + 1)))
    _, lead, group = np.unique(digests, return_index=True, return_inverse=True)
    order = np.argsort(lead)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[group], lead[order]


def _mask(rows: Indices, size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask


def _concatenated(a: Texts, b: Texts | None) -> Ragged:
    return a.core if b is None else Ragged.concatenate([a.core, b.core])


def _renumbered(pairs: Pairs, first: int | None) -> Pairs:
    return pairs if first is None else join.split_pairs(pairs, first)


def _check(threshold: float) -> None:
    if not LOWEST <= threshold <= HIGHEST:
        raise TunelintError(f"a similarity threshold must lie between {LOWEST} and {HIGHEST}, not {threshold}")
