"""Rows that do not fit the objective are refused before the run, by the dry run and by the real one in the same words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests_rows import chat

pytest.importorskip("torch", reason="local training is an extra")

WORDS = ("anchor", "beacon", "copper", "dynamo", "engine", "falcon", "garnet", "hammer")


def chats(path: str) -> None:
    Path(path).write_text("".join(chat(f"What is a {word} for?", f"The {word} has a long history.") + "\n" for word in WORDS))


def pairs(path: str) -> None:
    rows = [{"prompt": f"Why {word}?", "chosen": f"Because the {word} is of use.", "rejected": f"Never mind that {word}."} for word in WORDS]
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("dry", [("--dry-run",), ()], ids=["dry", "real"])
@pytest.mark.parametrize("command", [("train", "--no-lint"), ("lint-and-train", "--ignore", "SIZE,DUP,LEAK,SCH")], ids=lambda value: value[0])
@pytest.mark.parametrize("split", ["train", "eval"])
def test_dpo_without_preference_pairs_is_refused(tunelint, split, command, dry):
    (chats if split == "train" else pairs)("train.jsonl")
    chats("eval.jsonl")
    ran = tunelint(*command, "train.jsonl", "eval.jsonl", "--objective", "dpo", "--run-dir", "run", *dry)
    assert ran.code == 2, ran.err
    assert ran.err.splitlines()[-1] == f"tunelint: No {split} row has a chosen and a rejected answer; DPO needs preference pairs."
    assert not Path("run").exists()


def test_the_estimate_of_dpo_is_about_the_pairs_alone(tunelint):
    pairs("train.jsonl")
    options = ("--objective", "dpo", "--epochs", "3", "--batch-size", "2", "--no-split", "--dry-run")
    alone = tunelint("train", "train.jsonl", "--no-lint", *options)
    assert (alone.code, "12 steps" in alone.err) == (0, True), alone.err
    chats("more.jsonl")
    mixed = tunelint("train", "train.jsonl", "more.jsonl", "--no-lint", *options)
    assert (mixed.code, "12 steps" in mixed.err) == (0, True), mixed.err


def test_pairs_are_good_for_supervised_training(tunelint):
    """The chosen answers are learnt: the run takes such rows, and so does the dry run."""
    pairs("train.jsonl")
    ran = tunelint("train", "train.jsonl", "--no-lint", "--no-split", "--objective", "supervised", "--dry-run")
    assert ran.code == 0, ran.err
    assert "8 train rows" in ran.err
