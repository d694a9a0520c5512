"""The scores that stand beside a pair's answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunelint.checks.hit import Edit, Hit
from tunelint.checks.screen import is_pair, only_where
from tunelint.records.record import Record

# UltraFeedback binarized, Argilla's sets, HelpSteer in pairs, Nectar in pairs.
_SCORES = (("score_chosen", "score_rejected"), ("chosen_score", "rejected_score"), ("chosen_rating", "rejected_rating"),
           ("chosen-rating", "rejected-rating"), ("rating_chosen", "rating_rejected"), ("chosen_reward", "rejected_reward"))  # fmt: skip


@only_where(is_pair)
def outscored_choice(record: Record, options: dict[str, Any]) -> Iterator[Hit]:
    """PREF007: the rejected answer has the higher score."""
    value = record.value or {}
    for chosen, rejected in _SCORES:
        one, other = _number(value.get(chosen)), _number(value.get(rejected))
        if one is not None and other is not None and one < other:
            yield Hit(f"The rejected answer has the higher score: {other:g} against {one:g}.", pointer=f"/{rejected}", edit=Edit("drop"))
            return


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
