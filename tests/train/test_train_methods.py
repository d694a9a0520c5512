"""LoRA, DPO, early stopping, several processes, too little memory: each on a tiny model, each for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train_models import save_gpt2, save_llama
from train_rows import support_rows

from tunelint.errors import TunelintError
from tunelint.train import (
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
from tunelint.train.memory import smaller, split_batch
from tunelint.train.records import Message, TrainRecord

torch = pytest.importorskip("torch", reason="local training is an extra")


def make_plan(folder: Path, model: Path | str = "tiny", **hyperparameters: Any) -> Plan:
    asked = {"epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "device": "cpu", **hyperparameters}
    return Plan(
        train=support_rows(16, 1),
        eval=support_rows(6, 2),
        model=str(model),
        run_dir=folder,
        hyperparameters=Hyperparameters(**asked),
    )


def train(plan: Plan) -> tuple[RunFolder, list[Event]]:
    folder = start_run(plan)
    return folder, list(follow_run(folder))


def eval_curve(folder: RunFolder) -> list[float]:
    return [point["eval_loss"] for point in folder.metrics.read() if "eval_loss" in point]


def train_curve(folder: RunFolder) -> list[float]:
    return [point["loss"] for point in folder.metrics.read() if "loss" in point]


@pytest.mark.parametrize("save", [save_llama, save_gpt2])
def test_lora_trains_adapters_only_and_resumes(tmp_path: Path, save: Any) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tunelint.train.encode import Encoder
    from tunelint.train.losses import example_losses, mean_loss

    base = save(tmp_path / "base")
    plan = make_plan(tmp_path / "whole", base, method="lora", lora_rank=4, epochs=3)
    whole, _ = train(plan)
    curve = eval_curve(whole)
    assert curve[-1] < curve[0] - 0.02
    assert not (whole.model / "model.safetensors").exists()
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), whole.model)
    tokenizer = AutoTokenizer.from_pretrained(whole.model)
    rows = [Encoder(whole.model, 256).encode(row) for row in plan.eval]
    losses = example_losses(model, rows, tokenizer.pad_token_id, "cpu")
    assert mean_loss(losses, [row.trained for row in rows]) == pytest.approx(min(curve[1:]), rel=1e-5)

    stopped = start_run(replace(plan, run_dir=tmp_path / "stopped"))
    events = follow_run(stopped)
    for event in events:
        if isinstance(event, TrainEvent) and event.step >= 3:
            break
    events.close()  # type: ignore[attr-defined]
    list(resume_run(stopped))
    assert stopped.metrics.path.read_text() == whole.metrics.path.read_text()


def test_lora_adapts_the_modules_that_are_named_and_no_others(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    base = save_llama(tmp_path / "base")
    plan = make_plan(tmp_path / "run", base, method="lora", lora_rank=2, lora_target_modules=("q_proj",), epochs=1)
    estimate = LocalBackend().estimate(plan)
    folder, _ = train(plan)
    weights = load_file(folder.model / "adapter_model.safetensors")
    assert weights
    assert all("q_proj" in name for name in weights)
    assert sum(tensor.numel() for tensor in weights.values()) == estimate.trained_parameters == 4 * 2 * (128 + 128)
    wrong = replace(plan, run_dir=tmp_path / "wrong")
    wrong = replace(wrong, hyperparameters=replace(plan.hyperparameters, lora_target_modules=("nothing",)))
    with pytest.raises(TunelintError, match=r"LoRA found no module to adapt \(nothing\)"):
        train(wrong)


def test_qlora_without_a_gpu_says_what_it_needs(tmp_path: Path) -> None:
    base = save_llama(tmp_path / "base")
    with pytest.raises(TunelintError, match="qlora needs a CUDA GPU, and this run is on cpu; use the method lora"):
        train(make_plan(tmp_path / "run", base, method="qlora"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TunelintError, match="device cuda was asked for"):
        train(make_plan(tmp_path / "run", device="cuda"))


def test_bf16_and_activation_checkpointing_give_nearly_the_same_curve(tmp_path: Path) -> None:
    plain, _ = train(make_plan(tmp_path / "plain"))
    bf16, _ = train(make_plan(tmp_path / "bf16", precision="bf16"))
    assert bf16.read()["precision"] == "bf16"
    assert eval_curve(bf16) != eval_curve(plain)
    assert eval_curve(bf16) == pytest.approx(eval_curve(plain), rel=0.02)
    recomputed, _ = train(make_plan(tmp_path / "recomputed", activation_checkpointing=True))
    assert eval_curve(recomputed) == pytest.approx(eval_curve(plain), rel=1e-4)


def test_lora_learns_the_same_in_bf16_and_with_activation_checkpointing(tmp_path: Path) -> None:
    base = save_llama(tmp_path / "base")
    plain, _ = train(make_plan(tmp_path / "plain", base, method="lora", lora_rank=4))
    saving = make_plan(tmp_path / "saving", base, method="lora", lora_rank=4, activation_checkpointing=True)
    saving = replace(saving, hyperparameters=replace(saving.hyperparameters, precision="bf16"))
    spared, _ = train(saving)
    assert eval_curve(spared) == pytest.approx(eval_curve(plain), rel=0.02)
    assert eval_curve(spared)[-1] < eval_curve(spared)[0]


def test_a_smaller_micro_batch_keeps_the_effective_batch(tmp_path: Path) -> None:
    whole, _ = train(make_plan(tmp_path / "whole"))
    parts, _ = train(make_plan(tmp_path / "parts", micro_batch_size=3))
    assert train_curve(parts) == pytest.approx(train_curve(whole), rel=1e-4)
    assert eval_curve(parts) == pytest.approx(eval_curve(whole), rel=1e-4)


def starve(monkeypatch: pytest.MonkeyPatch, most: int, after: int = 0) -> list[int]:
    """Let training steps of more than `most` rows run out of memory, from the call after number `after` on."""
    from transformers import Trainer

    step = Trainer.training_step
    sizes: list[int] = []

    def training_step(self: Any, model: Any, inputs: Any, *args: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > most and len(sizes) > after:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return step(self, model, inputs, *args)

    monkeypatch.setattr(Trainer, "training_step", training_step)
    return sizes


@pytest.mark.parametrize("after", [0, 3])
def test_out_of_memory_halves_the_micro_batch_and_keeps_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    whole, _ = train(make_plan(tmp_path / "whole"))
    sizes = starve(monkeypatch, most=2, after=after)
    starved, events = train(make_plan(tmp_path / "starved"))
    assert set(sizes) == {8, 4, 2}
    told = [event.text for event in events if isinstance(event, MessageEvent) and "Out of memory" in event.text]
    assert [text[:33] for text in told] == ["Out of memory: 4 rows at a time n", "Out of memory: 2 rows at a time n"]
    assert "stays 8" in told[-1]
    assert starved.read()["micro_batch_size"] == 2
    assert [point["step"] for point in starved.metrics.read()] == [point["step"] for point in whole.metrics.read()]
    assert train_curve(starved) == pytest.approx(train_curve(whole), rel=1e-4)
    assert eval_curve(starved) == pytest.approx(eval_curve(whole), rel=1e-4)


def test_a_row_that_does_not_fit_alone_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starve(monkeypatch, most=0)
    with pytest.raises(TunelintError, match="Out of memory with a single row at a time; lower --max-length"):
        train(make_plan(tmp_path / "run"))


def test_other_runtime_errors_are_not_taken_for_lack_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import Trainer

    def training_step(*_: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Trainer, "training_step", training_step)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        train(make_plan(tmp_path / "run"))
    assert RunFolder(tmp_path / "run").state == "failed"


def test_measuring_halves_its_batches_when_memory_does_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    from tunelint.train import losses
    from tunelint.train.encode import Encoded
    from tunelint.train.tiny import build_model, train_tokenizer

    model = build_model(train_tokenizer(support_rows(8, 1)), 0)
    rows = [Encoded(str(length), list(range(3, length)), list(range(3, length)), False) for length in range(8, 40)]
    expected = losses.example_losses(model, rows, 0, "cpu")
    measure = losses.token_losses

    def starved(model: Any, inputs: dict[str, Any]) -> Any:
        if inputs["input_ids"].numel() > 100:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
        return measure(model, inputs)

    monkeypatch.setattr(losses, "token_losses", starved)
    assert losses.example_losses(model, rows, 0, "cpu") == pytest.approx(expected, rel=1e-5)


def test_micro_batches_always_divide_the_batch() -> None:
    assert [split_batch(16, 1, most) for most in (None, 16, 7, 3, 1)] == [16, 16, 4, 2, 1]
    assert split_batch(12, 2, None) == 6
    assert split_batch(15, 1, 7) == 5
    assert [smaller(16, 1, 16), smaller(15, 1, 15), smaller(7, 1, 7)] == [8, 5, 1]
    with pytest.raises(TunelintError, match="batch of 9 rows cannot be split evenly over 2 processes"):
        split_batch(9, 2, None)


def test_patience_stops_the_run_and_keeps_the_best(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "run", epochs=60, patience=3, batch_size=4, evals=60, learning_rate=6e-3)
    folder, events = train(plan)
    record, curve = folder.read(), eval_curve(folder)
    assert record["stopped_early"] is not None
    assert record["stopped_early"] < 240
    assert events[-1] == StateEvent("succeeded", f"stopped early at step {record['stopped_early']}")
    assert curve.index(min(curve)) == len(curve) - 4
    assert record["kept_step"] == record["best"]["step"]


def preference_rows(count: int, seed: int) -> tuple[TrainRecord, ...]:
    """Pairs whose chosen answer is polite and whose rejected answer is not."""
    rows = []
    for row in support_rows(count, seed):
        rejected = (Message("assistant", "No idea. Ask somebody else."),)
        rows.append(replace(row, rejected=rejected))
    return tuple(rows)


def dpo_plan(folder: Path, base: Path, **hyperparameters: Any) -> Plan:
    plan = make_plan(folder, base, learning_rate=3e-4, **hyperparameters)
    return replace(plan, method="dpo", train=preference_rows(16, 1), eval=preference_rows(6, 2))


@pytest.mark.parametrize("method", ["full", pytest.param("lora", marks=pytest.mark.slow)])
def test_dpo_learns_the_preference_and_resumes(tmp_path: Path, method: str) -> None:
    base = save_llama(tmp_path / "base")
    plan = dpo_plan(tmp_path / "whole", base, method=method, epochs=3)
    whole, _ = train(plan)
    evals = [point for point in whole.metrics.read() if "eval_loss" in point]
    assert evals[0]["eval_loss"] == pytest.approx(np.log(2), rel=1e-6)
    assert evals[-1]["eval_loss"] < 0.6
    assert evals[-1]["eval_preference_accuracy"] == 1.0
    table = whole.eval_losses.read()
    assert table is not None
    assert table["tokens"].tolist() == [1] * 6
    stopped = start_run(replace(plan, run_dir=tmp_path / "stopped"))
    events = follow_run(stopped)
    for event in events:
        if isinstance(event, TrainEvent) and event.step >= 3:
            break
    events.close()  # type: ignore[attr-defined]
    list(resume_run(stopped))
    assert stopped.metrics.path.read_text() == whole.metrics.path.read_text()


def test_dpo_needs_pairs_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    base = save_llama(tmp_path / "base")
    plan = dpo_plan(tmp_path / "mixed", base, epochs=1)
    _, events = train(replace(plan, train=(*preference_rows(8, 1), *support_rows(3, 4))))
    told = [event.text for event in events if isinstance(event, MessageEvent)]
    assert "3 train rows have no rejected answer; DPO leaves them out." in told
    with pytest.raises(TunelintError, match="DPO needs preference pairs"):
        train(replace(plan, run_dir=tmp_path / "none", train=support_rows(3, 4)))


@pytest.mark.peers
def test_dpo_loss_is_that_of_trl(tmp_path: Path) -> None:
    """The same batch, policy and reference through TRL's DPOTrainer."""
    trl = pytest.importorskip("trl", reason="TRL is not installed")
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    from tunelint.train.encode import IGNORED, Encoder
    from tunelint.train.objective import Preference
    from tunelint.train.rows import encode_pairs

    base = save_llama(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(base)
    reference = AutoModelForCausalLM.from_pretrained(base).eval()
    policy = AutoModelForCausalLM.from_pretrained(base).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    pairs = encode_pairs(Encoder(base, 256), preference_rows(5, 1), "train", lambda event: None)
    objective = Preference(tokenizer.pad_token_id, 0.1)
    objective.remember(reference, pairs, "cpu")
    ours = objective.batch_loss(policy, objective.collate(pairs)).item()  # type: ignore[union-attr]

    arguments = trl.DPOConfig(
        output_dir=str(tmp_path / "trl"), beta=0.1, use_cpu=True, bf16=False, report_to=[], disable_dropout=False
    )
    rows = [{"prompt": "a", "chosen": "b", "rejected": "c"}]
    trainer = trl.DPOTrainer(
        policy, reference, arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
    examples = []
    for pair in pairs:
        start = next(index for index, label in enumerate(pair.chosen.labels) if label != IGNORED)
        examples.append(
            {
                "prompt_ids": pair.chosen.input_ids[:start],
                # The line feed after the end token is not learnt, and TRL takes all that follows the prompt.
                "chosen_ids": [label for label in pair.chosen.labels[start:] if label != IGNORED],
                "rejected_ids": [label for label in pair.rejected.labels[start:] if label != IGNORED],
            }
        )
    batch = DataCollatorForPreference(pad_token_id=tokenizer.pad_token_id)(examples)
    theirs = trainer.compute_loss(policy, batch).item()
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert ours != pytest.approx(np.log(2), rel=1e-3)


def launch_two(folder: RunFolder) -> subprocess.Popen[str]:
    """Two worker processes on the CPU, as torchrun starts them."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command = [*torchrun, "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0", "-m", "tunelint.train.worker"]
    return subprocess.Popen(
        [*command, str(folder.path)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def nearly_the_same_run(shared: RunFolder, alone: RunFolder) -> None:
    assert shared.state == "succeeded"
    assert [point["step"] for point in shared.metrics.read()] == [point["step"] for point in alone.metrics.read()]
    assert eval_curve(shared) == pytest.approx(eval_curve(alone), rel=1e-3)
    assert train_curve(shared) == pytest.approx(train_curve(alone), rel=1e-3)
    table, twin = shared.eval_losses.read(), alone.eval_losses.read()
    assert table is not None
    assert twin is not None
    assert table["records"].tolist() == twin["records"].tolist()
    assert table["losses"] == pytest.approx(twin["losses"], rel=1e-2)


@pytest.mark.parametrize("method", ["supervised", pytest.param("dpo", marks=pytest.mark.slow)])
def test_two_processes_train_the_same_run(tmp_path: Path, method: str) -> None:
    base = save_llama(tmp_path / "base")
    make = dpo_plan if method == "dpo" else make_plan
    alone, _ = train(make(tmp_path / "alone", base))
    shared = start_run(make(tmp_path / "shared", base))
    output, errors = (workers := launch_two(shared)).communicate()
    assert workers.returncode == 0, errors[-2000:]
    nearly_the_same_run(shared, alone)
    assert output.count('"state": "succeeded"') == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds torchrun's workers in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_two_processes_that_are_stopped_go_on_together(tmp_path: Path, number: signal.Signals) -> None:
    base = save_llama(tmp_path / "base")
    alone, _ = train(make_plan(tmp_path / "alone", base, epochs=12))
    shared = start_run(make_plan(tmp_path / "shared", base, epochs=12))
    workers = launch_two(shared)
    while len(shared.metrics.read()) < 8 and workers.poll() is None:
        time.sleep(0.01)
    # torchrun hands SIGTERM on to its workers; SIGKILL it cannot, so they are killed too.
    children = Path(f"/proc/{workers.pid}/task/{workers.pid}/children").read_text().split()
    for process in [workers.pid, *(map(int, children) if number == signal.SIGKILL else ())]:
        os.kill(process, number)
    workers.communicate()
    assert shared.state == "interrupted"
    assert len(shared.metrics.read()) < len(alone.metrics.read())
    _, errors = (workers := launch_two(shared)).communicate()
    assert workers.returncode == 0, errors[-2000:]
    nearly_the_same_run(shared, alone)
