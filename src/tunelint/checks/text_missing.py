"""TEXT014: answers that are the mark of a missing value, told by what the other answers of their file are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit
from tunelint.checks.survey import Survey, needs
from tunelint.findings import Severity
from tunelint.records.record import Record
from tunelint.similarity.columns import row_digests
from tunelint.similarity.words import word_hashes, words

# Marks that spreadsheets, exports and generators write where a value is missing. Bare "null", "nan" and "todo" are
# unfilled-placeholder's: they are right in no file.
_MARKS = ("n/a", "na", "not available", "no answer", "no response", "keine angabe", "k. A.", "нет данных", "нет ответа", "不详")
# What a service answers instead of the model, and what a program prints for an object.
_FAILURES = (
    "error", "internal server error", "rate limit exceeded", "rate limit reached", "too many requests", "request timed out", "timeout",
    "bad gateway", "502 bad gateway", "service unavailable", "503 service unavailable", "gateway timeout", "504 gateway timeout",
    "unauthorized", "invalid api key", "an error occurred", "an error has occurred", "something went wrong", "network error",
    "something went wrong please try again later", "an error occurred please try again later", "object object",
)  # fmt: skip
# Right answers of a question now and then: "How many moons has Venus?"
_DOUBTFUL = ("none", "nil", "unknown", "undefined", "无", "нет", "なし", "없음", "keine", "aucun")
_WORDLESS = re.compile(r"[-–—_.…?*/\\]{1,5}")
_ASKED_FOR = re.compile(r"n/?a\b|\bnone\b|not applicable|not available|no answer|unknown|\bnull\b|otherwise", re.IGNORECASE)
_ABOUT_FAILURES = re.compile(r"error|exception|status|http|\b\d{3}\b|message|\bapi\b|\blog|ошибк|错误|エラー|fehler|erreur", re.IGNORECASE)
_MOST_LOOKED_UP = 2_000


@cache
def _digests() -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the digests of the marks as the column "answer" has them: all, the doubtful ones, and a service's failures."""
    failures = (*_FAILURES, *(f"error {text}" for text in _FAILURES))
    every, doubtful, failed = (row_digests(word_hashes(texts)) for texts in ((*_MARKS, *_DOUBTFUL, *failures), _DOUBTFUL, failures))
    return every, doubtful, failed


@needs("answer", "answer-words")
def missing_value_answer(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TEXT014: "N/A", a dash or a service's error message where nearly all answers of the file are sentences."""
    answers, lengths = survey.column("answer"), survey.words("answer-words").lengths
    marks, doubtful, failures = _digests()
    suspects = np.flatnonzero((answers == 0) | np.isin(answers, marks))
    for file in np.unique(survey.file[suspects]).tolist() if len(suspects) else ():
        rows = np.flatnonzero(survey.file == file)
        if len(rows) < options["from_records"] or np.mean(lengths[rows] >= options["words"]) < options["share"]:
            continue
        mine = suspects[survey.file[suspects] == file]
        looked_up = survey.records(mine[:_MOST_LOOKED_UP])
        for row in mine.tolist():
            failed = bool(np.isin(answers[row], failures))
            if row not in looked_up or not _is_mark(looked_up[row], failed):
                continue
            answer = looked_up[row].example.answer
            assert answer is not None
            yield Hit(
                f"Answer is '{answer.content.strip()}', where {np.mean(lengths[rows] >= options['words']):.0%} of the file's answers "
                f"have {options['words']} words or more: {'a failure' if failed else 'a missing value'}, not an answer.",
                at=row, pointer=answer.content_pointer, severity=Severity.NOTE if answers[row] in doubtful else None,
            )  # fmt: skip


def _is_mark(record: Record, failed: bool) -> bool:
    answer = record.example.answer
    if answer is None or answer.calls or answer.images:
        return False
    text = answer.content.strip()
    if not words(text):
        if not _WORDLESS.fullmatch(text):
            return False
    elif not failed and text.endswith((".", "!", "。")) and text.lower() != "n.a.":  # a mark stands by itself; a sentence of one word ends with one
        return False
    asked_for = _ABOUT_FAILURES if failed else _ASKED_FOR
    return not any(asked_for.search(turn.content) for turn in record.example.turns if turn.role in ("user", "system", "developer"))
