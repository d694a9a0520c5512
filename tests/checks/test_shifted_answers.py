"""Answers that slipped by a row: found wherever the slip happened, and never in data that is in order."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tunelint import lint

SYLLABLES = [first + second for first in "bdfgklmnprst" for second in "aeiou"]


def rows(number: int, seed: int = 0) -> list[tuple[str, str]]:
    """Questions and answers that share one of their topic's two rare words, among words that all of them have."""
    chance = random.Random(seed)
    pairs = []
    for _ in range(number):
        topic, detail, other = ("".join(chance.choices(SYLLABLES, k=3)) for _ in range(3))
        pairs.append((f"Please explain what {topic} means in {detail}.", f"The word {topic} is the name of {other}."))
    return pairs


def messages(folder: Path, pairs: list[tuple[str, str]]) -> list[str]:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in pairs), encoding="utf-8")
    return [finding.message for finding in lint([str(path)], select=["TURN014"]).findings]


@pytest.mark.parametrize(("number", "slip"), [(40, 5), (200, 0), (200, 140), (2000, 1400)])
@pytest.mark.parametrize("way", [1, -1])
def test_a_slip_is_found_wherever_it_happened(tmp_path: Path, number: int, slip: int, way: int) -> None:
    pairs = rows(number)
    answers = [answer for _, answer in pairs]
    if way > 0:  # an answer was lost: later ones moved up
        moved = answers[:slip] + answers[slip + 1 :] + ["None."]
    else:  # an answer stands twice: later ones moved down
        moved = [*answers[:slip], answers[slip], *answers[slip:-1]]
    (message,) = messages(tmp_path, [(prompt, answer) for (prompt, _), answer in zip(pairs, moved, strict=True)])
    assert ("previous row" if way > 0 else "next row") in message


@pytest.mark.parametrize("number", [30, 31, 200, 1500])
def test_data_in_order_is_silent(tmp_path: Path, number: int) -> None:
    for seed in range(5):
        assert messages(tmp_path, rows(number, seed)) == []


def test_shuffled_answers_are_no_slip(tmp_path: Path) -> None:
    pairs = rows(300)
    answers = [answer for _, answer in pairs]
    random.Random(1).shuffle(answers)
    assert messages(tmp_path, [(prompt, answer) for (prompt, _), answer in zip(pairs, answers, strict=True)]) == []
