"""Eval records that train gives away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from tunelint.checks.duplicates import place
from tunelint.checks.hit import Edit, Hit, Partner
from tunelint.checks.survey import Survey, needs

# Partners named in a finding; `details["partners"]` holds all of them, for `clean`.
_MOST_PARTNERS = 20


def _partners(survey: Survey, column: str) -> dict[int, list[int]]:
    """Return eval index -> train indices of equal, non-zero values in a column, for the eval records that have any."""
    values = survey.column(column)
    keys = values if values.ndim == 1 else np.ascontiguousarray(values).view([("a", "u8"), ("b", "u8")]).reshape(-1)
    train, evaluation = survey.of_split("train"), survey.of_split("eval")
    if not len(train) or not len(evaluation):
        return {}
    shared = np.intersect1d(keys[train], keys[evaluation])
    if values.ndim == 1:
        shared = shared[shared != 0]
    wanted: dict[Any, list[int]] = defaultdict(list)
    for index in train[np.isin(keys[train], shared)].tolist():
        wanted[keys[index].item()].append(index)
    hits = evaluation[np.isin(keys[evaluation], shared)].tolist()
    return {index: wanted[keys[index].item()] for index in hits}


def exact_leaks(survey: Survey) -> dict[int, list[int]]:
    """Return the eval records that stand in train word for word, with their train partners. Computed once a survey."""
    if "exact-leaks" not in survey.extras:
        survey.extras["exact-leaks"] = _partners(survey, "copy")
    leaks: dict[int, list[int]] = survey.extras["exact-leaks"]
    return leaks


@needs("copy")
def exact_leak(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK001: the eval record is a copy of a train record (key order, spacing, ids and dates aside)."""
    for at, partners in exact_leaks(survey).items():
        yield Hit(
            f"Eval record stands in train too: {place(survey, partners[0])}{_more(partners)}.", at=at, score=1.0,
            related=tuple(Partner(partner, 1.0) for partner in partners[:_MOST_PARTNERS]), edit=Edit("drop"),
            details={"partners": partners},
        )  # fmt: skip


@needs("copy", "prompt", "answer")
def shared_prompt(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """LEAK002: the eval record's prompt, word for word, stands in train with another answer."""
    exact = exact_leaks(survey)
    answers = survey.column("answer")
    for at, partners in _partners(survey, "prompt").items():
        others = [partner for partner in partners if answers[partner] != answers[at]]
        if at in exact or not others:
            continue
        yield Hit(
            f"Prompt stands in train with another answer: {place(survey, others[0])}{_more(others)}.", at=at,
            related=tuple(Partner(partner) for partner in others[:_MOST_PARTNERS]), edit=Edit("drop"),
            details={"partners": others},
        )  # fmt: skip


def _more(partners: list[int]) -> str:
    return f" and {len(partners) - 1:,} more" if len(partners) > 1 else ""
