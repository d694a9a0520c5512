"""`tunelint stats`: lengths, what targets train on, cost and plan, through the command line."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def chat(prompt_words: int, answer_words: int, number: int = 0) -> dict:
    words = [WORDS[(number + place) % 10] for place in range(max(prompt_words, answer_words))]
    turns = (("user", words[:prompt_words]), ("assistant", words[:answer_words]))
    return {"messages": [{"role": role, "content": " ".join(said)} for role, said in turns]}


def write(path: str, rows: list[dict]) -> None:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def stats(tunelint):
    """Run the report over training rows of 20, 20, 20, 1310 and 1530 tokens and one of 18 for evaluation."""
    # Eight words a row, one token each, and 3 + 3 for the messages, 1 + 1 for the roles, 3 for the reply.
    write("train.jsonl", [chat(5, 4, number) for number in range(3)] + [chat(600, 699), chat(1500, 19)])
    write("eval.jsonl", [chat(4, 3)])

    def run(*arguments):
        ran = tunelint("stats", "train.jsonl", "eval.jsonl", "--format", "json", *arguments)
        assert ran.code == 0, ran.err
        return ran.json

    return run


def test_lengths_are_those_of_tiktoken(stats) -> None:
    report = stats()
    assert (report["counter"], report["exact"]) == ("o200k_base", True)
    train = report["splits"]["train"]
    assert [row["tokens"] for row in train["longest"]] == [1530, 1310, 20, 20, 20]
    assert (train["longest"][0]["path"], train["longest"][0]["line"], train["longest"][0]["row"]) == ("train.jsonl", 5, 5)
    assert train["tokens"] == 1530 + 1310 + 60
    assert report["splits"]["eval"]["tokens"] == 18
    assert train["percentiles"] == {
        "shortest": 20, "5": 20, "25": 20, "50": 20, "75": 1310, "90": 1530, "95": 1530, "99": 1530, "longest": 1530
    }  # fmt: skip
    assert train["windows"] == [
        {"window": 512, "records_within": 3, "tokens_of_longer": 2840},
        {"window": 1024, "records_within": 3, "tokens_of_longer": 2840},
        {"window": 2048, "records_within": 5, "tokens_of_longer": 0},
    ]
    assert sum(bar["records"] for bar in train["histogram"]) == 5
    assert report["targets"] == report["costs"] == report["plans"] == []


def test_targets_are_compared(stats) -> None:
    report = stats("--target", "trl,axolotl,openai", "--target", "llamafactory")
    assert {row["target"] for row in report["targets"]} == {"llamafactory"}  # the last option counts
    report = stats("--target", "trl,axolotl,openai")
    train = {row["target"]: row for row in report["targets"] if row["split"] == "train"}
    assert list(train) == ["trl", "axolotl", "openai"]
    assert (train["openai"]["trained"], train["openai"]["tokens_trained"], train["openai"]["exact"]) == (5, 12 + 699 + 19, True)
    assert (train["axolotl"]["trained"], train["axolotl"]["dropped"]) == (3, {"longer than 512 tokens": 2})
    assert (train["trl"]["trained"], train["trl"]["overlong_rows"], train["trl"]["steps_per_epoch"]) == (5, 2, 1)
    assert train["trl"]["tokens_cut"] > (1310 - 1024) + (1530 - 1024) - 20
    for row in report["targets"]:
        left_out = sum(sum(row[kind].values()) for kind in ("dropped", "untrained", "stopping"))
        assert row["trained"] + left_out == row["rows"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_smaller_window_and_batches_of_two(stats, jobs: str) -> None:
    report = stats("--target", "axolotl", "--max-tokens", "2000", "--batch-size", "2", "--jobs", jobs)
    row = report["targets"][0]
    assert (row["window"], row["trained"], row["steps_per_epoch"], row["longest"]) == (2000, 5, 3, row["longest"])
    assert report["plans"] == []


def test_cost_is_tokens_times_epochs_times_the_dated_price(stats) -> None:
    report = stats("--target", "openai,together,trl", "--epochs", "3")
    by_model = {cost["model"]: cost for cost in report["costs"] if cost["target"] == "openai"}
    row = report["targets"][0]
    mini = by_model["gpt-4o-mini-2024-07-18"]
    assert mini["usd"] == pytest.approx(row["tokens_kept"] * 3 * mini["usd_per_million"] / 1e6)
    assert mini["source"].startswith("https://")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", mini["read"])
    unknown = [cost for cost in report["costs"] if cost["target"] == "together"]
    assert [cost["usd"] for cost in unknown] == [None]
    assert not [cost for cost in report["costs"] if cost["target"] == "trl"]  # runs on the user's own machine
    priced = stats("--target", "together", "--price", "2", "--epochs", "1")["costs"]
    assert [cost["usd"] for cost in priced] == [pytest.approx(priced[0]["tokens"] * 2 / 1e6)]


def test_a_model_has_its_own_price_and_its_snapshots_too() -> None:
    from tunelint.prices import price_of, training_prices

    known = {price.model: price.usd_per_million for price in training_prices("openai")}
    assert price_of("openai", "gpt-4.1-2025-04-14").usd_per_million == known["gpt-4.1"]
    assert price_of("openai", "gpt-4.1-mini").usd_per_million == known["gpt-4.1-mini"]
    assert price_of("openai", "gpt-4o-mini").usd_per_million == known["gpt-4o-mini-2024-07-18"]
    assert price_of("openai", "gpt-9") is None
    assert price_of("together", "gpt-4.1") is None
    assert training_prices("trl") is None


def test_the_commands_of_the_plan_run(stats, tunelint) -> None:
    plan = stats("--target", "axolotl")["plans"][0]
    assert plan["setting"] == "sequence_len: 2048"
    assert plan["problem"].startswith("about 2 of 5 rows are over the window of 512 tokens")
    program, *words = shlex.split(plan["clean"])
    assert program == "tunelint"
    assert tunelint(*words).code == 0
    kept = Path("cleaned/train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) == 3
    program, *words = shlex.split(plan["look"])
    assert words[:4] == ["tokens", "train.jsonl", "--row", "5"]


def test_the_text_says_the_same(stats, tunelint) -> None:
    stats()
    ran = tunelint("stats", "train.jsonl", "--target", "trl,openai")
    assert "Lengths of 5 train records, 2,900 tokens" in ran.out
    assert "1,530  train.jsonl:5" in ran.out
    assert re.search(r"1,024 +60\.0 % of the records +\(2 longer ones hold 2,840 tokens\)", ran.out)
    assert re.search(r"openai +65,536: cut at its end +5 +5 +0 +0 +730 +0 +unknown", ran.out)
    assert "Plan for trl: about 2 of 5 rows" in ran.out
    assert "Cost at openai gpt-4.1:" in ran.out


def test_the_page_is_offline_and_escapes_names(stats, tunelint) -> None:
    stats()
    name = "<b>&train.jsonl"
    write(name, [chat(3, 3)])
    assert tunelint("stats", name, "--target", "openai", "--format", "html:out.html", "--format", "text").code == 0
    page = Path("out.html").read_text(encoding="utf-8")
    assert "<b>&train" not in page
    assert "&lt;b&gt;&amp;train.jsonl" in page
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="', page)


def test_no_record_is_no_error(tunelint) -> None:
    Path("train.jsonl").write_text("\n", encoding="utf-8")
    ran = tunelint("stats", "train.jsonl", "--target", "trl", "--format", "json")
    assert (ran.code, ran.json["splits"]) == (0, {})
    assert "no record in train.jsonl" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--target", "trll"], "did you mean 'trl'"), (["--format", "pdf"], "no format 'pdf'"), (["none.jsonl"], "no such file")],
)
def test_wrong_arguments_are_exit_code_2(tunelint, arguments: list[str], said: str) -> None:
    write("train.jsonl", [chat(3, 3)])
    ran = tunelint("stats", *(["train.jsonl"] if arguments[0].startswith("-") else []), *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_with_a_tokenizer_folder_every_row_is_rendered(stats) -> None:
    folder = Path(__file__).parents[1] / "tokens/fixtures/chatml"
    report = stats("--tokenizer", str(folder), "--target", "trl,openai")
    assert (report["counter"], report["exact"]) == ("chatml", True)
    assert all(row["exact"] for row in report["targets"])
    trl = report["targets"][0]
    assert trl["tokens"] == report["splits"]["train"]["tokens"]
    assert trl["tokens_trained"] == trl["tokens_kept"] > report["targets"][1]["tokens_trained"]


def test_preference_pairs_and_tables(tunelint) -> None:
    pairs = [{"prompt": f"one two {n}", "chosen": "three four", "rejected": "five"} for n in range(4)]
    write("train.jsonl", pairs)
    ran = tunelint("stats", "train.jsonl", "--target", "trl,axolotl,llamafactory,openai,bedrock", "--format", "json")
    assert [row["rows"] for row in ran.json["targets"]] == [4] * 5


@given(st.lists(st.integers(min_value=0, max_value=3000), min_size=1, max_size=40))
def test_shares_and_bins_count_every_record(lengths: list[int]) -> None:
    import numpy as np

    from tunelint.engine.tokens import histogram
    from tunelint.stats import FileLengths, Stats
    from tunelint.stats.text import percentiles, shares

    counts = np.array(lengths, dtype=np.int64)
    file = FileLengths("train.jsonl", "train", "text", len(lengths), 0, counts, np.arange(1, len(lengths) + 1), ())
    stats = Stats("o200k_base", True, "", (file,), (), None)
    assert sum(count for _, count in histogram(counts)) == len(lengths)
    for window, inside, over in shares(stats, "train"):
        assert inside == sum(length <= window for length in lengths)
        assert over == sum(length for length in lengths if length > window)
    assert shares(stats, "train")[-1][1] == len(lengths)
    values = [value for _, value in percentiles(stats, "train")]
    assert values == sorted(values)
    assert set(values) <= set(lengths)
    assert stats.longest("train", 1)[0].tokens == max(lengths)


def test_a_dry_run_of_a_paid_job_says_the_dated_cost(tunelint, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    write("train.jsonl", [chat(5, 4, number) for number in range(10)])
    words = ["train", "train.jsonl", "--no-lint", "--backend", "openai", "--dry-run", "--model"]
    ran = tunelint(*words, "gpt-4.1-2025-04-14", "--epochs", "2")
    assert "25 USD per million tokens, read 20" in ran.err
    assert re.search(r"about \d\.\d\d USD", ran.err)
    ran = tunelint(*words, "gpt-4.1-2025-04-14")
    assert "the cost is unknown without --epochs" in ran.err
    ran = tunelint(*words, "gpt-9", "--epochs", "2")
    assert "the cost is unknown without --price" in ran.err
