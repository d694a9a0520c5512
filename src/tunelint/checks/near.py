"""What the similarity rules compare: shingles of the survey's records, without template text, exact copies collapsed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.duplicates import Collapsed, collapsed, place
from tunelint.checks.hit import Edit, Hit, Partner
from tunelint.checks.near_apart import told_apart
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.record import Split
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Ragged
from tunelint.similarity.near import Matches, Texts, near_duplicates, near_matches
from tunelint.similarity.shingles import shingles
from tunelint.similarity.templates import template_values

Rows = NDArray[np.int64]
LOWEST, HIGHEST = 0.5, 0.95


def threshold_of(options: dict[str, Any]) -> float:
    """Return the rule's threshold, held inside the range that the search is built for."""
    return min(HIGHEST, max(LOWEST, float(options["threshold"])))


def prompt_shingles(survey: Survey, rows: Rows) -> Ragged:
    """Return the shingle sets of prompts."""
    return shingles(survey.words("prompt-words"), rows=rows)


def answer_shingles(survey: Survey, rows: Rows) -> Ragged:
    """Return the shingle sets of answers."""
    return shingles(survey.words("answer-words"), rows=rows)


def whole_shingles(survey: Survey, rows: Rows) -> Ragged:
    """Return the shingle sets of prompt and answer as one sequence."""
    return shingles(survey.words("prompt-words"), survey.words("answer-words"), rows=rows)


def record_texts(survey: Survey, rows: Rows, whole: Ragged, template: NDArray[np.uint64]) -> Texts:
    """Return what is compared of whole records."""
    if not len(template):  # answers are only looked at where whole records were cut
        return Texts.of(whole, template)
    words = survey.words("answer-words").lengths[rows]
    return Texts.of(whole, template, answer_shingles(survey, rows), words)


@needs("copy", "shape", "prompt-words", "answer-words")
def near_duplicate(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """DUP002: a record that is nearly an earlier one of the same split; one hit per record that is not its cluster's first."""
    threshold = threshold_of(options)
    splits: tuple[Split, ...] = ("train", "eval")
    for split in splits:
        kept = collapsed(survey, split)
        if len(kept.rows) < 2:
            continue
        whole = whole_shingles(survey, kept.rows)
        template = template_values(whole, kept.counts)
        clusters = near_duplicates(record_texts(survey, kept.rows, whole, template), threshold)
        sizes = clusters.sizes
        hits = [_hit(survey, kept.rows, clusters, position, int(sizes[position])) for position in clusters.later.tolist()]
        apart = told_apart(survey, [(hit.at, hit.related[0].index) for hit in hits if hit.at is not None])
        for hit in hits:
            what = apart.get(hit.at) if hit.at is not None else None
            yield hit if what is None else replace(hit, message=f"{hit.message[:-1]}, but for {what}.", severity=Severity.NOTE, edit=None)


def _hit(survey: Survey, rows: Rows, clusters: Any, position: int, size: int) -> Hit:
    first = int(clusters.first[position])
    partner = int(clusters.partner[position])
    score = float(clusters.score[position])
    related: list[Partner] = []
    if partner >= 0:
        related.append(Partner(int(rows[partner]), round(score, 4)))
    if first != partner:
        compared = float(clusters.first_score[position])
        related.append(Partner(int(rows[first]), None if np.isnan(compared) else round(compared, 4)))
    nearest = related[0]
    alike = f"{nearest.score:.0%} alike" if nearest.score is not None else "through other records"
    more = f", one of {size} such records" if size > 2 else ""
    return Hit(
        f"Record is nearly {place(survey, nearest.index)} ({alike}{more}).", at=int(rows[position]), score=nearest.score,
        related=tuple(related), edit=Edit("drop"), details={"cluster": size, "cluster_first": int(rows[first])},
    )  # fmt: skip


def matches_of(survey: Survey, evals: Rows, train: Collapsed, threshold: float, whole: bool) -> Matches:
    """Return the train partners of eval records, by prompt and answer (`whole`) or by the prompts alone.

    Template text is what more than a fifth of both splits' records share, exact copies counted.
    """
    read = whole_shingles if whole else prompt_shingles
    every = collapsed(survey, "eval")
    of_train, of_eval = read(survey, train.rows), read(survey, evals)
    both = Batches((of_train, read(survey, every.rows)))
    template = template_values(both, np.concatenate([train.counts, every.counts]))
    if whole:
        return near_matches(record_texts(survey, evals, of_eval, template), record_texts(survey, train.rows, of_train, template), threshold)
    return near_matches(Texts.of(of_eval, template), Texts.of(of_train, template), threshold)
