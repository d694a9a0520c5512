"""The same question again: with the same answer to many, or with answers that disagree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.duplicates import collapsed, place
from tunelint.checks.hit import Edit, Hit, Partner
from tunelint.checks.survey import Survey, needs
from tunelint.records.record import Split
from tunelint.records.shapes import SHAPES

# Pairs and KTO rows repeat their prompt by design, and so do prompts for reinforcement learning.
_ANSWERED = ("openai-chat", "sharegpt", "prompt-completion", "instruction", "gemini")
_SPLITS: tuple[Split, ...] = ("train", "eval")
_MOST_RELATED = 20


def _groups(survey: Survey, split: Split, column: str) -> Iterator[NDArray[np.int64]]:
    """Yield the records of a split (exact copies once) that share a prompt or an answer, two or more, in order."""
    rows = collapsed(survey, split).rows
    rows = rows[np.isin(survey.column("shape")[rows], [SHAPES.index(shape) for shape in _ANSWERED])]
    values = survey.column(column)[rows]
    rows, values = rows[values != 0], values[values != 0]
    order = np.argsort(values, kind="stable")  # so the records of a group stand in order
    borders = np.concatenate(([0], np.flatnonzero(np.diff(values[order])) + 1, [len(order)]))
    shared = np.flatnonzero(np.diff(borders) > 1)  # most prompts are nobody else's
    for start, end in zip(borders[shared].tolist(), borders[shared + 1].tolist(), strict=True):
        yield rows[order[start:end]]


@needs("copy", "shape", "prompt", "answer")
def repeated_prompt(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """DUP003: one prompt in many records; one hit a prompt, at its second record."""
    for split in _SPLITS:
        for rows in _groups(survey, split, "prompt"):
            if len(rows) < options["records"]:
                continue
            answers = len(set(survey.column("answer")[rows].tolist()))
            others = [int(rows[0]), *map(int, rows[2:])]
            yield Hit(
                f"{len(rows):,} records have this prompt, with {answers:,} different answer{'s' if answers > 1 else ''}; "
                f"the first is {place(survey, others[0])}.",
                at=int(rows[1]), related=tuple(Partner(other) for other in others[:_MOST_RELATED]),
            )  # fmt: skip


@needs("copy", "shape", "prompt", "answer")
def conflicting_answers(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """DUP004: the prompt of an earlier record with another answer.

    A prompt with many answers is a choice of whoever made the set (see repeated-prompt); a prompt with two or three is
    usually an accident.
    """
    answers = survey.column("answer")
    for split in _SPLITS:
        for rows in _groups(survey, split, "prompt"):
            if len(rows) > options["most"]:
                continue
            first = int(rows[0])
            for row in map(int, rows[1:]):
                if answers[row] != answers[first]:
                    yield Hit(f"Prompt of {place(survey, first)} has another answer here.", at=row, related=(Partner(first),), edit=Edit("drop"))


@needs("copy", "shape", "prompt", "answer", "answer-words")
def constant_answer(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """DUP005: one answer of some length to many different prompts; one hit an answer, at its second record."""
    lengths = survey.words("answer-words").lengths
    for split in _SPLITS:
        for rows in _groups(survey, split, "answer"):
            if lengths[rows[0]] < options["words"]:
                continue
            _, first = np.unique(survey.column("prompt")[rows], return_index=True)
            different = rows[np.sort(first)]
            if len(different) < options["prompts"]:
                continue
            others = [int(different[0]), *map(int, different[2:])]
            yield Hit(
                f"{len(different):,} different prompts have this very answer; the first is {place(survey, others[0])}.",
                at=int(different[1]), related=tuple(Partner(other) for other in others[:_MOST_RELATED]),
            )  # fmt: skip
