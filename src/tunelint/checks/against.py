"""Records that stand in data outside this run: an existing train set or a benchmark, as an index (`--against`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunelint.checks.hit import Hit, Outside
from tunelint.checks.near import Rows, answer_shingles, prompt_shingles, threshold_of, whole_shingles
from tunelint.checks.survey import Survey, needs
from tunelint.index import Index
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Indices, Ragged
from tunelint.similarity.join import overlaps
from tunelint.similarity.near import Texts, near_matches
from tunelint.similarity.shingles import SHINGLE_WORDS
from tunelint.similarity.templates import template_values

_MOST_PARTNERS = 20
EXACT, NEAR, PROMPT, NEAR_PROMPT, CONTAINED = "exact", "near", "prompt", "near prompt", "contained"
_RULES = {EXACT: "exact-leak", NEAR: "near-leak", PROMPT: "shared-prompt", NEAR_PROMPT: "near-leak"}
_WORDS = {
    EXACT: "Record stands in", NEAR: "Record nearly stands in", PROMPT: "Prompt stands in", NEAR_PROMPT: "Prompt nearly stands in",
    CONTAINED: "Record contains a question of",
}  # fmt: skip

Pairs = dict[int, tuple[list[int], list[float]]]


@dataclass(frozen=True, slots=True)
class Match:
    """A record's partners in an index, best first, by the first of the measures that holds."""

    kind: str
    partners: list[int]
    scores: list[float]


def outside_hits(survey: Survey, rule: str) -> Iterator[Hit]:
    """Yield the hits of exact-leak, shared-prompt or near-leak against data that is no benchmark: at every record of the run."""
    for index in survey.extras.get("against", ()):
        if index.benchmark is not None:
            continue
        key = f"against {index.path}"
        if key not in survey.extras:
            kinds = [kind for kind, name in _RULES.items() if name in survey.extras["rules"]]
            options = survey.extras["options"].get("near-leak", {"threshold": 0.8})
            survey.extras[key] = matches(survey, index, kinds, threshold_of(options))
        for at, match in survey.extras[key].items():
            if _RULES[match.kind] == rule:
                yield _hit(at, match, index)


