"""Sorted and lopsided training data: what is found, and that chance is not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tunelint import Report, lint


def report(folder: Path, answers: list[str], rule: str, name: str = "train.jsonl") -> Report:
    path = folder / name
    path.write_text("".join(json.dumps({"prompt": f"Text {i}", "completion": a}) + "\n" for i, a in enumerate(answers)), encoding="utf-8")
    return lint([str(path)], train=[str(path)], select=[rule])


@pytest.mark.parametrize("labels", [2, 7])
def test_blocks_of_labels_are_found_and_shuffled_labels_are_not(tmp_path: Path, labels: int) -> None:
    answers = [f"label {number}" for number in range(labels) for _ in range(30)]
    (found,) = report(tmp_path, answers, "sorted-records").findings
    assert f"{labels} answers, {labels - 1} changes" in found.message
    for seed in range(25):
        random.Random(seed).shuffle(answers)
        assert not report(tmp_path, answers, "sorted-records").findings


def test_a_rare_label_does_not_make_an_order(tmp_path: Path) -> None:
    assert not report(tmp_path, ["yes"] * 60 + ["no"] * 3, "sorted-records").findings


def test_free_answers_have_no_order(tmp_path: Path) -> None:
    numbers = random.Random(3).sample(range(100, 1000), 80)
    assert not report(tmp_path, [f"answer {number}" for number in numbers], "sorted-records").findings


def test_a_curriculum_is_a_note(tmp_path: Path) -> None:
    (found,) = report(tmp_path, ["word " * (number + 1) + str(number) for number in range(60)], "sorted-records").findings
    assert found.severity == "note"
    assert "from shortest to longest" in found.message


@pytest.mark.parametrize(("same", "others", "found"), [(16, 4, 0), (17, 3, 1), (19, 0, 0), (117, 3, 1)])
def test_an_answer_dominates_above_four_fifths_of_twenty(tmp_path: Path, same: int, others: int, found: int) -> None:
    assert len(report(tmp_path, ["Yes"] * same + ["No"] * others, "dominant-answer").findings) == found
