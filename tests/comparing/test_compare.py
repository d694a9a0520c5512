"""`tunelint compare`: base, few-shot and tuned on the same rows, here and at an endpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.serving import Served, support_jsonl
from tunelint.comparing import endpoint
from tunelint.comparing.cases import Case, as_case
from tunelint.comparing.paired import Difference, mean_difference, rate_difference
from tunelint.comparing.scores import score
from tunelint.comparing.shots import choose_shots, with_shots
from tunelint.comparing.verdict import decide
from tunelint.train import TrainRecord
from tunelint.train.records import Message

KEY = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3


def row(asked: str, answer: str, **more: Any) -> TrainRecord:
    return TrainRecord((Message("system", "Be brief."), Message("user", asked), Message("assistant", answer, True)), asked, **more)


def test_json_answers_are_judged_as_json():
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"type": "integer"}}}
    case = as_case(row("sum", '{"total": 3, "unit": "kg"}'))
    same = score(case, ' {"unit":"kg","total":3}\n', case.wanted)
    assert (same.exact, same.valid) == (True, True)
    other = score(case, "3 kg", case.wanted)
    assert (other.exact, other.valid) == (False, False)
    assert not score(case, '{"total": NaN}', case.wanted).valid, "NaN is not JSON"
    assert not score(case, '{"total": true, "unit": "kg"}', case.wanted).exact
    strict = Case(case.record, case.prompt, case.answer, schema)
    assert score(strict, '{"total": 4}', case.wanted).valid
    assert not score(strict, '{"total": "4"}', case.wanted).valid
    assert score(as_case(row("say", "three")), "three", "three").valid is None, "nobody asked for JSON"


@given(st.text(), st.text())
def test_similarity_is_one_for_equal_texts_and_between_zero_and_one(one, two):
    case = as_case(row("x", one))
    assert score(case, one, one).similarity == 1
    assert 0 <= score(case, two, one).similarity <= 1
    assert score(case, two, one).similarity == pytest.approx(score(case, one, two).similarity)


def test_examples_are_the_nearest_other_prompts_and_are_not_trained():
    train = [row("sing a song", "la"), row("price of a camera", "90"), row("price of a red camera", "95"), row("price of the camera", "99")]
    case = as_case(row("price of the camera", "?"))
    [chosen] = choose_shots([case], train, 2, "nearest", 0)
    assert [shot.answer.text for shot in chosen] == ["95", "90"], "the nearest last; the very same prompt is never shown"
    shown = with_shots(case, chosen)
    assert [turn.role for turn in shown.messages] == ["system", "user", "assistant", "user", "assistant", "user", "assistant"]
    assert [turn.trained for turn in shown.messages] == [False] * 6 + [True]
    drawn = [choose_shots([case], train, 2, "random", seed)[0] for seed in (1, 1, 2, 3, 4, 5)]
    assert drawn[0] == drawn[1]
    assert len({tuple(shot.record.digest for shot in shots) for shots in drawn}) > 1


def test_paired_differences_are_those_of_the_textbook():
    from scipy import stats

    first, second = [1.0, 2.0, 4.0, 3.0, 5.0, 2.5, 1.0, 0.5, 2.0, 3.0, 2.0], [1.5, 2.25, 5.0, 3.5, 5.0, 3.5, 2.0, 1.0, 2.0, 4.0, 2.5]
    found = mean_difference(first, second, lower_is_better=True)
    test = stats.ttest_rel(first, second)
    low, high = test.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.call == "better"
    assert mean_difference(first, second).call == "worse"
    weighted = mean_difference([1.0, None, 3.0], [2.0, 1.0, 3.0], [1, 5, 3])
    assert (weighted.difference, weighted.rows) == (pytest.approx(-0.25), 2)
    assert mean_difference(first[:5], second[:5]).call == "not_shown", "five rows show nothing"
    # Agresti and Min (2005), by hand: 8 gained and 1 lost of 20 rows.
    rates = rate_difference([True] * 8 + [False] + [True] * 11, [False] * 8 + [True] + [True] * 11)
    assert rates.difference == pytest.approx(0.35)
    spread = 1.959964 * (10 - 49 / 22) ** 0.5 / 22
    assert (rates.low, rates.high) == pytest.approx((7 / 22 - spread, 7 / 22 + spread))
    assert rates.call == "better"
    nothing = rate_difference([False] * 20, [False] * 20)
    assert (nothing.difference, nothing.call) == (0, "not_shown")
    assert nothing.high > 0.05, "twenty failures do not prove that all fail"


def difference(value: float, call: str, rows: int = 40) -> Difference:
    return Difference(value, value - 0.1, value + 0.1, rows, call)


def test_the_verdict_says_plainly_when_prompting_does_as_well():
    same = {"loss": difference(-1, "better"), "exact_match": difference(0, "not_shown"), "similarity": difference(0.01, "better")}
    name, says = decide(same, {})
    assert name == "few_shot_as_good"
    assert "Few-shot prompting does as well as the tuned model: no difference that matters shown" in says
    assert says.endswith("Fine-tuning was not needed for these rows.")
    assert decide({**same, "exact_match": difference(0.3, "better")}, {})[0] == "tuning_helps"
    assert decide({**same, "exact_match": difference(-0.3, "worse")}, {})[0] == "few_shot_better"
    assert decide({"exact_match": difference(0.3, "better"), "similarity": difference(-0.3, "worse")}, {})[0] == "mixed"
    assert decide({}, {"loss": difference(-1, "better")})[0] == "tuning_helps", "plain texts have a loss only"
    assert decide({}, same)[0] == "base_as_good"
    assert decide({"exact_match": difference(1, "not_shown", 9)}, {})[0] == "too_few_rows"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run in runs/one: one eval row asks for JSON by a schema, another holds a key."""
    pytest.importorskip("transformers", reason="local models are an extra")
    from tunelint.cli.main import main

    folder = tmp_path_factory.mktemp("compare")
    rows = [json.loads(line) for line in support_jsonl(12, 99).splitlines()]
    schema = {"type": "object", "required": ["order"], "properties": {"order": {"type": "integer"}}}
    rows[0]["messages"][-1]["content"] = '{"order": 7}'
    rows[0]["response_format"] = {"type": "json_schema", "json_schema": {"name": "o", "schema": schema}}
    rows[1]["messages"][-2]["content"] += f" My key is {KEY}."
    (folder / "train.jsonl").write_bytes(support_jsonl(24, 1))
    (folder / "eval.jsonl").write_text("".join(json.dumps(item) + "\n" for item in rows))
    paths = [str(folder / name) for name in ("train.jsonl", "eval.jsonl")]
    code = main(["train", *paths, "--epochs", "2", "--batch-size", "8", "--run-dir", str(folder / "runs/one"), "--fail-on", "never", "--no-lint"])
    assert code == 0
    return folder


