"""Near duplicates that differ in what the comparison of prompt and answer leaves out, and so are no copies."""

from __future__ import annotations

from collections.abc import Iterable

from tunelint.checks.survey import Survey
from tunelint.records.record import Record
from tunelint.records.shapes import NAMING_KEYS, SHAPES
from tunelint.similarity.words import words

_SHAPES = [SHAPES.index(shape) for shape in ("preference", "openai-preference", "kto", "prompt-only")]
_MOST_LOOKED_UP = 20_000
_ALIKE = 0.8  # Jaccard similarity of two rejected answers, as of the records by default


def told_apart(survey: Survey, pairs: Iterable[tuple[int, int]]) -> dict[int, str]:
    """Return, by the first index of each pair of records, what tells the two apart; records that nothing tells apart are left out.

    A chosen answer may well be paired with several rejected ones (rankings of more than two answers), and an environment
    for reinforcement learning may have one prompt and many seeds.
    """
    shapes = survey.column("shape")
    special = [(one, other) for one, other in pairs if shapes[one] in _SHAPES and shapes[one] == shapes[other]][:_MOST_LOOKED_UP]
    records = survey.records(index for pair in special for index in pair) if special else {}
    found = ((one, _difference(records[one], records[other])) for one, other in special if one in records and other in records)
    return {one: difference for one, difference in found if difference}


def _difference(one: Record, other: Record) -> str:
    if one.shape == "kto":
        return "the label" if one.example.label is not other.example.label else ""
    if one.shape == "prompt-only":
        same_prompt = words(one.example.prompt_text) == words(other.example.prompt_text)
        return "fields beside the prompt" if same_prompt and _beside(one) != _beside(other) else ""
    left, right = _rejected(one), _rejected(other)
    return "the rejected answer" if len(left & right) < _ALIKE * len(left | right) else ""


def _rejected(record: Record) -> set[tuple[str, ...]]:
    """Return the shingles of the rejected answer."""
    found = words("\n".join(turn.text for turn in record.example.rejected))
    return {tuple(found[at : at + 3]) for at in range(max(1, len(found) - 2))}


def _beside(record: Record) -> dict[str, object]:
    value = record.value or {}
    return {key: item for key, item in value.items() if key not in NAMING_KEYS and key not in ("prompt", "messages", "question", "query", "problem")}
