"""Leaks in other words and planted leaks, as `tunelint lint` reports them at its default settings.

    TUNELINT_CORPORA=... python benchmarks/reworded_leaks.py [draws] [semantic]

Rewordings are real: the rephrased test sets of lm-sys/llm-decontaminator, hidden in GSM8K train; eval is the original test
set. Beside the default stands the best F1 that any threshold on the same score reaches when it is chosen on the same data,
and the same for the plain TF-IDF cosine of the nearest train record. The planted leaks are edits of GSM8K test rows; every rule of the family counts.
"""

from __future__ import annotations

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from corpora import Row, folder
from make_mix import edit
from numpy.typing import NDArray

from tunelint.similarity.meaning import vectors
from tunelint.similarity.reworded import reworded
from tunelint.similarity.words import word_hashes

ROOT = folder()
SEMANTIC = "semantic" in sys.argv
DECONTAMINATOR = ROOT / "llm_decontaminator" / "data"


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a .jsonl file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def lint(train: Sequence[Row], evals: Sequence[Row], select: str = "LEAK") -> tuple[dict[int, dict[str, Any]], float]:
    """The leak finding of each eval record (from 0), and the CPU seconds of the run."""
    with tempfile.TemporaryDirectory() as name:
        for file, rows in (("train.jsonl", train), ("eval.jsonl", evals)):
            with (Path(name) / file).open("w", encoding="utf-8") as stream:
                for prompt, answer in rows:
                    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
                    stream.write(json.dumps({"messages": turns}) + "\n")
        settings = Path(name) / "tunelint.toml"
        settings.write_text(f"[rules.reworded-leak]\nsemantic = {'true' if SEMANTIC else 'false'}\n")
        command = [sys.executable, "-m", "tunelint", "lint", name, "--config", str(settings), "--select", select, "--no-cache", "--jobs", "1"]
        before = children()
        run = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
        if run.returncode not in (0, 1):
            sys.exit(run.stderr)
        findings = json.loads(run.stdout)["findings"]
        return {finding["line"] - 1: finding for finding in findings if finding["line"]}, children() - before


def children() -> float:
    """CPU seconds of the processes run so far."""
    times = os.times()
    return times.children_user + times.children_system


def rephrased(name: str) -> tuple[list[Row], dict[int, str]]:
    """A test set and its rephrasings by row (rows without one left out)."""
    if name == "gsm8k":
        evals = [(row["question"], row["answer"]) for row in lines(ROOT / "gsm8k" / "test.jsonl")]
        path = DECONTAMINATOR / "rephrase" / "rephrase_gsm8k_even_rows.jsonl"
        return evals, {row["test_row"]: row["text"].removeprefix("Question: ").split("\nAnswer:")[0] for row in lines(path)}
    if name == "humaneval":
        evals = [(row["text"], "") for row in lines(DECONTAMINATOR / "test" / "HumanEval.jsonl")]
        texts = [row["text"] for row in lines(DECONTAMINATOR / "rephrase" / "humaneval_python.jsonl")]
    else:
        with (DECONTAMINATOR / "rephrase" / f"{name}_test.csv").open(encoding="utf-8", newline="") as stream:
            evals = [(row[0], row[1 + "ABCD".index(row[5])]) for row in csv.reader(stream)]
        path = DECONTAMINATOR / "rephrase" / f"{name}_test_rephrase_english_filtered_question.jsonl"
        texts = [row["text"] for row in lines(path)]
    return evals, {row: texts[row] for row in range(0, len(evals), 2) if texts[row].strip()}


def hidden(train: list[Row], evals: list[Row], texts: dict[int, str], rows: Sequence[int]) -> tuple[list[Row], dict[int, int]]:
    """Train with the rephrasings of some eval rows behind it, and the train row of each."""
    leaked = {row: len(train) + place for place, row in enumerate(rows)}
    return [*train, *((texts[row], evals[row][1].split("####")[-1].strip()) for row in rows)], leaked


def quality(found: dict[int, dict[str, Any]], leaked: dict[int, int]) -> tuple[float, float, float, float]:
    """Precision, recall, F1, and how often the first partner is the right one."""
    good = [row for row in found if row in leaked]
    precision, recall = len(good) / max(len(found), 1), len(good) / max(len(leaked), 1)
    right = sum(found[row]["related"][0]["line"] - 1 == leaked[row] for row in good) / max(len(good), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), right


