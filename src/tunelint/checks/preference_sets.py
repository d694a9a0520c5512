"""Preference pairs as a set: are they at one with each other, and is it quality or length that they prefer."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.preference import said, sides
from tunelint.checks.survey import Survey, needs
from tunelint.records.record import Record

_PAIRS = frozenset({"preference", "openai-preference"})
_LIKED, _DISLIKED = 1, 2


def lengths_of(record: Record) -> tuple[int, int]:
    """Return the characters of the chosen and of the rejected answer, (0, 0) for a record that is no pair."""
    if record.shape not in _PAIRS:
        return 0, 0
    chosen, rejected = sides(record)
    if not chosen or not rejected:
        return 0, 0
    return len(chosen[-1].text), len(rejected[-1].text)


def verdict_of(record: Record) -> tuple[int, int]:
    """Return digests of prompt with chosen and of prompt with rejected answer; of a KTO record its digest, and 1 (liked) or
    2 (disliked). (0, 0) for what is no preference."""
    example = record.example
    if record.shape == "kto" and example.label is not None:
        return _digest(example.prompt_text, example.answer_text), _LIKED if example.label else _DISLIKED
    if record.shape not in _PAIRS:
        return 0, 0
    chosen, rejected = sides(record)
    if not chosen or not rejected:
        return 0, 0
    prompt = example.prompt_text
    return _digest(prompt, *(text for _, text in said(chosen))), _digest(prompt, *(text for _, text in said(rejected)))


def _digest(*texts: str) -> int:
    joined = "\0".join(" ".join(text.split()) for text in texts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big") | 4  # never one of the small marks


@needs("pair-lengths")
def length_bias(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF003: chosen answers are longer (or shorter) than rejected ones throughout the file."""
    lengths = survey.column("pair-lengths")
    for file in range(len(survey.files)):
        rows = np.flatnonzero((survey.file == file) & (lengths.min(axis=1) > 0))
        if len(rows) < options["least_pairs"]:
            continue
        chosen, rejected = lengths[rows, 0].astype(float), lengths[rows, 1].astype(float)
        unequal = int(np.count_nonzero(chosen != rejected))
        share = np.count_nonzero(chosen > rejected) / unequal if unequal else 0.5
        effect = cohens_d(np.log(chosen), np.log(rejected))
        word, share = ("longer", share) if effect >= 0 else ("shorter", 1 - share)
        if abs(effect) >= options["effect"] or share >= options["share"]:
            worst = np.argsort(-np.abs(np.log(chosen / rejected)), kind="stable")[:5]
            yield Hit(
                f"Chosen answers are {word} than rejected ones in {share:.0%} of {len(rows):,} pairs "
                f"(median {np.median(chosen):,.0f} against {np.median(rejected):,.0f} characters, Cohen's d {abs(effect):.2f}).",
                file=file, score=round(abs(effect), 4), related=tuple(Partner(int(rows[index])) for index in sorted(worst)),
            )  # fmt: skip


def cohens_d(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the difference of two means in pooled standard deviations (Cohen 1988, section 2.5), 0 where nothing varies.

    >>> cohens_d(np.array([1.0, 3.0]), np.array([0.0, 2.0])) == 1 / np.sqrt(2.0)
    True
    """
    pooled = float(np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))
    difference = float(one.mean() - other.mean())
    if pooled == 0:
        return 0.0 if difference == 0 else float(np.sign(difference)) * 10.0
    return difference / pooled


@needs("verdict")
def contradictory_pair(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF004: two records that prefer the opposite of each other."""
    verdicts = survey.column("verdict")
    rows = np.flatnonzero(verdicts[:, 0] > 0)
    if not len(rows):
        return
    single = verdicts[rows, 1] <= _DISLIKED
    yield from _opposite_pairs(verdicts, rows[~single])
    yield from _opposite_labels(verdicts, rows[single])


def _opposite_pairs(verdicts: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[Hit]:
    for group in _groups(verdicts[rows].min(axis=1), verdicts[rows].max(axis=1), rows):
        for row in group[1:]:
            if verdicts[row, 0] == verdicts[group[0], 1] != verdicts[row, 1]:
                message = "Pair is the reverse of an earlier one: what is chosen there is rejected here."
                yield Hit(message, at=row, related=(Partner(group[0]),))


def _opposite_labels(verdicts: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[Hit]:
    for group in _groups(verdicts[rows, 0], np.zeros(len(rows), np.uint64), rows):
        for row in group[1:]:
            if verdicts[row, 1] != verdicts[group[0], 1]:
                word = "desired" if verdicts[row, 1] == _LIKED else "undesired"
                message = f"Answer is {word} here, and the same answer to the same prompt is the opposite in an earlier record."
                yield Hit(message, at=row, related=(Partner(group[0]),))


def _groups(major: NDArray[np.uint64], minor: NDArray[np.uint64], rows: NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield the rows that share both keys, two or more, each group in the order of the records."""
    order = np.lexsort((rows, minor, major))
    major, minor, rows = major[order], minor[order], rows[order]
    new = np.flatnonzero(np.r_[True, (major[1:] != major[:-1]) | (minor[1:] != minor[:-1])])
    for start, end in zip(new, np.r_[new[1:], len(rows)], strict=True):
        if end - start > 1:
            yield [int(row) for row in rows[start:end]]
