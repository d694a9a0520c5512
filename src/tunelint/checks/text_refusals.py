"""TEXT003 and PREF005: refusals, and a teacher's stock phrases, judged by how often a file has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Hit, Partner
from tunelint.checks.preference import sides
from tunelint.checks.refusals import ANSWER_REFUSES, BOILERPLATE, REJECTED_REFUSES, boilerplate, refuses
from tunelint.checks.survey import Survey, needs
from tunelint.checks.texts import place
from tunelint.findings import Severity
from tunelint.records.record import Record

_PAIRS = frozenset({"preference", "openai-preference"})
_MOST_LOOKED_UP = 1_000  # hits beyond this many come without the place inside their record
# Whoever asks the model about itself gets an answer about itself.
_ASKED = re.compile(
    r"\bA\.?I\.?\b|artificial intelligence|language model|chat-?bot|\brobot|who (?:are|made|created|built|trained) you|your (?:name|creator)|"
    r"are you (?:a |an )?(?:human|real|person|machine)|нейросет|искусственн|\bИИ\b|кто ты|кто тебя|робот|人工智能|你是谁|你叫什么|机器人|语言模型|"
    r"あなたは誰|人工知能|인공지능|누구(?:세요|야|니)|\bKI\b|wer bist du|qui es-tu|\bIA\b|quién eres",
    re.IGNORECASE,
)


def refusal_bits(record: Record) -> int:
    """Return what a record's answers do: 1 the answer refuses, 2 the rejected one does, 4 the answer is a teacher's phrase."""
    example = record.example
    answer = example.answer
    if answer is None or record.shape == "text":
        return 0
    bits = 0
    if answer.content and refuses(answer.content):
        bits = REJECTED_REFUSES if example.label is False else ANSWER_REFUSES
    if example.label is not False:
        for turn in example.turns:
            if turn.role == "assistant" and boilerplate(turn.content):
                bits |= BOILERPLATE
                break
    if record.shape in _PAIRS:
        _, rejected = sides(record)
        if rejected and refuses(rejected[-1].content):
            bits |= REJECTED_REFUSES
    return bits


@needs("refusal")
def refusal_boilerplate(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """TEXT003: answers that speak as "an AI language model", and answers that refuse."""
    bits = survey.column("refusal")
    yield from _boilerplate_hits(survey, np.flatnonzero(bits & BOILERPLATE))
    for file, info in enumerate(survey.files):
        if info.shape in _PAIRS:
            continue  # refused-choice looks at those
        rows = np.flatnonzero(survey.file == file)
        refusing = rows[(bits[rows] & ANSWER_REFUSES > 0) & (bits[rows] & BOILERPLATE == 0)]
        if not len(refusing):
            continue
        share = len(refusing) / len(rows)
        if share <= options["rare"] or len(refusing) < 5:
            yield from _refusal_hits(survey, refusing)
        else:
            severity = None if share > options["over_refusal"] else Severity.NOTE
            message = f"{len(refusing):,} of {len(rows):,} answers ({share:.0%}) refuse; a model that learns from them refuses about as often."
            yield Hit(message, file=file, severity=severity, related=_partners(refusing))


def _boilerplate_hits(survey: Survey, rows: NDArray[np.int64]) -> Iterator[Hit]:
    looked_up = survey.records(rows[:_MOST_LOOKED_UP])
    for row in rows:
        record = looked_up.get(int(row))
        message = "Answer speaks as a language model: the stock phrase of the model that wrote it."
        if record is None:
            yield Hit(message, at=int(row))
            continue
        for index, turn in enumerate(record.example.turns):
            match = boilerplate(turn.content) if turn.role == "assistant" else None
            if match is None:
                continue
            asked = index and _ASKED.search(record.example.turns[index - 1].content) is not None
            if not asked:
                pointer, span = place(record, turn, match.span())
                message = f"Answer says '{match.group()}': the stock phrase of the model that wrote it."
                yield Hit(message, at=int(row), pointer=pointer, span=span)
                break


def _refusal_hits(survey: Survey, rows: NDArray[np.int64]) -> Iterator[Hit]:
    looked_up = survey.records(rows[:_MOST_LOOKED_UP])
    for row in rows:
        record = looked_up.get(int(row))
        answer = record.example.answer if record is not None else None
        match = refuses(answer.content) if answer is not None else None
        hit = Hit("Answer refuses.", at=int(row), severity=Severity.NOTE)
        if record is not None and answer is not None and match is not None:
            pointer, span = place(record, answer, match.span())
            hit = replace(hit, pointer=pointer, span=span)
        yield hit


@needs("refusal", "shape")
def refused_choice(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF005: the chosen answer refuses and the rejected one does not."""
    bits = survey.column("refusal")
    for file in range(len(survey.files)):
        pairs = np.flatnonzero((survey.file == file) & _is_preference(survey))
        refused = pairs[(bits[pairs] & ANSWER_REFUSES > 0) & (bits[pairs] & REJECTED_REFUSES == 0)]
        if not len(refused):
            continue
        share = len(refused) / len(pairs)
        if share <= options["rare"] or len(refused) < 5:
            for row in refused:
                yield Hit("Chosen answer refuses, the rejected one does not.", at=int(row))
        else:
            message = f"In {len(refused):,} of {len(pairs):,} pairs ({share:.0%}) the chosen answer refuses and the rejected one does not."
            yield Hit(message, file=file, related=_partners(refused))


def _is_preference(survey: Survey) -> NDArray[np.bool_]:
    from tunelint.records.shapes import SHAPES

    codes = [SHAPES.index(shape) for shape in ("preference", "openai-preference", "kto")]
    return np.isin(survey.column("shape"), codes)


def _partners(rows: NDArray[np.int64]) -> tuple[Partner, ...]:
    return tuple(Partner(int(row)) for row in rows[:5])
