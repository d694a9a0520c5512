"""From the verdict back to the rows: on made-up losses, and on a run that is really trained on planted faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted import Planted, plant

from tunelint.api import Settings, lint
from tunelint.curves import judge, render_report, render_terminal
from tunelint.engine.result import Report
from tunelint.pipeline import judge_runs
from tunelint.records.reader import read_records
from tunelint.report.as_json import render_json


def linted(planted: Planted) -> Report:
    """The lint report; the splits are named, because the folder of a test has an eval word in its name."""
    return lint(train=[str(planted.train)], eval=[str(planted.eval)])


def digests(path: Path) -> list[str]:
    return [record.digest for record in read_records(str(path))]


def make_run(folder: Path, planted: Planted, with_lint: bool, leak_gap: float = 1.5, copy_gap: float = 0.3) -> Path:
    """A run folder over the planted files whose losses are made up: leaked rows and copies are learnt better.

    The clean eval rows rise by 15 % from epoch 2 on, the leaked ones fall, so that the whole eval loss stays level.
    """
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    trains, evals = digests(planted.train), digests(planted.eval)
    copied = {record for i, record in enumerate(trains, 1) if i in planted.copies}
    row_losses = np.stack([random.normal(level, 0.05, len(trains)) for level in (2.5, 1.4, 0.9, 0.6)])
    row_losses[1:, [record in copied for record in trains]] -= copy_gap
    is_leaked = np.array([i in planted.leaked for i in range(1, len(evals) + 1)])
    eval_losses = np.stack([random.normal(level, 0.05, len(evals)) for level in (2.4, 2.0, 2.1, 2.3)])
    eval_losses[:, is_leaked] = np.array([2.4, 2.0 - leak_gap / 3, 2.0 - 2 * leak_gap / 3, 2.0 - leak_gap])[:, None]
    steps = np.arange(4) * 10
    np.savez(folder / "row_losses.npz", epochs=np.arange(4.0), losses=row_losses, tokens=np.full(len(trains), 20), records=trains)
    np.savez(folder / "eval_losses.npz", steps=steps, losses=eval_losses, tokens=np.full(len(evals), 20), records=evals)
    lines: list[dict[str, Any]] = []
    for i, step in enumerate(steps):
        lines.append({"step": int(step), "epoch": float(i), "eval_loss": float(eval_losses[i].mean())})
        lines.append({"step": int(step), "epoch": float(i), "loss": float(row_losses[i].mean())})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if with_lint:
        (folder / "lint.json").write_text("".join(render_json(linted(planted))))
    return folder


def causes(folder: Path) -> dict[str, dict[str, Any]]:
    ((_, verdict),) = judge([folder]).runs
    return {cause["kind"]: cause for cause in verdict.evidence.get("causes", ())}


def lines_of(cause: dict[str, Any], path: Path) -> set[int]:
    return {row["line"] for row in cause["rows"] if row["path"] == str(path)}


def test_leaked_rows_and_copies_are_named_by_file_and_line(tmp_path: Path) -> None:
    planted = plant(tmp_path, seed=1)
    found = causes(make_run(tmp_path / "run", planted, with_lint=True))
    assert lines_of(found["leaked_eval_rows"], planted.eval) == planted.leaked
    assert lines_of(found["repeated_train_rows"], planted.train) == planted.copies
    for kind in ("leaked_eval_rows", "repeated_train_rows"):
        assert found[kind]["command"] == f"tunelint clean {planted.train} {planted.eval} -o cleaned/"
    numbers = found["leaked_eval_rows"]["numbers"]
    assert numbers["eval_loss_without_leaks"] > numbers["eval_loss_reported"]
    assert (numbers["leaked_rows"], numbers["eval_rows"]) == (15, 60)


def test_without_a_lint_report_equal_digests_still_tell(tmp_path: Path) -> None:
    planted = plant(tmp_path, seed=2)
    found = causes(make_run(tmp_path / "run", planted, with_lint=False))
    evals, trains = digests(planted.eval), digests(planted.train)
    assert {row["record"] for row in found["leaked_eval_rows"]["rows"]} == {evals[i - 1] for i in planted.leaked}
    assert {row["record"] for row in found["repeated_train_rows"]["rows"]} == {trains[i - 1] for i in planted.copies}


def test_leaks_that_hide_the_overfitting_are_seen_through(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plant(tmp_path, seed=3), with_lint=True)
    ((_, verdict),) = judge([run]).runs
    assert verdict.verdict != "overfit"
    honest = verdict.evidence["without_leaks"]
    assert (honest["verdict"], honest["best_step"]) == ("overfit", 10)
    assert honest["rise"] == pytest.approx(0.15, abs=0.03)


def test_copies_that_were_learnt_no_better_are_no_cause(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", plant(tmp_path, seed=4), with_lint=True, copy_gap=0.0)
    assert "repeated_train_rows" not in causes(run)


def test_clean_data_have_no_cause_but_the_hardest_rows(tmp_path: Path) -> None:
    planted = plant(tmp_path, seed=5, copies=0, leaks=0)
    assert set(causes(make_run(tmp_path / "run", planted, with_lint=True))) <= {"hardest_eval_rows", "rows_behind_the_rise"}


def test_rows_known_by_heart_are_told_by_what_unseen_rows_cost(tmp_path: Path) -> None:
    planted = plant(tmp_path, seed=6, copies=0, leaks=0)
    run = make_run(tmp_path / "run", planted, with_lint=False)
    with np.load(run / "row_losses.npz") as arrays:
        content = dict(arrays)
    content["losses"][-1, [3, 5, 8]] = 0.01
    np.savez(run / "row_losses.npz", **content)
    cause = causes(run)["memorised_train_rows"]
    assert {row["record"] for row in cause["rows"]} == {content["records"][i] for i in (3, 5, 8)}
    assert cause["rows"][0]["numbers"]["largest_drop"] > 0.95


def test_the_rows_behind_a_rise_are_the_ones_that_rose(tmp_path: Path) -> None:
    planted = plant(tmp_path, seed=7, copies=0, leaks=0)
    run = make_run(tmp_path / "run", planted, with_lint=False)
    with np.load(run / "eval_losses.npz") as arrays:
        content = dict(arrays)
    content["losses"][-1, :4] += 20.0
    np.savez(run / "eval_losses.npz", **content)
    cause = causes(run)["rows_behind_the_rise"]
    assert {row["record"] for row in cause["rows"][:4]} == set(content["records"][:4])
    assert cause["numbers"]["share_of_worst_tenth"] > 0.8


def test_people_see_the_rows_and_the_command(tmp_path: Path) -> None:
    planted = plant(tmp_path, seed=8)
    report = judge([make_run(tmp_path / "run", planted, with_lint=True)])
    text, page = render_terminal(report, color=False), render_report(report.runs)
    for shown in (text, page):
        assert f"{planted.eval}:{min(planted.leaked)}" in shown or f"{planted.eval}:" in shown
        assert "tunelint clean" in shown
        assert "overfit by the clean eval rows alone" in shown


def test_a_lint_report_of_another_kind_is_refused(tmp_path: Path) -> None:
    from tunelint.errors import TunelintError

    run = make_run(tmp_path / "run", plant(tmp_path, seed=9), with_lint=False)
    (run / "lint.json").write_text("[]")
    with pytest.raises(TunelintError, match=r"lint\.json"):
        judge([run])


def test_a_trained_run_names_its_planted_rows(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="local training is an extra")
    from tunelint.train import Hyperparameters, Plan, follow_run, start_run
    from tunelint.train.records import select_records

    planted = plant(tmp_path, seed=10, train=60, copies=15, evals=40, leaks=15)
    selected = [select_records((record.example, record.digest) for record in read_records(str(path))) for path in (planted.train, planted.eval)]
    settings = Hyperparameters(epochs=8, batch_size=8)
    folder = start_run(Plan(train=selected[0].records, eval=selected[1].records, run_dir=tmp_path / "run", seed=1, hyperparameters=settings))
    for _ in follow_run(folder):
        pass
    (folder.path / "lint.json").write_text("".join(render_json(linted(planted))))
    found = causes(folder.path)
    for kind, truth, path in (("leaked_eval_rows", planted.leaked, planted.eval), ("repeated_train_rows", planted.copies, planted.train)):
        named = lines_of(found[kind], path)
        assert len(named & truth) >= 0.9 * len(truth)
        assert len(named & truth) >= 0.9 * len(named)

    judged = judge_runs([folder.path], Settings())
    for rule, truth, path in (("suspiciously-good-eval", planted.leaked, planted.eval), ("memorised-rows", planted.copies, planted.train)):
        named = {row.line for finding in judged.findings if finding.name == rule for row in finding.related if row.path == str(path)}
        assert len(named & truth) >= 0.9 * len(truth), (rule, [finding.message for finding in judged.findings])
