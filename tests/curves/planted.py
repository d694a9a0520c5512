"""A data set with planted faults: a fifth of the train rows are copies, some eval rows stand in train."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUBJECTS = ["The baker", "A nurse", "My neighbour", "The pilot", "Our teacher", "The clerk", "A farmer", "The editor"]
_VERBS = ["lost", "painted", "sold", "repaired", "borrowed", "found", "hid", "measured", "wrapped", "promised"]
_THINGS = ["a blue kettle", "the old map", "three violins", "a paper boat", "the garden gate", "a silver spoon", "two lamps", "the red ledger"]
_PLACES = ["in Lisbon", "near the harbour", "behind the school", "on Elm Street", "in the attic", "by the river", "at the market"]


@dataclass(frozen=True)
class Planted:
    """The files, and where the faults are: 1-based lines of the copies in train and of the leaked rows in eval."""

    train: Path
    eval: Path
    copies: frozenset[int]
    leaked: frozenset[int]


def record(chooser: random.Random) -> dict[str, Any]:
    """One row that shares no more than common words with any other."""
    number = chooser.randrange(10_000, 99_999)
    subject, verb, thing, place = (chooser.choice(words) for words in (_SUBJECTS, _VERBS, _THINGS, _PLACES))
    answer = f"{subject} {verb} {thing} {place}, and wrote {chooser.choice(_THINGS)} on note {number} for {chooser.choice(_SUBJECTS).lower()}."
    question = f"Who {verb} {thing} under note {number}?"
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def plant(folder: Path, seed: int, train: int = 96, copies: int = 24, evals: int = 60, leaks: int = 15) -> Planted:
    """Write train.jsonl (`train` rows and `copies` copies of some) and eval.jsonl (`leaks` rows of it stand in train)."""
    chooser = random.Random(seed)
    rows = [record(chooser) for _ in range(train)]
    held = [record(chooser) for _ in range(evals - leaks)]
    leaking = chooser.sample(rows, leaks)
    originals = chooser.sample([row for row in rows if row not in leaking], copies)
    lines = [(row, False) for row in rows]
    for row in originals:
        lines.insert(chooser.randrange(lines.index((row, False)) + 1, len(lines) + 1), (row, True))
    eval_lines = [(row, False) for row in held] + [(row, True) for row in leaking]
    chooser.shuffle(eval_lines)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("train.jsonl", lines), ("eval.jsonl", eval_lines)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row, _ in content))
    marked = [frozenset(i for i, (_, fault) in enumerate(content, 1) if fault) for content in (lines, eval_lines)]
    return Planted(folder / "train.jsonl", folder / "eval.jsonl", *marked)
