"""Local training, for real: the curve overfits where it must, and nothing is lost when a run is killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train_models import save_gpt2, save_llama
from train_rows import support_rows

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.train import (
    EvalEvent,
    Event,
    Hyperparameters,
    MessageEvent,
    Plan,
    RunFolder,
    StateEvent,
    TrainEvent,
    follow_run,
    resume_run,
    start_run,
)
from tunelint.train.local import LocalBackend

pytest.importorskip("transformers", reason="local training is an extra")


def small_plan(folder: Path, **hyperparameters: Any) -> Plan:
    """A run of 40 steps that takes a few seconds."""
    asked = {"epochs": 10, "batch_size": 4, **hyperparameters}
    return Plan(
        train=support_rows(16, 1),
        eval=support_rows(8, 2),
        run_dir=folder,
        seed=3,
        hyperparameters=Hyperparameters(**asked),
    )


def same_run(one: RunFolder, other: RunFolder) -> None:
    """Both runs have the same curves, the same per-row losses and the same weights, bit for bit."""
    assert one.metrics.path.read_text() == other.metrics.path.read_text()
    for table, twin in ((one.eval_losses, other.eval_losses), (one.row_losses, other.row_losses)):
        arrays, twins = table.read(), twin.read()
        assert arrays is not None
        assert twins is not None
        for name, array in arrays.items():
            assert np.array_equal(array, twins[name]), name
    assert (one.model / "model.safetensors").read_bytes() == (other.model / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The small run, never disturbed."""
    folder = start_run(small_plan(tmp_path_factory.mktemp("undisturbed") / "run"))
    list(follow_run(folder))
    return folder


def work(folder: RunFolder) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tunelint.train.worker", str(folder.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[Event]]:
    """A schedule far too long for its 24 rows."""
    plan = Plan(
        train=support_rows(24, 1),
        eval=support_rows(24, 2),
        run_dir=tmp_path_factory.mktemp("demo") / "run",
        hyperparameters=Hyperparameters(epochs=50, batch_size=8),
    )
    folder = start_run(plan)
    return folder, list(follow_run(folder))


def test_a_long_schedule_on_few_rows_overfits_like_a_textbook(demo: tuple[RunFolder, list[Event]]) -> None:
    points = demo[0].metrics.read()
    evals = [(point["step"], point["eval_loss"]) for point in points if "eval_loss" in point]
    losses = [point["loss"] for point in points if "loss" in point]
    best = min(evals, key=lambda point: point[1])
    assert evals[0][0] == 0
    assert len(evals) >= 9
    assert evals[0][0] < best[0] < evals[-1][0]
    assert evals[-1][1] > 1.1 * best[1]
    assert losses[-1] < 0.3 * losses[0]


def test_the_run_folder_is_complete(demo: tuple[RunFolder, list[Event]]) -> None:
    folder, _ = demo
    record, points = folder.read(), folder.metrics.read()
    assert record["state"] == folder.state == "succeeded"
    assert record["settings"]["epochs"] == 50
    assert record["versions"]["torch"]
    assert record["times"]["succeeded"]
    steps = [point["step"] for point in points if "eval_loss" in point]
    table, rows = folder.eval_losses.read(), folder.row_losses.read()
    assert table is not None
    assert rows is not None
    assert table["steps"].tolist() == steps
    assert table["losses"].shape == (len(steps), 24)
    weighted = (table["losses"].astype(float) * table["tokens"]).sum(1) / table["tokens"].sum()
    assert weighted == pytest.approx([point["eval_loss"] for point in points if "eval_loss" in point], rel=1e-6)
    assert table["records"].tolist() == [row.digest for row in folder.plan().eval]
    assert rows["epochs"][-1] == 50
    assert rows["records"].tolist() == [row.digest for row in folder.plan().train]
    assert set(rows["steps"]) <= set(steps)