def cosine_of_nearest(train: list[Row], evals: list[Row]) -> NDArray[np.float64]:
    """The plain TF-IDF cosine of each eval row with its nearest train row."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform([prompt for prompt, _ in [*evals, *train]])
    nearest: NDArray[np.float64] = (vectors[: len(evals)] @ vectors[len(evals) :].T).max(axis=1).toarray().ravel()
    return nearest


def our_scores(train: list[Row], evals: list[Row]) -> NDArray[np.float64]:
    """How far each eval row stands out, as `tunelint.similarity.reworded` has it."""
    texts = [prompt for prompt, _ in train]
    own = [prompt for prompt, _ in evals]
    readers = (lambda rows: [own[row] for row in rows], lambda rows: [texts[row] for row in rows])
    return reworded(word_hashes(own), word_hashes(texts), *readers, embed=vectors if SEMANTIC else None).standing


def best_f1(scores: NDArray[np.float64], leaked: dict[int, int]) -> float:
    """The best F1 of any threshold on these scores, chosen on these data."""
    best, good = 0.0, 0
    for place, row in enumerate((-scores).argsort(kind="stable").tolist(), start=1):
        good += row in leaked
        best = max(best, 2 * good / (place + len(leaked)))
    return best


def rewordings(draws: int) -> None:
    """The table of rephrased test sets."""
    train = [(row["question"], row["answer"]) for row in lines(ROOT / "gsm8k" / "train.jsonl")]
    head = f"{'rephrased and hidden in GSM8K train':38} {'P':>5} {'R':>5} {'F1':>5} {'partner':>7}"
    print(f"{head} {'best F1 reachable':>18} {'by cosine':>10} {'CPU s':>6}")
    for name in ("gsm8k", "abstract_algebra", "sociology", "humaneval"):
        evals, texts = rephrased(name)
        with_leaks, leaked = hidden(train, evals, texts, sorted(texts))
        found, seconds = lint(with_leaks, evals)
        figures = " ".join(f"{figure:5.3f}" for figure in quality(found, leaked))
        print(f"{name + ', even rows':38} {figures:>25} {best_f1(our_scores(with_leaks, evals), leaked):18.3f} "
              f"{best_f1(cosine_of_nearest(with_leaks, evals), leaked):10.3f} {seconds:6.1f}")  # fmt: skip
    evals, texts = rephrased("gsm8k")
    for share in (0.05, 0.01):
        figures = []
        for draw in range(draws):
            rows = sorted(random.Random(draw).sample(sorted(texts), round(share * len(evals))))
            with_leaks, leaked = hidden(train, evals, texts, rows)
            figures.append(quality(lint(with_leaks, evals)[0], leaked))
        means = " ".join(f"{statistics.mean(column):5.3f}" for column in zip(*figures, strict=True))
        least = " ".join(f"{min(column):5.3f}" for column in zip(*figures, strict=True))
        print(f"{f'gsm8k, {share:.0%} of the rows, {draws} draws':38} {means:>25}   (worst draw {least})")
    found, _ = lint(train, evals)
    places = {row: [partner["line"] - 1 for partner in finding["related"]] for row, finding in found.items()}
    print(f"clean GSM8K pair: {len(found)} of {len(evals)} eval rows reported, with their train rows: {places}")


def small(draws: int) -> None:
    """One rewording, or none, among few eval rows."""
    train = [(row["question"], row["answer"]) for row in lines(ROOT / "gsm8k" / "train.jsonl")]
    evals, texts = rephrased("gsm8k")
    for size in (8, 16, 24):
        good = false = 0
        for draw in range(draws):
            chance = random.Random(f"{size} {draw}")
            own = chance.sample(sorted(texts), size)
            some = chance.sample(train, chance.choice([100, 400, 2000]))
            for hides in (1, 0):
                with_leak, leaked = hidden(some, evals, texts, own[:hides])
                found = lint(with_leak, [evals[row] for row in own])[0]
                good += sum(finding["related"][0]["line"] - 1 == leaked.get(own[row]) for row, finding in found.items())
                false += sum(own[row] not in leaked for row in found)
        print(f"{f'gsm8k, one of {size} eval rows':38} found in {good} of {draws} draws; {false} of {(2 * size - 1) * draws} others reported")


def planted() -> None:
    """Edits of known kinds, one kind at a time; any leak rule counts."""
    chance = random.Random(7)
    train = [(row["question"], row["answer"]) for row in lines(ROOT / "gsm8k" / "train.jsonl")]
    test = [(row["question"], row["answer"]) for row in lines(ROOT / "gsm8k" / "test.jsonl")]
    leaked, clean = test[:300], test[300:]
    vocabulary = [word for prompt, _ in train[:2000] for word in prompt.split()]
    frame = "Below is a task from our archive. Read it with care, think step by step and finish with the bare result. Task: {} Result:"
    kinds = {
        "5 % of the words edited": lambda p, a: (edit(p, 0.05, chance, vocabulary), edit(a, 0.05, chance, vocabulary)),
        "15 % of the words edited": lambda p, a: (edit(p, 0.15, chance, vocabulary), edit(a, 0.15, chance, vocabulary)),
        "30 % of the words edited": lambda p, a: (edit(p, 0.30, chance, vocabulary), edit(a, 0.30, chance, vocabulary)),
        "verbatim inside a template": lambda p, a: (frame.format(p), a),
        "case and spacing": lambda p, a: (p.upper().replace(" ", "  "), a.lower()),
        "other answer": lambda p, a: (p, "I would rather not say."),
        "a prefix": lambda p, a: (f"Question from a pupil: {p}", a),
    }
    print(f"\n{'planted in GSM8K train (300 rows)':38} recall, other eval rows reported")
    for name, change in kinds.items():
        rows = [change(*row) for row in leaked]
        framed = [(frame.format(p), a) for p, a in train] if "template" in name else train
        found, _ = lint([*framed, *rows], [*leaked, *clean])
        good = sum(row < len(leaked) for row in found)
        print(f"{name:38} {good / len(leaked):.3f}  {len(found) - good} of {len(clean)}")
    for share in (0.15, 0.3):
        thrice = [(edit(p, share, chance, vocabulary), edit(a, share, chance, vocabulary)) for p, a in leaked[:100] for _ in range(3)]
        found, _ = lint([*train, *thrice], [*leaked[:100], *clean])
        good = sum(row < 100 for row in found)
        print(f"{f'100 rows, {share:.0%} edited, in three wordings':38} {good / 100:.3f}  {len(found) - good} of {len(clean)}")
    question = "Name the capital of the following country and nothing else, please: {}."
    one_word = [(question.format(place), place) for place in made_up(chance, 600)]
    found, _ = lint(one_word[:500], one_word[500:])
    print(f"{'prompts of one template, clean':38} {len(found)} of 100 eval rows reported")


def made_up(chance: random.Random, count: int) -> list[str]:
    """Made-up names, all different."""
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(4)).title()] = None
    return list(names)


if __name__ == "__main__":
    number = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 10)
    rewordings(number)
    small(number)
    planted()
