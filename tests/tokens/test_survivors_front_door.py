"""What a target will train on, in the lint report and in the length report, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"
COUNTING = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def chat(prompt_words: int, answer_words: int, number: int = 0) -> dict:
    words = [COUNTING[(number + place) % 10] for place in range(max(prompt_words, answer_words))]
    return {
        "messages": [
            {"role": "user", "content": " ".join(words[:prompt_words])},
            {"role": "assistant", "content": " ".join(words[:answer_words])},
        ]
    }


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three short rows, one whose answer is cut at 1,024 tokens, one whose prompt alone fills them."""
    rows = [chat(5, 5, number) for number in range(3)] + [chat(600, 700), chat(1500, 20)]
    write(tmp_path / "train.jsonl", rows)
    return tmp_path


def lint(tunelint, *arguments):
    ran = tunelint("lint", "train.jsonl", "--format", "json", *arguments)
    return ran, ran.json["files"][0]["tokens"]


def test_trained_tokens_are_in_the_json_only_with_a_target(tunelint, data: Path) -> None:
    assert lint(tunelint)[1]["trained"] is None
    ran, tokens = lint(tunelint, "--target", "openai")
    # Each number word is one token of o200k_base, so the answers are 5 + 5 + 5 + 700 + 20 tokens.
    assert tokens["trained"] == 735
    assert "openai trains on 5 of 5 records: 735 of" in ran.err


def test_the_summary_says_what_the_target_leaves_out(tunelint, data: Path) -> None:
    # trl trains the whole conversation, so both long rows lose trained tokens.
    ran, _ = lint(tunelint, "--target", "trl")
    assert "trl trains on about 5 of 5 records (2 with a cut answer)" in ran.err
    ran, _ = lint(tunelint, "--target", "axolotl")
    assert "axolotl trains on about 3 of 5 records (2 longer than 512 tokens)" in ran.err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_with_a_tokenizer_folder_the_numbers_are_those_of_its_rows(tunelint, data: Path, jobs: str) -> None:
    from tunelint.records.reader import read_records
    from tunelint.tokens.huggingface import TokenizerFolder
    from tunelint.tokens.masks import RowMaker
    from tunelint.tokens.recipes import recipe_for
    from tunelint.tokens.survivors import survivors

    folder = FIXTURES / "chatml"
    ran, tokens = lint(tunelint, "--target", "llamafactory", "--tokenizer", folder, "--jobs", jobs)
    maker = RowMaker(recipe_for("llamafactory"), TokenizerFolder(folder))
    ledger = survivors("llamafactory", (maker.outcome(record.value, record.example) for record in read_records("train.jsonl")))
    assert tokens["trained"] == ledger.tokens_trained > 0
    assert ledger.exact
    assert ledger.sentence() in ran.err


def test_the_window_of_the_rules_is_the_window_of_the_sums(tunelint, data: Path) -> None:
    Path("tunelint.toml").write_text("[rules.truncated-answer]\nmax-tokens = 700\n")
    ran, tokens = lint(tunelint, "--target", "openai")
    # 600 prompt tokens and about ten around them leave the fourth row 90 of its 700; the fifth has none left.
    assert 15 + 80 < tokens["trained"] < 15 + 95
    assert "1 the window cuts off every trained token; 1 with a cut answer" in ran.err


def test_only_training_files_are_summed_up(tunelint, data: Path) -> None:
    write(data / "eval.jsonl", [chat(4, 4, 7)])
    ran = tunelint("lint", "train.jsonl", "eval.jsonl", "--target", "openai", "--format", "json")
    assert "5 of 5 records" in ran.err
    assert [file["tokens"]["trained"] for file in ran.json["files"]] == [735, 4]


def test_every_target_has_a_recipe_that_agrees_with_its_facts() -> None:
    from tunelint.targets import load_target, target_names
    from tunelint.tokens.recipes import RECIPES

    assert set(RECIPES) == set(target_names())
    for name, recipe in RECIPES.items():
        target = load_target(name)
        assert recipe.window == target.value("max-tokens"), name
        assert target.value("overlong", recipe.overlong) == recipe.overlong, name
