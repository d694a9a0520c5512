"""The logs of other tools, in files built as their writers build them."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest
from curve_logs import log_history

from tunelint.curves import Run, diagnose, judge, read_runs
from tunelint.errors import TunelintError

DATA = Path(__file__).parent / "data"
EVALS, TRAINS = [1.30, 1.36, 1.62], [1.4, 0.9, 0.5]


def _only(path: Path) -> Run:
    (run,) = read_runs(path)
    return run


def _is_the_overfit_run(run: Run) -> None:
    assert [point.loss for point in run.evals] == pytest.approx(EVALS)
    assert [point.loss for point in run.trains] == pytest.approx(TRAINS)
    assert diagnose(run).verdict in ("overfit", "overconfident")


# OpenAI and Azure ----------------------------------------------------------------------------------------------------


def openai_csv(full: bool, steps: int = 60, noise: float = 0.3) -> str:
    """A result file: noisy single-batch valid_loss at every step, full_valid_loss at the end of each of 3 epochs."""
    scatter = random.Random(1)
    head = "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    lines = [head + (",train_mean_token_accuracy,full_valid_loss,full_valid_mean_token_accuracy" if full else "")]
    for step in range(1, steps + 1):
        epoch, last = (step - 1) * 3 // steps, step * 3 % steps == 0
        train = TRAINS[epoch] * (1 + 0.05 * scatter.random())
        row = f"{step},{train:.5f},0.7,{EVALS[epoch] * (1 + noise * scatter.gauss(0, 1)):.5f},0.71"
        if full:
            row += f",0.7,{EVALS[epoch]},{0.70 - 0.01 * epoch}" if last else ",0.7,,"
        lines.append(row)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "base64"])
def test_an_openai_result_file_is_judged_by_its_full_valid_loss(tmp_path: Path, wrapped: bool) -> None:
    text = openai_csv(full=True)
    path = tmp_path / "step_metrics.csv"
    path.write_text(base64.b64encode(text.encode()).decode() if wrapped else text)
    run = _only(path)
    assert [(point.step, point.loss) for point in run.evals] == [(20, 1.30), (40, 1.36), (60, 1.62)]
    assert set(run.evals[0].metrics) == {"mean_token_accuracy"}
    assert len(run.trains) == 60
    assert diagnose(run).verdict == "overfit"


def test_single_batch_validation_is_declined(tmp_path: Path) -> None:
    (tmp_path / "step_metrics.csv").write_text(openai_csv(full=False))
    ((run, verdict),) = judge([tmp_path / "step_metrics.csv"]).runs
    assert verdict.verdict == "inconclusive"
    assert "single batches" in verdict.evidence["reason"]
    assert len(run.evals) == 6


def test_a_smooth_validation_at_every_step_is_no_single_batch(tmp_path: Path) -> None:
    (tmp_path / "step_metrics.csv").write_text(openai_csv(full=False, noise=0.001))
    assert _only(tmp_path / "step_metrics.csv").declined is None


def test_a_result_file_without_validation_is_no_verdict(tmp_path: Path) -> None:
    rows = "".join(f"{i},{2 / i:.4f},0.5,,\n" for i in range(1, 30))
    (tmp_path / "r.csv").write_text("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n" + rows)
    ((run, verdict),) = judge([tmp_path / "r.csv"]).runs
    assert not run.evals
    assert len(run.trains) == 29
    assert verdict.verdict == "inconclusive"


def _event(step: int, **values: float) -> dict[str, object]:
    data = {"step": step, "total_steps": 60, **values}
    return {"object": "fine_tuning.job.event", "id": f"ftevent-{step}", "type": "metrics", "level": "info", "data": data,
            "created_at": 1700000000 + step, "message": f"Step {step}/60: training loss={values.get('train_loss', 0):.2f}"}  # fmt: skip


def test_openai_events_are_read_newest_first_as_the_api_gives_them(tmp_path: Path) -> None:
    events = []
    for i in range(3):
        events.append(_event(20 * i + 10, train_loss=TRAINS[i] + 0.1, valid_loss=3.0))
        events.append(_event(20 * i + 20, train_loss=TRAINS[i], valid_loss=0.2, full_valid_loss=EVALS[i]))
    events.append({"object": "fine_tuning.job.event", "type": "message", "message": "The job has completed", "data": {}})
    (tmp_path / "events.json").write_text(json.dumps({"object": "list", "data": events[::-1], "has_more": False}))
    run = _only(tmp_path / "events.json")
    assert [(point.step, point.epoch, point.loss) for point in run.evals] == [
        (20, 1, 1.30),
        (40, 2, 1.36),
        (60, 3, 1.62),
    ]
    assert len(run.trains) == 6


def test_openai_events_without_data_are_read_from_their_messages(tmp_path: Path) -> None:
    lines = [
        {"object": "fine_tuning.job.event", "type": "metrics", "data": None,
         "message": f"Step {20 * i + 20}/60: training loss={TRAINS[i]}, validation loss=9.9, full validation loss={EVALS[i]}"}
        for i in range(3)
    ]  # fmt: skip
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _is_the_overfit_run(_only(tmp_path / "events.jsonl"))


def test_openai_checkpoints_are_evals_that_were_saved(tmp_path: Path) -> None:
    checkpoints = [
        {"object": "fine_tuning.job.checkpoint", "id": f"ftckpt_{i}", "step_number": 20 * i + 20,
         "fine_tuned_model_checkpoint": f"ft:gpt-4.1-mini:o::x:ckpt-step-{20 * i + 20}",
         "metrics": {"step": 20 * i + 20, "train_loss": TRAINS[i], "full_valid_loss": EVALS[i],
                     "full_valid_mean_token_accuracy": 0.7 - 0.01 * i}}
        for i in range(3)
    ]  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps({"object": "list", "data": checkpoints[::-1]}))
    run = _only(tmp_path / "c.json")
    _is_the_overfit_run(run)
    assert run.saved_steps == (20, 40, 60)


# Keras, tables, JSONL ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_keras_history(tmp_path: Path, wrapped: bool) -> None:
    history: dict[str, object] = {
        "loss": TRAINS,
        "accuracy": [0.5, 0.6, 0.7],
        "val_loss": EVALS,
        "val_accuracy": [0.6, 0.6, 0.5],
    }
    (tmp_path / "history.json").write_text(json.dumps({"epoch": [0, 1, 2], "history": history} if wrapped else history))
    run = _only(tmp_path / "history.json")
    _is_the_overfit_run(run)
    assert run.evals[0].metrics == {"accuracy": 0.6}


def test_the_csv_of_keras_counts_epochs_from_zero(tmp_path: Path) -> None:
    rows = "".join(f"{i},0.5,{TRAINS[i]},0.6,{EVALS[i]}\n" for i in range(3))
    (tmp_path / "training.csv").write_text("epoch,accuracy,loss,val_accuracy,val_loss\n" + rows)
    run = _only(tmp_path / "training.csv")
    _is_the_overfit_run(run)
    assert [point.epoch for point in run.evals] == [1, 2, 3]


def test_columns_with_paired_standard_errors(tmp_path: Path) -> None:
    log = {"x": [10, 20, 30], "epoch": [1, 2, 3], "train": TRAINS, "eval": EVALS, "test": [9.0, 8.0, 7.0],
           "paired_se_to_last": [0.02, 0.01, 0.0], "n_eval": 200, "metrics": {"Accuracy": [0.7, 0.6, 0.5]}}  # fmt: skip
    (tmp_path / "log.json").write_text(json.dumps(log))
    run = _only(tmp_path / "log.json")
    _is_the_overfit_run(run)
    assert run.paired_se_to_last == (0.02, 0.01, 0.0)
    assert run.n_eval == 200
    assert run.evals[0].metrics == {"Accuracy": 0.7}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_any_tool(tmp_path: Path, delimiter: str) -> None:
    lines = [["iteration", "train_loss", "val_loss"]] + [[str(100 * i + 100), str(TRAINS[i]), str(EVALS[i])] for i in range(3)]
    (tmp_path / "log.csv").write_text("\ufeff" + "\r\n".join(delimiter.join(line) for line in lines))
    run = _only(tmp_path / "log.csv")
    _is_the_overfit_run(run)
    assert [point.step for point in run.evals] == [100, 200, 300]


def test_columns_can_be_named(tmp_path: Path) -> None:
    rows = "".join(f"{i + 1},{TRAINS[i]},{EVALS[i]}\n" for i in range(3))
    path = tmp_path / "log.csv"
    path.write_text("runde,verlust,pruefverlust\n" + rows)
    with pytest.raises(TunelintError, match="no training log"):
        read_runs(path)
    (run,) = read_runs(path, {"epoch": "runde", "loss": "verlust", "eval_loss": "pruefverlust"})
    _is_the_overfit_run(run)


def test_a_wandb_export_holds_several_runs(tmp_path: Path) -> None:
    head = ["Step"]
    for name in ("llama-lr2e-5", "llama - long"):
        for key in ("eval/loss", "train/loss"):
            head += [f"{name} - {key}", f"{name} - {key}__MIN", f"{name} - {key}__MAX"]
    rows = []
    for i in range(3):
        cells = [str(100 * i + 100)]
        for scale in (1.0, 2.0):
            for value in (EVALS[i] * scale, TRAINS[i] * scale):
                cells += [str(value)] * 3
        rows.append(cells)
    quoted = "\n".join(",".join(f'"{cell}"' for cell in line) for line in [head, *rows])
    (tmp_path / "wandb_export.csv").write_text(quoted)
    first, second = read_runs(tmp_path / "wandb_export.csv")
    _is_the_overfit_run(first)
    assert [point.loss for point in second.evals] == [2 * loss for loss in EVALS]
    assert first.notes == ("W&B run llama-lr2e-5",)
    assert second.notes == ("W&B run llama - long",)


def test_a_wandb_history(tmp_path: Path) -> None:
    lines = []
    for i in range(3):
        lines.append({"_step": 2 * i, "train/loss": TRAINS[i], "train/global_step": 100 * i + 100, "train/epoch": i + 1})
        lines.append(
            {
                "_step": 2 * i + 1,
                "eval/loss": EVALS[i],
                "eval/runtime": 3.1,
                "train/global_step": 100 * i + 100,
                "train/epoch": i + 1,
            }
        )
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = _only(tmp_path / "history.jsonl")
    _is_the_overfit_run(run)
    assert [point.step for point in run.evals] == [100, 200, 300]
    assert run.evals[0].metrics == {}


def test_the_log_of_llama_factory(tmp_path: Path) -> None:
    lines = []
    for i in range(3):
        place = {
            "current_steps": 100 * i + 100,
            "total_steps": 300,
            "epoch": i + 1.0,
            "percentage": 33.3 * i,
            "elapsed_time": "0:01:00",
        }
        lines += [{**place, "loss": TRAINS[i], "lr": 1e-5}, {**place, "eval_loss": EVALS[i]}]
    (tmp_path / "trainer_log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"current_steps": 400, "lo')
    run = _only(tmp_path / "trainer_log.jsonl")
    _is_the_overfit_run(run)
    assert run.epochs == 3.0


def test_a_bare_log_history(tmp_path: Path) -> None:
    (tmp_path / "log_history.json").write_text(json.dumps(log_history(EVALS, TRAINS)))
    _is_the_overfit_run(_only(tmp_path / "log_history.json"))


# TensorBoard (real files: tensorboardX, and tensorboard's writer with Keras' tags) -----------------------------------


def test_tensorboard_events_of_the_trainer(tmp_path: Path) -> None:
    run = _only(DATA / "hf_tensorboard")
    _is_the_overfit_run(run)
    assert [(point.step, point.epoch) for point in run.evals] == [(100, 1), (200, 2), (300, 3)]
    (file,) = (DATA / "hf_tensorboard").iterdir()
    _is_the_overfit_run(_only(file))
    cut = tmp_path / file.name
    cut.write_bytes(file.read_bytes()[:-20])
    assert len(_only(cut).evals) == 3
    cut.write_bytes(b"no event file at all, but longer than a header")
    with pytest.raises(TunelintError, match="event file"):
        read_runs(cut)


def test_tensorboard_events_of_keras() -> None:
    run = _only(DATA / "keras_tensorboard")
    _is_the_overfit_run(run)
    assert [point.epoch for point in run.evals] == [1, 2, 3]


# Text ----------------------------------------------------------------------------------------------------------------


def test_printed_dicts_between_progress_bars(tmp_path: Path) -> None:
    lines = []
    for i in range(3):
        lines.append(f"{{'loss': {TRAINS[i]}, 'grad_norm': nan, 'learning_rate': 2e-05, 'epoch': {i + 1}.0}}")
        lines.append(f" 33%|███▎      | {100 * i}/300 [00:12<00:25,  7.9it/s]")
        lines.append(f"{{'eval_loss': '{EVALS[i]}', 'eval_runtime': 2.5, 'eval_samples_per_second': 40.0, 'epoch': {i + 1}.0}}")
    lines.append("{'train_runtime': 42.0, 'train_samples_per_second': 71.4, 'train_loss': 0.93, 'epoch': 3.0}")
    (tmp_path / "train.log").write_text("\n".join(lines))
    run = _only(tmp_path / "train.log")
    _is_the_overfit_run(run)
    assert run.n_eval == 100
    assert [point.epoch for point in run.evals] == [1, 2, 3]


@pytest.mark.parametrize("tool", ["mlx", "nanogpt", "torchtune"])
def test_lines_of_other_trainers(tmp_path: Path, tool: str) -> None:
    lines = {
        "mlx": "Iter {s}: Val loss {e}, Val took 1.2s\nIter {s}: Train loss {t}, Learning Rate 1.000e-05, It/sec 2.1",
        "nanogpt": "step {s}: train loss {t}, val loss {e}\nsaving checkpoint to out",
        "torchtune": "Step {s} | loss:{t} lr:2e-05 tokens_per_second_per_gpu:500\nStep {s} | val_loss:{e}",
    }[tool]
    text = "\n".join(lines.format(s=100 * i + 100, t=TRAINS[i], e=EVALS[i]) for i in range(3))
    (tmp_path / "out.log").write_text(text)
    _is_the_overfit_run(_only(tmp_path / "out.log"))


CARD = """---
license: apache-2.0
---
# model

