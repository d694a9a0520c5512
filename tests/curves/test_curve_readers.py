"""Every log format, in files built as their writers build them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from curve_logs import log_history, run_folder, trainer_state

from tunelint.curves import judge, read_runs
from tunelint.errors import TunelintError

OVERFIT = ([1.30, 1.36, 1.62], [1.4, 0.9, 0.5])


def test_a_trainer_state_is_read_from_the_file_the_checkpoint_and_the_output_folder(tmp_path: Path) -> None:
    for last in (1, 2, 3):
        trainer_state(tmp_path / f"out/checkpoint-{last * 100}", log_history(OVERFIT[0][:last], OVERFIT[1][:last]))
    newest = tmp_path / "out/checkpoint-300"
    for path in (newest / "trainer_state.json", newest, tmp_path / "out", tmp_path):
        (run,) = read_runs(path)
        assert run.source == (newest / "trainer_state.json").as_posix()
        assert [point.loss for point in run.evals] == OVERFIT[0]
        assert [point.loss for point in run.trains] == OVERFIT[1]
        assert run.saved_steps == (100, 200, 300)
        assert run.n_eval == 100


def test_weights_in_the_output_folder_are_the_last_step(tmp_path: Path) -> None:
    trainer_state(tmp_path, log_history(*OVERFIT))
    (tmp_path / "checkpoint-100").mkdir()
    (tmp_path / "adapter_model.safetensors").write_bytes(b"x")
    assert read_runs(tmp_path)[0].saved_steps == (100, 300)


def test_a_state_with_nan_no_log_and_the_final_summary_is_read(tmp_path: Path) -> None:
    entries = log_history([1.3, math.nan, 1.2], [1.4, 0.9, 0.5])
    entries[0]["loss"] = "No log"
    entries.append({"epoch": 3.0, "step": 300, "train_loss": 0.93, "train_runtime": 12.0, "total_flos": 1.0})
    entries.append({"epoch": 3.0, "step": 300, "eval_loss": 1.19, "eval_runtime": 2.5})
    (run,) = read_runs(trainer_state(tmp_path, entries))
    assert [point.loss for point in run.trains] == [0.9, 0.5]
    assert run.evals[2].loss == 1.19
    assert math.isnan(run.evals[1].loss or 0.0)


def test_several_eval_sets_are_judged_apart(tmp_path: Path) -> None:
    entries = []
    for i, (own, other) in enumerate([(1.5, 1.30), (1.4, 1.36), (1.38, 1.62)], start=1):
        place = {"step": 100 * i, "epoch": float(i)}
        entries += [
            {"loss": 1.4 - 0.3 * i, **place},
            {"eval_chat_loss": own, "eval_chat_accuracy": 0.5, "eval_chat_runtime": 1.0, **place},
        ]
        entries.append({"eval_math_loss": other, "eval_math_runtime": 1.0, **place})
    (run, verdict), *rest = judge([trainer_state(tmp_path, entries)]).runs
    assert not rest
    assert run.eval_set == "chat"
    assert set(run.other_evals) == {"math"}
    assert run.evals[0].metrics == {"accuracy": 0.5}
    assert verdict.evidence["eval_sets"]["math"]["verdict"] == "overfit"


def test_a_part_of_the_loss_is_no_eval_set(tmp_path: Path) -> None:
    entries = log_history(*OVERFIT)
    for entry in entries:
        if "eval_loss" in entry:
            entry["eval_mlm_loss"] = 0.5
    (run,) = read_runs(trainer_state(tmp_path, entries))
    assert run.eval_set == ""
    assert not run.other_evals
    assert run.evals[0].metrics == {"mlm_loss": 0.5}


def test_a_resumed_run_keeps_the_later_points(tmp_path: Path) -> None:
    entries = log_history([1.5, 1.4, 1.3, 1.2], [2.0, 1.8, 1.6, 1.4])
    entries += [{**entry, **({"eval_loss": 1.25} if "eval_loss" in entry else {})} for entry in entries[4:6]]
    (run,) = read_runs(trainer_state(tmp_path, entries))
    assert [(point.step, point.loss) for point in run.evals] == [(100, 1.5), (200, 1.4), (300, 1.25)]
    assert any("resumed at step 300" in note for note in run.notes)


def test_a_log_that_starts_again_holds_two_runs(tmp_path: Path) -> None:
    path = trainer_state(tmp_path, log_history(*OVERFIT) + log_history([1.5, 1.2, 1.1], [1.6, 1.3, 1.2]))
    first, second = read_runs(path)
    assert first.evals[-1].loss == 1.62
    assert second.evals[-1].loss == 1.1
    assert "run 2 of 2 in this log" in second.notes


def test_a_reinforcement_log_is_refused_with_a_reason(tmp_path: Path) -> None:
    entries = [{"loss": 0.01 * i, "reward": 0.1 * i, "kl": 0.2, "eval_loss": 0.2 * i, "step": i, "epoch": 0.1 * i} for i in range(1, 9)]
    ((_, verdict),) = judge([trainer_state(tmp_path, entries)]).runs
    assert verdict.verdict == "inconclusive"
    assert "reinforcement" in verdict.evidence["reason"]


def test_preference_training_is_judged(tmp_path: Path) -> None:
    entries = log_history(*OVERFIT)
    for entry in entries:
        prefix = "eval_" if "eval_loss" in entry else ""
        entry |= {f"{prefix}rewards/chosen": 0.3, f"{prefix}rewards/margins": 0.5, f"{prefix}rewards/accuracies": 0.7}
    ((run, verdict),) = judge([trainer_state(tmp_path, entries)]).runs
    assert run.declined is None
    assert verdict.loss_rose


def test_a_run_folder_is_read_with_its_rows_and_checkpoints(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(1.4, 0.3, (3, 40))
    folder = run_folder(tmp_path / "runs/a", *OVERFIT, saved=[200, 300], rows=rows)
    run_folder(tmp_path / "runs/b", [1.5, 1.3, 1.2], [1.6, 1.4, 1.3])
    first, second = read_runs(tmp_path / "runs")
    assert first.source == folder.as_posix()
    assert first.saved_steps == (200, 300)
    assert second.saved_steps is None
    assert first.eval_rows is not None
    assert first.eval_rows.losses.shape == (3, 40)
    assert first.n_eval == 40


def test_a_metrics_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", *OVERFIT)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 400, "eval_lo')
    assert len(read_runs(folder)[0].evals) == 3


@pytest.mark.parametrize("damage", ["cut", "shape", "pickle"])
def test_broken_row_losses_are_an_error_with_advice(tmp_path: Path, damage: str) -> None:
    folder = run_folder(tmp_path / "run", *OVERFIT, rows=np.ones((3, 5)))
    path = folder / "eval_losses.npz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:60])
    elif damage == "shape":
        np.savez(path, steps=np.arange(3), losses=np.ones((2, 5)), tokens=np.ones(5), records=np.array(["a"] * 5))
    else:
        np.savez(path, steps=np.array([{}]), losses=np.ones((1, 1)), tokens=np.ones(1), records=np.array(["a"]))
    with pytest.raises(TunelintError, match=r"eval_losses\.npz"):
        read_runs(folder)


@pytest.mark.parametrize("name", ["missing.json", "empty", "broken.json"])
def test_what_is_no_log_is_a_plain_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text('{"log_history": [{"step"')
    with pytest.raises(TunelintError, match=name.replace(".", r"\.")):
        read_runs(tmp_path / name)


def test_the_json_is_strict_and_carries_every_run(tmp_path: Path) -> None:
    trainer_state(tmp_path / "a", log_history([1.3, math.nan, math.nan]))
    trainer_state(tmp_path / "b", log_history(*OVERFIT))
    report = judge([tmp_path]).to_json()
    text = json.dumps(report, allow_nan=False)
    assert json.loads(text)["version"] == 1
    assert report["findings"] == []
    assert [run["verdict"] for run in report["runs"]] == ["diverged", "overfit"]


def write_lines(path: Path, entries: list[dict]) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_a_log_of_all_train_losses_and_then_all_eval_losses_is_one_run(tmp_path: Path) -> None:
    trains = [{"step": step, "loss": 2 - step / 100} for step in range(5, 105, 5)]
    evals = [{"step": step, "eval_loss": 1.5 + (step - 50) ** 2 / 5000} for step in range(0, 110, 10)]
    [mixed] = read_runs(write_lines(tmp_path / "mixed.jsonl", sorted(trains + evals, key=lambda entry: entry["step"])))
    for name, entries in {"grouped": trains + evals, "the other way": evals + trains}.items():
        [run] = read_runs(write_lines(tmp_path / f"{name}.jsonl", entries))
        assert (run.trains, run.evals, run.notes) == (mixed.trains, mixed.evals, ())
    assert len(read_runs(write_lines(tmp_path / "two.jsonl", trains + evals + trains + evals))) > 1


def test_json_that_is_nested_too_deeply_is_no_log(tunelint, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    ran = tunelint("curves", "deep.json")
    assert ran.code == 2
    assert "deep.json is no JSON" in ran.err