def test_compare_here(tunelint, room):
    import numpy as np

    asked = ("compare", room / "runs/one", "--max-tokens", "8")
    ran = tunelint(*asked, "--format", "json", "--format", "markdown:c.md", "--format", "html:c.html")
    assert ran.code == 0, ran.err
    report = ran.json
    assert set(report["arms"]) == {"base", "few_shot", "tuned"}
    assert report["arms"]["tuned"]["loss"] < report["arms"]["base"]["loss"]
    assert report["differences"]["tuned_minus_few_shot"]["loss"]["call"] == "better"
    assert report["schemas"] == 1
    assert report["arms"]["tuned"]["json_rows"] == 1
    table = np.load(room / "runs/one/eval_losses.npz")
    kept = list(table["steps"]).index(report["step"])
    for arm, point in (("base", 0), ("tuned", kept)):
        found = {item["record"]: item["arms"][arm]["loss"] for item in report["rows"]}
        expected = dict(zip(table["records"].tolist(), table["losses"][point].tolist(), strict=True))
        assert found == pytest.approx(expected, rel=1e-5), "the losses of the run itself, row by row"
    assert json.loads((room / "runs/one/comparison.json").read_text()) == report
    again = tunelint(*asked, "--format", "json")
    assert again.json == report, "the same seed gives the same comparison"
    saved = tunelint("compare", room / "runs/one", "--saved")
    assert report["says"] in saved.out
    assert "few-shot: up to 4 train rows in the prompt, nearest by TF-IDF" in saved.out
    assert "| tuned - few-shot | 95 % interval" in Path("c.md").read_text()
    assert report["says"] in Path("c.html").read_text()


def test_nothing_learnt_means_nothing_gained(tunelint, room, tmp_path):
    """A run that made the very model it started from: the base model does as well, and that is said."""
    from tunelint.train import find_run
    from tunelint.train.result import load_base

    shutil.copytree(room / "runs/one", tmp_path / "runs/idle")
    load_base(find_run(str(tmp_path / "runs/idle")), "cpu")[0].save_pretrained(tmp_path / "runs/idle/model")
    ran = tunelint("compare", "runs/idle", "--shots", "0", "--max-tokens", "3")
    assert ran.code == 0, ran.err
    assert "The base model does as well as the tuned model: no difference shown" in ran.out
    assert "Fine-tuning was not needed" in ran.out
    assert "few-shot: no examples were shown" in ran.out
    assert "the base model tiny is untrained" in ran.out


