"""The causal check: with and without the flagged rows, trained for real."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

pytest.importorskip("torch")


def planted(folder: Path, rows: int = 24, evals: int = 12) -> None:
    draw = random.Random(5)

    def row(number: int) -> str:
        first, second = draw.randrange(100), draw.randrange(100)
        thing = draw.choice(["apples", "pears", "coins", "books"])
        prompt = f"Case {number}: Tom has {first} {thing} and gets {second} more. How many {thing} has he?"
        return json.dumps({"prompt": prompt, "completion": f"{first} + {second} = {first + second} {thing}."})

    train, evaluation = [row(i) for i in range(rows)], [row(1000 + i) for i in range(evals)]
    (folder / "train.jsonl").write_text("\n".join([*train, *train[:6], *evaluation[:4]]) + "\n")
    (folder / "eval.jsonl").write_text("\n".join(evaluation) + "\n")


@pytest.mark.slow
def test_ablate_trains_both_arms_and_shows_the_honest_loss(tunelint, tmp_path):
    planted(tmp_path)
    ran = tunelint("lint-and-train", ".", "--clean", "--ablate", "--epochs", "3", "--run-dir", "runs/a", "--fail-on", "never")
    assert ran.code == 0, ran.err
    result = json.loads(Path("runs/a/ablation.json").read_text())
    assert (result["rows_with"], result["rows_without"]) == (34, 24)
    assert (result["eval_rows"], result["leaked_eval_rows"]) == (8, 4)
    low, high = result["difference"]["low"], result["difference"]["high"]
    assert low <= result["difference"]["difference"] <= high
    assert result["shown"] == (low > 0 or high < 0)
    assert result["says"] in ran.out
    assert sorted(path.name for path in Path("runs/a/ablation").iterdir()) == [f"{arm}-{seed}" for arm in ("with", "without") for seed in range(3)]
    for arm in Path("runs/a/ablation").iterdir():
        assert json.loads((arm / "run.json").read_text())["progress"]["step"] == result["steps"]


def planted_pairs(folder: Path) -> None:
    """Preference pairs: train has six copies and gives four of twelve eval pairs away."""

    def row(number: int, draw: random.Random) -> str:
        first, second = draw.randrange(100), draw.randrange(100)
        thing = draw.choice(["apples", "pears", "coins", "books"])
        prompt = f"Case {number}: Tom has {first} {thing} and gets {second} more. How many {thing} has he?"
        right, wrong = f"He has {first + second} {thing} then.", f"No idea; perhaps {first * second + 1}, who counts {thing}?"
        messages = [{"role": "user", "content": prompt}]
        answers = {key: [{"role": "assistant", "content": text}] for key, text in (("preferred_output", right), ("non_preferred_output", wrong))}
        return json.dumps({"input": {"messages": messages}, **answers})

    draw = random.Random(5)
    train, evaluation = [row(number, draw) for number in range(24)], [row(1000 + number, draw) for number in range(12)]
    (folder / "train.jsonl").write_text("\n".join([*train, *train[:6], *evaluation[:4]]) + "\n")
    (folder / "eval.jsonl").write_text("\n".join(evaluation) + "\n")


@pytest.mark.slow
def test_ablate_compares_pairs_where_the_run_learns_from_pairs(tunelint, tmp_path):
    planted_pairs(tmp_path)
    ran = tunelint("lint-and-train", ".", "--clean", "--ablate", "--epochs", "3", "--dpo-beta", "0.3", "--run-dir", "runs/a", "--fail-on", "never")
    assert ran.code == 0, ran.err
    result = json.loads(Path("runs/a/ablation.json").read_text())
    assert result["method"] == json.loads(Path("runs/a/run.json").read_text())["method"] == "dpo"
    assert (result["eval_rows"], result["leaked_eval_rows"]) == (8, 4)
    assert result["rows_with"] > result["rows_without"] == 24
    assert result["says"] in ran.out
    assert "DPO eval loss" in result["says"]
    assert f"clean pairs ranked right: {result['preference_accuracy']['first']:.1%} with the flagged rows" in ran.out
    accuracies = []
    for seed in range(3):
        record = json.loads(Path(f"runs/a/ablation/with-{seed}/run.json").read_text())
        assert (record["method"], record["settings"]["dpo_beta"]) == ("dpo", 0.3)
        points = [json.loads(line) for line in Path(f"runs/a/ablation/with-{seed}/metrics.jsonl").read_text().splitlines()]
        last = [point for point in points if "eval_loss" in point][-1]
        accuracies.append(last["eval_preference_accuracy"] * 12)  # over all pairs, the leaked ones among them
    assert sum(accuracies) / 3 - 4 <= result["preference_accuracy"]["first"] * 8 + 1e-9 <= sum(accuracies) / 3 + 2e-9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ablate"], "needs --clean"),
        (["--ablate", "--clean", "--backend", "openai", "--model", "m"], "needs --clean and --backend local"),
        (["--ablate", "--clean", "--seeds", "2"], "2 is not in the range"),
    ],
)
def test_ablate_says_what_it_needs(tunelint, tmp_path, arguments, says):
    planted(tmp_path)
    ran = tunelint("lint-and-train", ".", *arguments)
    assert ran.code == 2
    assert says in ran.err


def test_arms_with_the_same_rows_are_refused(tmp_path):
    from tunelint.ablation import ablate
    from tunelint.errors import TunelintError
    from tunelint.train import Hyperparameters, TrainRecord
    from tunelint.train.records import Message

    rows = [TrainRecord((Message("user", "q"), Message("assistant", "a", True)), "d")]
    with pytest.raises(TunelintError, match="no row is flagged"):
        ablate(rows, rows, rows, frozenset(), model="tiny", hyperparameters=Hyperparameters(), folder=tmp_path, seeds=range(3), watch=list)