def test_the_best_checkpoint_is_kept_and_becomes_the_model(demo: tuple[RunFolder, list[Event]]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tunelint.train.encode import Encoder
    from tunelint.train.losses import example_losses, mean_loss

    folder, _ = demo
    best = folder.read()["best"]
    lowest = min((point["eval_loss"], point["step"]) for point in folder.metrics.read() if "eval_loss" in point)
    assert (best["eval_loss"], best["step"]) == lowest
    assert folder.read()["kept_step"] == best["step"]
    saved = sorted(int(path.name.rpartition("-")[2]) for path in folder.checkpoints.iterdir())
    assert saved == folder.read()["checkpoints"]
    assert best["step"] in saved
    assert len(saved) == 4
    tokenizer = AutoTokenizer.from_pretrained(folder.model)
    model = AutoModelForCausalLM.from_pretrained(folder.model)
    rows = [Encoder(folder.model, 1024).encode(row) for row in folder.plan().eval]
    losses = example_losses(model, rows, tokenizer.pad_token_id, "cpu")
    assert mean_loss(losses, [row.trained for row in rows]) == pytest.approx(best["eval_loss"], rel=1e-5)
    assert {path.suffix for path in folder.model.iterdir()} == {".json", ".jinja", ".safetensors"}


def test_events_tell_the_run_as_it_happens(demo: tuple[RunFolder, list[Event]]) -> None:
    folder, events = demo
    states = [event.state for event in events if isinstance(event, StateEvent)]
    assert states == ["preparing", "training", "saving", "succeeded"]
    assert any(isinstance(event, MessageEvent) and "demonstration" in event.text for event in events)
    told = [(event.step, event.loss) for event in events if isinstance(event, EvalEvent)]
    assert told == [(point["step"], point["eval_loss"]) for point in folder.metrics.read() if "eval_loss" in point]
    curve = [(event.step, event.loss) for event in events if isinstance(event, TrainEvent)]
    assert curve == [(point["step"], point["loss"]) for point in folder.metrics.read() if "loss" in point]


def test_a_finished_run_is_not_resumed(demo: tuple[RunFolder, list[Event]]) -> None:
    with pytest.raises(TunelintError, match="has succeeded; there is nothing to resume"):
        resume_run(demo[0])


def test_the_same_seed_gives_the_same_run_and_another_seed_another(undisturbed: RunFolder, tmp_path: Path) -> None:
    again = start_run(small_plan(tmp_path / "again"))
    assert isinstance(list(follow_run(again))[-1], StateEvent)
    same_run(undisturbed, again)
    first = undisturbed.metrics.read()[0]["eval_loss"]
    other = start_run(replace(small_plan(tmp_path / "other", epochs=1), seed=4))
    list(follow_run(other))
    assert other.metrics.read()[0]["eval_loss"] != first


def kill_and_resume(folder: RunFolder, kills: int, seed: int) -> list[int]:
    """SIGKILL the worker `kills` times, each at a random moment after one more point of the curve; then let it end."""
    random_ = random.Random(seed)
    reached = []
    for _ in range(kills):
        worker = work(folder)
        seen = len(folder.metrics.read()) + random_.randrange(1, 16)
        deadline = time.monotonic() + 120
        while len(folder.metrics.read()) < seen and worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(random_.uniform(0, 0.1))
        worker.kill()
        worker.communicate()
        reached.append(len(folder.metrics.read()))
        if folder.read()["state"] != "succeeded":
            assert folder.state == "interrupted"
    if folder.read()["state"] != "succeeded":
        last = work(folder)
        last.communicate()
        assert last.returncode == 0
    return reached


def test_killed_runs_end_like_an_undisturbed_one(undisturbed: RunFolder, tmp_path: Path) -> None:
    folder = start_run(small_plan(tmp_path / "run"))
    assert kill_and_resume(folder, 3, seed=1)[0] < len(undisturbed.metrics.read())
    same_run(undisturbed, folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_runs_killed_again_and_again_end_like_an_undisturbed_one(
    undisturbed: RunFolder, tmp_path: Path, seed: int
) -> None:
    folder = start_run(small_plan(tmp_path / "run"))
    kill_and_resume(folder, 10, seed=seed)
    same_run(undisturbed, folder)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_a_signal_saves_a_checkpoint_and_the_run_goes_on_from_it(
    undisturbed: RunFolder, tmp_path: Path, number: signal.Signals
) -> None:
    folder = start_run(small_plan(tmp_path / "run"))
    worker = work(folder)
    while len(folder.metrics.read()) < 15 and worker.poll() is None:
        time.sleep(0.005)
    worker.send_signal(number)
    output, _ = worker.communicate()
    assert worker.returncode == 128 + number
    told = [json.loads(line) for line in output.splitlines()]
    assert told[0] == {"event": "state", "state": "preparing", "text": ""}
    assert told[-1]["state"] == "interrupted"
    step = folder.read()["progress"]["step"]
    assert folder.state == "interrupted"
    assert 0 < step < 40
    events = list(resume_run(folder))
    assert StateEvent("training", f"from step {step}") in events
    same_run(undisturbed, folder)


def test_half_a_checkpoint_and_stray_files_are_thrown_away(undisturbed: RunFolder, tmp_path: Path) -> None:
    """The state that a kill leaves in the middle of saving: the checkpoint is there but for its mark."""
    path = tmp_path / "run"
    shutil.copytree(undisturbed.path, path)
    folder = RunFolder(path)
    folder.update(state="training")
    newest = max(folder.checkpoints.iterdir(), key=lambda item: int(item.name.rpartition("-")[2]))
    (newest / "tunelint.json").unlink()
    (newest / "model.safetensors").write_bytes(b"half")
    (folder.path / ".metrics.jsonl.1.tmp").write_bytes(b"{")
    (folder.path / ".model.partial").mkdir()
    (folder.path / ".model.partial" / "model.safetensors").write_bytes(b"half")
    with folder.metrics.path.open("ab") as stream:
        stream.write(b'{"step": 41, "lo')
    list(resume_run(folder))
    same_run(undisturbed, folder)
    assert not list(folder.path.glob(".*.tmp"))
    assert not (folder.path / ".model.partial").exists()


def test_closing_the_iterator_stops_the_run(tmp_path: Path) -> None:
    folder = start_run(small_plan(tmp_path / "run"))
    events = follow_run(folder)
    for event in events:
        if isinstance(event, TrainEvent):
            break
    assert isinstance(events, Iterator)
    events.close()  # type: ignore[attr-defined]
    assert folder.state == "interrupted"
    assert folder.read()["checkpoints"]
    LocalBackend().cancel(folder)
    with pytest.raises(TunelintError, match="has cancelled"):
        resume_run(folder)


@pytest.fixture(params=[save_llama, save_gpt2], ids=["llama", "gpt2"])
def model_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder: Path = request.param(tmp_path / "base")
    return folder


def test_any_causal_model_from_a_folder_is_trained_and_resumed(model_folder: Path, tmp_path: Path) -> None:
    def plan(name: str) -> Plan:
        return replace(small_plan(tmp_path / name, epochs=3, learning_rate=4e-3), model=str(model_folder))

    whole = start_run(plan("whole"))
    list(follow_run(whole))
    losses = [point["eval_loss"] for point in whole.metrics.read() if "eval_loss" in point]
    assert losses[-1] < losses[0] - 0.5
    assert len(losses) >= 9
    stopped = start_run(plan("stopped"))
    events = follow_run(stopped)
    for event in events:
        if isinstance(event, TrainEvent) and event.step >= 5:
            break
    events.close()  # type: ignore[attr-defined]
    list(resume_run(stopped))
    same_run(whole, stopped)


@pytest.mark.parametrize("name", ["no/such-model", "/no/such/folder"])
def test_a_model_that_is_not_there_is_one_clear_error(tmp_path: Path, name: str) -> None:
    folder = start_run(Plan(train=support_rows(4, 1), model=name, run_dir=tmp_path / "run"))
    with pytest.raises(TunelintError, match="Cannot load the model"):
        list(follow_run(folder))
    assert folder.state == "failed"
    assert "Cannot load the model" in folder.read()["error"]


def test_the_last_layers_alone_are_trained_when_asked(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from tunelint.train.tiny import build_model

    plan = small_plan(tmp_path / "run", epochs=2, method="last-layers", last_layers=1, keep="last")
    folder = start_run(plan)
    list(follow_run(folder))
    from transformers import AutoTokenizer

    before = build_model(AutoTokenizer.from_pretrained(folder.path / "tokenizer"), plan.seed).state_dict()
    after = load_file(folder.model / "model.safetensors")
    changed = {name for name, tensor in after.items() if not tensor.equal(before[name])}
    assert changed
    assert all(name.startswith(("model.layers.3.", "model.norm.")) for name in changed)


def test_an_estimate_counts_steps_and_parameters_and_starts_nothing(tmp_path: Path) -> None:
    estimate = LocalBackend().estimate(small_plan(tmp_path / "run"))
    assert estimate.steps == 40
    assert estimate.parameters is not None
    assert 0.8e6 < estimate.parameters < 1.1e6
    assert estimate.trained_parameters == estimate.parameters
    assert estimate.tokens is not None
    assert estimate.flops is not None
    assert estimate.flops > 6 * estimate.parameters * estimate.tokens * 10
    assert estimate.seconds is not None
    assert 0 < estimate.seconds[0] < estimate.seconds[1]
    assert estimate.memory_bytes is not None
    assert estimate.memory_bytes > 16 * estimate.parameters
    assert not (tmp_path / "run").exists()
    frozen = LocalBackend().estimate(small_plan(tmp_path / "run", method="last-layers", last_layers=1))
    assert frozen.trained_parameters is not None
    assert frozen.trained_parameters < estimate.parameters / 3
    assert frozen.flops is not None
    assert frozen.flops < estimate.flops


def test_weights_that_need_pickle_are_refused(model_folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(model_folder / "model.safetensors"), model_folder / "pytorch_model.bin")
    os.remove(model_folder / "model.safetensors")
    folder = start_run(Plan(train=support_rows(4, 1), model=str(model_folder), run_dir=tmp_path / "run"))
    with pytest.raises(TunelintError, match="loads safetensors weights"):
        list(follow_run(folder))


def test_training_without_eval_rows_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    plan = Plan(train=support_rows(9, 1), run_dir=tmp_path / "run", hyperparameters=Hyperparameters(epochs=2))
    folder = start_run(plan)
    list(follow_run(folder))
    assert folder.eval_losses.read() is None
    assert folder.read()["best"] is None
    assert folder.read()["kept_step"] == 2
    assert (folder.model / "model.safetensors").is_file()
    assert all("eval_loss" not in point for point in folder.metrics.read())


def test_rows_beyond_the_limit_are_cut_told_and_left_out(tmp_path: Path) -> None:
    plan = small_plan(tmp_path / "run", epochs=1, max_length=10)
    folder = start_run(plan)
    with pytest.raises(TunelintError, match="No train row has a token to learn within 10 tokens"):
        list(follow_run(folder))
    # What is wrong is in the settings, so the same run cannot be mended: it says why, and a new one is needed.
    assert "within 10 tokens" in folder.read()["error"]


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunelint.train.libraries.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"tunelint\[local\]"):
        start_run(small_plan(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_the_worker_explains_misuse(tmp_path: Path) -> None:
    worker = [sys.executable, "-m", "tunelint.train.worker"]
    assert subprocess.run(worker, capture_output=True).returncode == 2
    wrong = subprocess.run([*worker, str(tmp_path)], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "is no run folder" in wrong.stderr
    assert "Traceback" not in wrong.stderr
