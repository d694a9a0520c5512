"""Leaks that were planted by edits of known kinds, through the front door: the least share of each that has to be found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Row = tuple[str, str]
PLANTED, EVALS, TRAIN = 120, 180, 400
FRAME = "Below is a task from our archive. Read it with care, think step by step and finish with the bare result. Task: {} Result:"
VOCABULARY = ["".join(random.Random(i).choices("bdfgklmnprst", k=3)) + random.Random(i).choice("aeiou") for i in range(3000)]


def text(chance: random.Random, words: int) -> str:
    """Words as frequent as in a language (Zipf), some of them numbers."""
    return " ".join(
        str(chance.randrange(2, 500)) if chance.random() < 0.1 else VOCABULARY[min(int(chance.paretovariate(0.4)), 2999)] for _ in range(words)
    )


def edited(words: str, share: float, chance: random.Random) -> str:
    """This share of the words substituted, deleted, or followed by a new one."""
    pieces = words.split()
    for place in chance.sample(range(len(pieces)), round(share * len(pieces))):
        new = chance.choice(VOCABULARY)
        pieces[place] = chance.choice([new, "", f"{pieces[place]} {new}"])
    return " ".join(piece for piece in pieces if piece)


def line(row: Row, turned: bool = False) -> str:
    """A record; `turned` has its keys in the other order and other spacing."""
    value = {"prompt": row[0], "completion": row[1], "source": "archive"}
    return json.dumps(dict(reversed(value.items())), separators=(" , ", " :  ")) if turned else json.dumps(value)


Change = Callable[[Row, random.Random], Row]


def by(share: float) -> Change:
    return lambda row, chance: (edited(row[0], share, chance), edited(row[1], share, chance))


KINDS: dict[str, tuple[Change, float]] = {
    "5 % of the words": (by(0.05), 0.99),
    "15 % of the words": (by(0.15), 0.97),
    "30 % of the words": (by(0.30), 0.9),
    "verbatim inside a template": (lambda row, _: (FRAME.format(row[0]), row[1]), 1),
    "case": (lambda row, _: (row[0].upper().replace(" ", "  "), row[1].title()), 1),
    "key order": (lambda row, _: row, 1),
    "other answer": (lambda row, _: (row[0], "I would rather not say."), 1),
    "prefix": (lambda row, _: (f"Question from a pupil: {row[0]}", row[1]), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_planted_leaks_are_found(tunelint: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    change, least = KINDS[kind]
    chance = random.Random(5)
    evals = [(text(chance, chance.randrange(20, 60)), text(chance, chance.randrange(5, 30))) for _ in range(EVALS)]
    train = [(text(chance, chance.randrange(20, 60)), text(chance, chance.randrange(5, 30))) for _ in range(TRAIN)]
    if "template" in kind:
        train = [(FRAME.format(prompt), answer) for prompt, answer in train]
    lines = [*map(line, train), *(line(change(row, chance), kind == "key order") for row in evals[:PLANTED])]
    (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "eval.jsonl").write_text("\n".join(map(line, evals)) + "\n")
    findings = tunelint("lint", ".", "--isolated", "--select", "LEAK", "--format", "json").json["findings"]
    partner = {finding["line"] - 1: finding["related"][0]["line"] - 1 for finding in findings}
    right = sum(partner.get(row) == TRAIN + row for row in range(PLANTED))
    assert right >= least * PLANTED
    assert sum(row >= PLANTED for row in partner) <= 0.08 * len(partner)  # false-discovery-rate is 7 % of what is reported


SINGLE_WORDS = {
    "capital": "Name the capital of the following country and nothing else, please: {}.",
    "symptom": "Пациент жалуется на боль в {}. К какому врачу ему следует обратиться в первую очередь?",
    "translation": "把下面这个词翻译成英语，只写出译文，不要解释：{}。",
}


@pytest.mark.parametrize("kind", SINGLE_WORDS)
def test_clean_pairs_of_one_template_stay_silent(tunelint: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    chance = random.Random(6)
    names = list(dict.fromkeys("".join(chance.choices("bdfgklmnprstvz", k=3)) + chance.choice("aeiou") for _ in range(400)))[:300]
    lines = [line((SINGLE_WORDS[kind].format(name), name)) for name in names]
    (tmp_path / "train.jsonl").write_text("\n".join(lines[:240]) + "\n")
    (tmp_path / "eval.jsonl").write_text("\n".join(lines[240:]) + "\n")
    assert tunelint("lint", ".", "--isolated", "--select", "LEAK", "--format", "json").json["findings"] == []
