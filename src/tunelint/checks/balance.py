"""How the answers of the training data are spread: one that dominates, records in the order of their labels or lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.record import Split

_SPLITS: tuple[Split, ...] = ("train", "eval")


@needs("answer")
def dominant_answer(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE005: one answer in most records of a split: the model learns to give it always."""
    answers = survey.column("answer")
    for split in _SPLITS:
        rows = survey.of_split(split)
        rows = rows[answers[rows] != 0]
        if len(rows) < options["from_records"]:
            continue
        values, first, counts = np.unique(answers[rows], return_index=True, return_counts=True)
        most = int(np.argmax(counts))
        if counts[most] > options["share"] * len(rows):
            others = rows[answers[rows] != values[most]]
            yield Hit(
                f"{int(counts[most]):,} of {len(rows):,} {split} records have the same answer.", at=int(rows[first[most]]),
                score=float(counts[most] / len(rows)), related=tuple(Partner(int(index)) for index in others[:3]),
            )  # fmt: skip


@needs("answer", "bytes")
def sorted_records(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE007: train records stand in blocks of equal answers, or in the order of their lengths. One hit a file."""
    answers, sizes = survey.column("answer"), survey.column("bytes")
    for index, file in enumerate(survey.files):
        rows = np.flatnonzero(survey.file == index)
        if file.split != "train" or len(rows) < options["from_records"]:
            continue
        blocks = _blocks(answers[rows])
        if blocks is not None:
            labels, switches, expected = blocks
            yield Hit(
                f"Records stand in blocks by answer: {labels} answers, {switches} changes from one record to the next, "
                f"where shuffled records would have about {expected:,.0f}.", file=index,
            )  # fmt: skip
        else:
            order = _rank_correlation(sizes[rows])
            if abs(order) >= options["rank_correlation"]:
                way = "shortest to longest" if order > 0 else "longest to shortest"
                yield Hit(f"Records are sorted by length, from {way}.", file=index, score=abs(order), severity=Severity.NOTE)


@needs("label")
def one_sided_labels(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """SIZE008: KTO records that are nearly all desirable, or nearly all undesirable. An error where one kind is missing."""
    labels = survey.column("label")
    for split in _SPLITS:
        rows = survey.of_split(split)
        rows = rows[labels[rows] >= 0]
        if len(rows) < options["from_records"]:
            continue
        wanted = int((labels[rows] == 1).sum())
        few, kind = min((wanted, "desirable"), (len(rows) - wanted, "undesirable"))
        if few < options["share"] * len(rows):
            severity = Severity.ERROR if few == 0 else None
            number = "None" if few == 0 else f"{few:,}"
            yield Hit(f"{number} of {len(rows):,} {split} records {'is' if few < 2 else 'are'} {kind}.", severity=severity)


def _blocks(answers: NDArray[np.uint64]) -> tuple[int, int, float] | None:
    """Return labels, changes and the changes expected by chance, None where the answers are no labels or are mixed.

    A random order of counts n_i has N - sum(n_i^2) / N changes on average (Wald and Wolfowitz 1940, for k classes).
    """
    total = len(answers)
    _, counts = np.unique(answers, return_counts=True)
    if len(counts) < 2 or len(counts) > total / 8:
        return None
    switches = int((answers[1:] != answers[:-1]).sum())
    expected = total - float((counts.astype(float) ** 2).sum()) / total
    return (len(counts), switches, expected) if expected >= 10 and switches < 0.2 * expected else None


def _rank_correlation(sizes: NDArray[np.int64]) -> float:
    """Return Spearman's rank correlation of the sizes with their order, 0 where all are equal."""
    values, inverse, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    if len(values) < 2:
        return 0.0
    ends = np.cumsum(counts)
    ranks = ((ends - counts + ends - 1) / 2)[inverse.reshape(-1)]
    return float(np.corrcoef(ranks, np.arange(len(sizes)))[0, 1])