| Dataset | Rows |
|---|---|
| train | 900 |

### Training results

| Training Loss | Epoch | Step | Validation Loss | Accuracy | F1     |
|:-------------:|:-----:|:----:|:---------------:|:--------:|:------:|
| No log        | 1.0   | 100  | 1.30            | 0.61     | 0.60   |
| 0.9           | 2.0   | 200  | 1.36            | 0.60     | 0.59   |
| 0.5           | 3.0   | 300  | 1.62            | 0.58     | 0.55   |

### Framework versions
"""


def test_the_table_of_a_model_card(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    run = _only(tmp_path)
    assert [point.loss for point in run.evals] == EVALS
    assert [point.loss for point in run.trains] == [0.9, 0.5]
    assert run.evals[2].metrics == {"accuracy": 0.58, "f1": 0.55}
    assert diagnose(run).verdict == "overfit"


# What is no log ------------------------------------------------------------------------------------------------------


def test_files_that_lie_around_in_a_folder_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama", "hidden_size": 64}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "notes.txt").write_text("eval soon, loss unknown")
    (tmp_path / "data.csv").write_text("prompt,answer\na,b\n")
    (tmp_path / "train.jsonl").write_text('{"messages": []}\n{"messages": []}\n')
    (tmp_path / "empty.log").write_text("")
    with pytest.raises(TunelintError, match="no training log"):
        read_runs(tmp_path)
    (tmp_path / "README.md").write_text(CARD)
    assert len(read_runs(tmp_path)) == 1


@pytest.mark.parametrize("content", ["", "just words", "a,b\n1,2\n", "[1, 2, 3]", '"text"', "{}", "\x00\x01\x02", "[[[["])
@pytest.mark.parametrize("name", ["log.csv", "log.json", "log.jsonl", "log.txt", "trainer_state.json", "weights.bin"])
def test_named_files_that_are_no_log_are_a_plain_error(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TunelintError, match=name):
        read_runs(tmp_path / name)
