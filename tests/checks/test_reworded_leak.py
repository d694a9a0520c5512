"""Reworded leaks through the front door: what a finding says of them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tunelint import lint

WORDS = [f"{first}{second}{third}" for first in "bdfklmprst" for second in ("a", "e", "io", "u") for third in ("lm", "nt", "rk", "st", "x")]


def test_a_question_inside_a_frame_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(4)
    prompts = [" ".join(chance.choice(WORDS) for _ in range(24)) for _ in range(40)]
    question = "How many of the twelve green bottles hang on the wall?"
    frame = " ".join(chance.choice(WORDS) for _ in range(80))
    train = [*prompts[5:], f"{frame} {question} {frame}"]
    for name, rows in (("train", train), ("eval", [*prompts[:5], question])):
        lines = [json.dumps({"prompt": prompt, "completion": f"Answer {row} of {name}."}) + "\n" for row, prompt in enumerate(rows)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    (finding,) = lint(["train.jsonl", "eval.jsonl"], select=["LEAK"]).findings
    assert (finding.code, finding.line, finding.related[0].line) == ("LEAK005", 6, 36)
    assert finding.message == "Eval record stands word for word inside a train record: train.jsonl:36."
