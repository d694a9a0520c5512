"""The training loop: transformers' Trainer, with our own evals, curve files and checkpoints hung into it."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

from tunelint.train import distributed
from tunelint.train.checkpoints import finish_checkpoint
from tunelint.train.job import Job
from tunelint.train.measure import measure, record_step


def run(job: Job, checkpoint: Path | None) -> None:
    """Train from `checkpoint` (None: from the start) to the end, or until stopped; `job.progress` says how far.

    Micro-batch and accumulation always multiply to the effective batch of the settings.
    """
    from transformers import Trainer, TrainerCallback
    from transformers.trainer_callback import PrinterCallback

    class CurveTrainer(Trainer):
        """Evals are measured per example, by us; the loss is the objective's."""

        def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            loss = job.objective.batch_loss(model, inputs)
            return super().compute_loss(model, inputs, *args, **kwargs) if loss is None else loss

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            metrics = measure(job, self)
            self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

    class Recorder(TrainerCallback):
        """Asks for evals and checkpoints where the schedule has them, and writes what comes of it."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_log = True
            due = state.global_step in job.schedule.evals
            control.should_evaluate = due
            control.should_save = due
            if distributed.any_of(job.stop.is_set()):
                control.should_save = control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" in kwargs["logs"]:
                record_step(job, state.global_step, state.epoch, kwargs["logs"])

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if job.out_of_patience:
                control.should_training_stop = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            job.progress.step, job.progress.epoch = state.global_step, float(state.epoch)
            distributed.barrier()
            if job.leads:
                finish_checkpoint(job)

    trainer = CurveTrainer(
        model=job.loaded.model,
        args=_arguments(job, resumed=checkpoint is not None),
        train_dataset=list(job.train),
        data_collator=job.objective.collate,
        processing_class=job.loaded.tokenizer,
        callbacks=[Recorder()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def _arguments(job: Job, resumed: bool) -> Any:
    from transformers import TrainingArguments

    settings = job.settings
    # Renamed in transformers 5.x; the old name goes in 6.
    names = {item.name for item in fields(TrainingArguments)}
    checkpointing = "activation_checkpointing" if "activation_checkpointing" in names else "gradient_checkpointing"
    renamed: dict[str, Any] = {checkpointing: job.activation_checkpointing}
    arguments = TrainingArguments(
        output_dir=str(job.folder.checkpoints),
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        per_device_train_batch_size=job.micro_batch_size,
        gradient_accumulation_steps=settings.batch_size // (job.micro_batch_size * distributed.world_size()),
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=math.ceil(settings.warmup * job.schedule.total_steps),
        lr_scheduler_type={"constant": "constant_with_warmup"}.get(settings.schedule, settings.schedule),
        optim="adamw_torch",
        max_grad_norm=1.0,
        bf16=job.precision == "bf16",
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
        **renamed,
    )
    # Several GPUs in one process would multiply the batch (DataParallel); torchrun is the way to use them all.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