@needs("copy", "prompt", "prompt-words", "answer-words")
def benchmark_contamination(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK007: the record stands in a benchmark, whole or nearly, or contains one of its questions."""
    for index in survey.extras.get("against", ()):
        if index.benchmark is not None:
            found = matches(survey, index, [EXACT, NEAR, PROMPT, NEAR_PROMPT, CONTAINED], threshold_of(options), options["words"])
            for at, match in found.items():
                yield _hit(at, match, index)


def _hit(at: int, match: Match, index: Index) -> Hit:
    best = match.partners[0]
    alike = "" if match.kind in (EXACT, PROMPT) else f", {match.scores[0]:.0%} alike"
    more = f" and {len(match.partners) - 1:,} more" if len(match.partners) > 1 else ""
    name = f"{index.benchmark} ({index.place(best)})" if index.benchmark is not None else index.place(best)
    related = tuple(_outside(index, *pair) for pair in zip(match.partners[:_MOST_PARTNERS], match.scores, strict=False))
    return Hit(f"{_WORDS[match.kind]} {name}{alike}{more}.", at=at, score=match.scores[0], outside=related, details={"partners": []})


def _outside(index: Index, row: int, score: float) -> Outside:
    digest = "".join(f"{int(part):016x}" for part in index.record[row])
    if index.benchmark is not None:
        return Outside(index.path, None, digest, score)
    return Outside(index.files[int(index.file[row])], int(index.line[row]) or None, digest, score, int(index.row[row]))


def matches(survey: Survey, index: Index, kinds: list[str], threshold: float, least: int = 0) -> dict[int, Match]:
    """Return the matches of all records of the run, by survey index, each by the first of `kinds` that holds.

    Template text is what more than a fifth of the run's and the index's records share. `least` is the number of words
    from which on a question counts as contained.
    """
    left = np.arange(len(survey), dtype=np.int64)
    found: dict[int, Match] = {}
    for kind in kinds:
        if not len(left) or not len(index):
            break
        claimed = _measured(survey, index, left, kind, threshold, least)
        found.update({at: Match(kind, *pair) for at, pair in claimed.items()})
        left = left[~np.isin(left, list(claimed))]
    return found


def _measured(survey: Survey, index: Index, rows: Rows, kind: str, threshold: float, least: int) -> Pairs:
    if kind == EXACT:
        return _equal(rows, _joined(survey.column("copy")[rows]), _joined(index.copy))
    if kind == PROMPT:
        return _equal(rows, survey.column("prompt")[rows], index.prompt)
    if kind == CONTAINED:
        return _contained(rows, whole_shingles(survey, rows), index.prompts, threshold, least)
    every = np.arange(len(survey), dtype=np.int64)
    if kind == NEAR:
        template = template_values(Batches((index.whole, whole_shingles(survey, every))))
        words = survey.words("answer-words").lengths[rows]
        here = Texts.of(whole_shingles(survey, rows), template, answer_shingles(survey, rows), words)
        there = Texts.of(index.whole, template, index.answers, index.answer_words)
    else:
        template = template_values(Batches((index.prompts, prompt_shingles(survey, every))))
        here, there = Texts.of(prompt_shingles(survey, rows), template), Texts.of(index.prompts, template)
    matched = near_matches(here, there, threshold)
    found: Pairs = {}
    for position in matched.matched.tolist():
        partners, scores = matched.of(position)
        if len(partners):
            found[int(rows[position])] = partners.tolist(), [round(float(score), 4) for score in scores]
    return found


def _joined(digests: Any) -> Any:
    return np.ascontiguousarray(digests).view([("a", "u8"), ("b", "u8")]).reshape(-1)


def _equal(rows: Rows, here: Any, there: Any) -> Pairs:
    """Return the rows of the index with the same value, 0 aside."""
    shared = np.intersect1d(here, there)
    if here.dtype == np.uint64:
        shared = shared[shared != 0]
    partners: dict[Any, list[int]] = {}
    for index in np.flatnonzero(np.isin(there, shared)).tolist():
        partners.setdefault(there[index].item(), []).append(index)
    found = {}
    for position in np.flatnonzero(np.isin(here, shared)).tolist():
        same = partners[here[position].item()]
        found[int(rows[position])] = same, [1.0] * min(len(same), _MOST_PARTNERS)
    return found


def _contained(rows: Rows, here: Ragged, there: Ragged, threshold: float, least: int) -> Pairs:
    """Return the rows of the index whose share of shingles that occur in ours reaches the threshold.

    Exact: a set of n shingles of which t * n are found has one of any (1 - t) * n + 1 among them; the rarest are looked up.
    """
    kept = np.flatnonzero(there.lengths >= max(least - SHINGLE_WORDS + 1, 1))
    questions = there.take(kept)
    if not len(questions) or not len(here.values):
        return {}
    values, place, counts = np.unique(questions.values, return_inverse=True, return_counts=True)
    usual = counts + np.bincount(np.searchsorted(values, here.values[np.isin(here.values, values)]), minlength=len(values))
    order = np.lexsort((usual[place.reshape(-1)], questions.row_numbers))
    rank = np.arange(len(order)) - np.repeat(questions.offsets[:-1], questions.lengths)
    looked_up = np.floor((1 - threshold) * questions.lengths + 1e-9).astype(np.int64) + 1
    chosen = order[rank < np.repeat(looked_up, questions.lengths)]
    left, right = _meetings(questions.values[chosen], questions.row_numbers[chosen], here)
    common = overlaps(questions, here, left, right)
    score = common / questions.lengths[left]
    found: Pairs = {}
    for at in np.lexsort((left, -score, right)).tolist():
        if score[at] >= threshold:
            partners, scores = found.setdefault(int(rows[right[at]]), ([], []))
            partners.append(int(kept[left[at]]))
            scores.append(round(float(score[at]), 4))
    return found


def _meetings(values: Any, owners: Indices, here: Ragged) -> tuple[Indices, Indices]:
    """Return the distinct pairs (owner, row of ours) that have one of the values in common."""
    order = np.argsort(values, kind="stable")
    values, owners = values[order], owners[order]
    hit = np.flatnonzero(np.isin(here.values, values))
    begin, end = np.searchsorted(values, here.values[hit], "left"), np.searchsorted(values, here.values[hit], "right")
    lengths = end - begin
    starts = np.repeat(begin - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    left = owners[starts + np.arange(int(lengths.sum()))]
    right = np.repeat(here.row_numbers[hit], lengths)
    pairs = np.unique(np.stack((left, right)), axis=1)
    return pairs[0], pairs[1]
