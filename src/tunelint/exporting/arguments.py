"""The settings of transformers' TrainingArguments, which TRL, Unsloth and LLaMA-Factory share.

See https://huggingface.co/docs/transformers/main_classes/trainer#transformers.TrainingArguments.
"""

from __future__ import annotations

from typing import Any

from tunelint.exporting.job import TrainingJob


def training_arguments(job: TrainingJob) -> dict[str, Any]:
    """Return the arguments by name, with eval and checkpoints at the same steps."""
    settings = job.settings
    chosen: dict[str, Any] = {
        "output_dir": "out", "num_train_epochs": settings.epochs, "per_device_train_batch_size": job.micro_batch,
        "gradient_accumulation_steps": job.accumulation, "learning_rate": settings.learning_rate, "lr_scheduler_type": job.schedule,
        "warmup_steps": job.warmup_steps, "weight_decay": settings.weight_decay, "max_grad_norm": 1.0, "optim": "adamw_torch",
        "bf16": job.bf16, "seed": job.plan.seed, "data_seed": job.plan.seed, "logging_steps": job.log_every, "save_strategy": "steps",
        "save_steps": job.every, "save_total_limit": settings.keep_checkpoints, "report_to": "none",
    }  # fmt: skip
    if settings.max_steps is not None:
        chosen["max_steps"] = settings.max_steps
    if job.plan.eval:
        chosen |= {"eval_strategy": "steps", "eval_steps": job.every, "eval_on_start": True, "per_device_eval_batch_size": job.micro_batch}
        if settings.keep == "best":
            chosen |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
    return chosen