def test_compare_at_an_endpoint_gives_the_very_answers(tunelint, room, monkeypatch):
    pytest.importorskip("uvicorn")
    here = tunelint("compare", room / "runs/one", "--max-tokens", "6", "--limit", "3", "--format", "json").json
    served = Served(room / "server", "--base", f"tuned={room / 'runs/one/model'}")
    try:
        asked = (
            "compare",
            room / "runs/one",
            "--base-url",
            served.url,
            "--tuned-model",
            "tuned",
            "--max-tokens",
            "6",
            "--limit",
            "3",
            "--allow-secrets",
        )
        assert "say --base-model" in tunelint(*asked).err
        refused = tunelint(*asked, "--base-model", "tiny")
        assert refused.code == 2
        assert "say --yes" in refused.err
        ran = tunelint(*asked, "--base-model", "tiny", "--yes", "--format", "json")
        assert ran.code == 0, ran.err
        unknown = tunelint(*asked, "--base-model", "nobody", "--yes")
    finally:
        served.stop()
    monkeypatch.setattr(endpoint, "RETRIES", 0)
    gone = tunelint(*asked, "--base-model", "tiny", "--yes")
    assert gone.code == 2
    assert f"No answer from {served.url}" in gone.err
    assert "9 chats" in ran.err
    there = ran.json
    assert there["arms"]["tuned"]["loss"] is None
    for one, other in zip(here["rows"], there["rows"], strict=True):
        if "tuned" in other["arms"]:
            assert one["arms"]["tuned"]["answer"] == other["arms"]["tuned"]["answer"]
    assert sum("tuned" in item["arms"] for item in there["rows"]) == 3
    assert there["verdict"] == "too_few_rows"
    assert unknown.code == 2
    assert "refuses a chat with nobody (404)" in unknown.err


@pytest.mark.slow
def test_a_run_of_an_api_is_compared_where_it_was_made_and_exported_from_its_server(tunelint, tmp_path):
    """Nothing mocked: trained by `tunelint serve`, compared with no more than the run's name."""
    pytest.importorskip("transformers")
    pytest.importorskip("uvicorn")
    (tmp_path / "train.jsonl").write_bytes(support_jsonl(24, 1))
    (tmp_path / "eval.jsonl").write_bytes(support_jsonl(12, 99))
    served = Served(tmp_path / "server")
    try:
        asked = ("--backend", "openai", "--base-url", served.url, "--model", "tiny", "--epochs", "3", "--batch-size", "8", "--yes")
        trained = tunelint("train", "train.jsonl", "eval.jsonl", *asked, "--run-dir", "runs/far", "--fail-on", "never")
        assert trained.code == 0, trained.err
        ran = tunelint("compare", "far", "--yes", "--max-tokens", "8", "--shots", "2", "--format", "json")
        assert ran.code == 0, ran.err
    finally:
        served.stop()
    record = json.loads(Path("runs/far/run.json").read_text())
    report = ran.json
    assert (report["where"], report["base"], report["tuned"]) == (served.url, "tiny", record["api"]["fine_tuned_model"])
    assert {arm: found["rows"] for arm, found in report["arms"].items()} == {"base": 12, "few_shot": 12, "tuned": 12}
    assert report["shots"]["mean_used"] == 2
    refused = tunelint("export", "far")
    assert refused.code == 2
    hint = f"tunelint export SERVE_DIR/jobs/{record['api']['job']}"
    assert hint in refused.err
    exported = tunelint(*hint.replace("SERVE_DIR", str(tmp_path / "server")).split()[1:], "-o", "out")
    assert exported.code == 0, exported.err
    assert Path("out/model.safetensors").is_file()


def test_secrets_are_not_sent_and_not_shown(tunelint, room):
    asked = ("compare", room / "runs/one", "--limit", "0", "--yes")
    ran = tunelint(*asked, "--base-url", "http://127.0.0.1:9/v1", "--base-model", "a", "--tuned-model", "b")
    assert ran.code == 2
    assert "--allow-secrets" in ran.err
    shown = tunelint(*asked, "--max-tokens", "1", "--shots", "0", "--format", "json")
    assert "My key is sk-" in shown.out
    assert KEY not in shown.out
    assert KEY not in (room / "runs/one/comparison.json").read_text()


def test_a_run_without_eval_rows_and_a_run_that_is_not_there(tunelint, tmp_path):
    from tunelint.train import Plan, RunFolder

    RunFolder.create(Plan(train=(row("a", "b"),), run_dir=tmp_path / "runs/bare"))
    ran = tunelint("compare", "bare")
    assert (ran.code, ran.out) == (2, "")
    assert "has no model yet" in ran.err
    assert tunelint("compare", "nothing").code == 2
    assert "no saved comparison" in tunelint("compare", "bare", "--saved").err
