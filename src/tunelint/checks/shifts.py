"""Answers that stand one row off their prompts: what a slip in a join or a lost line leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit
from tunelint.checks.survey import Survey
from tunelint.similarity.columns import MIX_1, Ragged, offsets_of
from tunelint.similarity.words import word_hashes

_MOST_ROWS = 1_000  # of a file: a shift concerns all rows after it, so the last quarter shows it
_COMMON = 0.05  # words that more of the rows have say nothing about which rows belong together
_SIGMAS = 4.0


def shifted_answers(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TURN014: prompts share words with the answer of the next (or the last) row, and not with their own. One hit a file."""
    for file in range(len(survey.files)):
        rows = np.flatnonzero(survey.file == file)
        if len(rows) < options["from_records"]:
            continue
        rows = rows[-min(_MOST_ROWS, max(options["from_records"], len(rows) // 4)) :]
        examples = [record.example for _, record in sorted(survey.records(rows).items())]
        asked = _rare(word_hashes([example.prompt_text for example in examples]))
        said = _rare(word_hashes([example.answer_text for example in examples]))
        own, _ = _sharing(asked, said, 0)
        for shift, which in ((1, "next"), (-1, "previous")):
            others, contained = _sharing(asked, said, shift)
            noise = np.sqrt(max(others * (1 - others) + own * (1 - own), 1 / len(rows)) / len(rows))
            # A prompt that quotes most of the neighbour's answer is a conversation told row by row, not a slip.
            if others > 2 * own and others - own > _SIGMAS * noise and contained < 0.6:
                yield Hit(
                    f"Prompts fit the answers of the {which} row: {others:.0%} share a rare word with it, {own:.0%} with their own.",
                    file=file, score=float(others),
                )  # fmt: skip


def _rare(texts: Ragged) -> Ragged:
    """Return the words of each text that few of the texts have, each once."""
    rows = texts.row_numbers
    order = np.lexsort((texts.values, rows))
    rows, values = rows[order], texts.values[order]
    once = np.append(True, (rows[1:] != rows[:-1]) | (values[1:] != values[:-1]))[: len(rows)]
    rows, values = rows[once], values[once]
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rare = (counts <= max(2, _COMMON * len(texts)))[inverse.reshape(-1)]
    return Ragged(values[rare], offsets_of(np.bincount(rows[rare], minlength=len(texts)).astype(np.int64)))


def _sharing(prompts: Ragged, answers: Ragged, shift: int) -> tuple[float, float]:
    """Return the share of prompts that have a word in common with the answer `shift` rows on, and how much of those answers
    their prompts contain (mean share of words)."""
    asked = _keys(prompts, 0)
    said = _keys(answers, -shift)
    common = np.isin(said, asked, assume_unique=True)
    hits = np.bincount(answers.row_numbers[common], minlength=len(answers))
    sharing = hits > 0
    lengths = answers.lengths
    contained = float((hits[sharing] / lengths[sharing]).mean()) if sharing.any() else 0.0
    return float(sharing.sum() / max(1, len(answers) - abs(shift))), contained


def _keys(texts: Ragged, moved: int) -> NDArray[np.uint64]:
    """Return a number for each word of each row that differs from row to row; rows are counted from `moved` on."""
    rows = (texts.row_numbers + moved + len(texts)).astype(np.uint64)
    return np.asarray(texts.values ^ (rows * MIX_1), dtype=np.uint64)
