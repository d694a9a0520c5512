"""The training loop: transformers' Trainer, with our own evals, curve files and checkpoints hung into it.

Everything that must survive a kill is in the checkpoint or written before it: weights, optimiser, scheduler and random
state by the Trainer, and by us, last of all, `tunelint.json` with the train curve's open interval. A checkpoint without
that file is half a checkpoint and is thrown away.
"""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tunelint.train.encode import Encoded
from tunelint.train.events import EvalEvent, Event, TrainEvent
from tunelint.train.files import read_json, write_json
from tunelint.train.losses import collate, example_losses, mean_loss
from tunelint.train.models import Loaded
from tunelint.train.runs import RunFolder
from tunelint.train.schedule import Schedule
from tunelint.train.settings import Settings

MARK = "tunelint.json"


@dataclass
class Job:
    """What the loop works on; `stop` asks it to save and leave after the step in hand."""

    folder: RunFolder
    loaded: Loaded
    settings: Settings
    schedule: Schedule
    train: Sequence[Encoded]
    eval: Sequence[Encoded]
    seed: int
    micro_batch_size: int
    emit: Callable[[Event], None]
    stop: threading.Event
    device: str
    best: dict[str, Any] | None = None
    interval: list[float] = field(default_factory=list)


def last_checkpoint(folder: RunFolder) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest whole checkpoint and its mark, after removing the halves that a kill left."""
    whole = {}
    for path in folder.checkpoints.glob("checkpoint-*"):
        if (path / MARK).is_file():
            mark = read_json(path / MARK)
            whole[int(mark["step"])] = (path, mark)
        else:
            shutil.rmtree(path)
    return whole[max(whole)] if whole else None


def build_trainer(job: Job, resumed: bool) -> Any:
    """Return a Trainer for `job`. Micro-batch and accumulation multiply to the effective batch of the settings."""
    from transformers import Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    settings, schedule = job.settings, job.schedule

    class CurveTrainer(Trainer):
        """Evals are measured per example, by us."""

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            metrics = _measure(job, self)
            self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

    class Recorder(TrainerCallback):
        """Writes the curves and keeps the checkpoints."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_log = True
            due = state.global_step in schedule.evals
            control.should_evaluate = due
            control.should_save = due
            if job.stop.is_set():
                control.should_save = control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" in kwargs["logs"]:
                _record_step(job, state.global_step, state.epoch, kwargs["logs"])

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            _finish_checkpoint(job, state.global_step, state.epoch)

    arguments = TrainingArguments(
        output_dir=str(job.folder.checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=job.micro_batch_size,
        gradient_accumulation_steps=settings.batch_size // job.micro_batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=math.ceil(settings.warmup * schedule.total_steps),
        lr_scheduler_type={"constant": "constant_with_warmup"}.get(settings.schedule, settings.schedule),
        optim="adamw_torch",
        max_grad_norm=1.0,
        seed=job.seed,
        data_seed=job.seed,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        eval_on_start=not resumed,
        # A loss that is no number must be seen, not replaced by the mean of those before it.
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        use_cpu=job.device == "cpu",
        dataloader_pin_memory=job.device == "cuda",
    )
    trainer = CurveTrainer(
        model=job.loaded.model,
        args=arguments,
        train_dataset=list(job.train),
        data_collator=partial(collate, pad=job.loaded.tokenizer.pad_token_id),
        processing_class=job.loaded.tokenizer,
        callbacks=[Recorder()],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _record_step(job: Job, step: int, epoch: float, logs: dict[str, Any]) -> None:
    """Add one step to the open interval of the train curve, and write the interval's point where it closes.

    The Trainer logs every step; the mean over an interval is ours, because its own accumulator is not in checkpoints.
    """
    job.interval.append(float(logs["loss"]))
    if not job.schedule.logs_at(step):
        return
    loss = sum(job.interval) / len(job.interval)
    job.interval.clear()
    rate, norm = logs.get("learning_rate"), logs.get("grad_norm")
    job.folder.metrics.append({"step": step, "epoch": epoch, "loss": loss, "learning_rate": rate, "grad_norm": norm})
    job.emit(TrainEvent(step, job.schedule.total_steps, epoch, loss, rate, norm))


def _measure(job: Job, trainer: Any) -> dict[str, float]:
    """Measure the eval rows, and the train rows where the schedule says so; write and tell the results."""
    step, epoch = trainer.state.global_step, float(trainer.state.epoch or 0.0)
    pad = job.loaded.tokenizer.pad_token_id
    measure = partial(example_losses, trainer.model, pad=pad, device=trainer.args.device)
    if step in job.schedule.row_passes:
        tokens, digests = [row.trained for row in job.train], [row.digest for row in job.train]
        job.folder.row_losses.add(step, epoch, measure(job.train), tokens, digests)
    if not job.eval:
        return {}
    losses = measure(job.eval)
    tokens, digests = [row.trained for row in job.eval], [row.digest for row in job.eval]
    job.folder.eval_losses.add(step, epoch, losses, tokens, digests)
    loss = mean_loss(losses, tokens)
    job.folder.metrics.append({"step": step, "epoch": epoch, "eval_loss": loss})
    best = math.isfinite(loss) and (job.best is None or loss < job.best["eval_loss"])
    if best and step > 0:
        job.best = {"step": step, "epoch": epoch, "eval_loss": loss}
    job.emit(EvalEvent(step, job.schedule.total_steps, epoch, loss, best))
    return {"eval_loss": loss}


def _finish_checkpoint(job: Job, step: int, epoch: float) -> None:
    """Mark the checkpoint as whole, then let older ones go: the best one and the last few stay."""
    path = job.folder.checkpoints / f"checkpoint-{step}"
    # Written by torch's pickle and never read again.
    (path / "training_args.bin").unlink(missing_ok=True)
    write_json(path / MARK, {"step": step, "epoch": epoch, "interval": job.interval, "best": job.best})
    steps = sorted(int(mark.parent.name.rpartition("-")[2]) for mark in job.folder.checkpoints.glob(f"*/{MARK}"))
    kept = set(steps[-job.settings.keep_checkpoints :]) | ({job.best["step"]} if job.best else set())
    for old in set(steps) - kept:
        doomed = job.folder.checkpoints / f"checkpoint-{old}"
        # The mark goes first, so that a kill in the middle leaves a recognisable half.
        (doomed / MARK).unlink()
        shutil.rmtree(doomed)
    job.folder.update(
        checkpoints=sorted(kept & set(steps)),
        best=job.best,
        progress={"step": step, "total_steps": job.schedule.total_steps, "epoch": epoch},
    )
