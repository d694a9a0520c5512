"""Axolotl: one YAML file (https://docs.axolotl.ai/docs/config-reference.html) over chat, text or preference files."""

from __future__ import annotations

from typing import Any

from tunelint.errors import TunelintError
from tunelint.exporting.bundle import Bundle
from tunelint.exporting.job import TrainingJob
from tunelint.exporting.values import Value, chat_value, preference_value, values_of
from tunelint.train import TrainRecord

LOSES = "tool calls and reasoning (its preference form holds roles and texts only)"


def axolotl(job: TrainingJob) -> Bundle:
    """Return what axolotl needs. Raises TunelintError for --method last-layers, which it names by the model's own layers."""
    if job.settings.method == "last-layers":
        raise TunelintError("axolotl trains all weights or adapters; it has no last-layers: say --method lora or full.")
    make = _pair if job.pairs else _row
    data = {split: values_of(rows, make) for split, rows in (("train", job.plan.train), ("eval", job.plan.eval))}
    config = {**_model(job), **_data(job), **_training(job)}
    bundle = Bundle("axolotl", "config.yaml", "axolotl train config.yaml", {split: values for split, (values, _) in data.items()})
    bundle.add_yaml("config.yaml", config)
    bundle.left_out = data["train"][1] + data["eval"][1]
    if job.pairs:
        lossy = sum(bool(row.tools) or any(turn.calls or turn.extra for turn in (*row.messages, *row.rejected)) for row in job.plan.train)
        bundle.lost.update({LOSES: lossy} if lossy else {})
    return bundle


def _row(row: TrainRecord) -> Value:
    """A chat; answers that are not trained say so by `train`, which the config names as the field for it."""
    value = chat_value(row)
    for turn in value.get("messages", ()):
        if turn.pop("weight", 1) == 0:
            turn["train"] = False
    return value


def _pair(row: TrainRecord) -> Value:
    pair = preference_value(row)
    return {"messages": pair["prompt"], "chosen": pair["chosen"][-1], "rejected": pair["rejected"][-1]}


def _model(job: TrainingJob) -> dict[str, Any]:
    settings = job.settings
    chosen: dict[str, Any] = {"base_model": job.model}
    if job.adapters:
        modules = settings.lora_target_modules
        chosen |= {
            "adapter": settings.method, "load_in_4bit": settings.method == "qlora", "lora_r": settings.lora_rank,
            "lora_alpha": settings.lora_alpha, "lora_dropout": 0.0,
            **({"lora_target_modules": list(modules)} if modules else {"lora_target_linear": True}),
        }  # fmt: skip
    return chosen


def _data(job: TrainingJob) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    if not job.plain:
        chosen["chat_template"] = "tokenizer_default"
    if job.pairs:
        chosen |= {"rl": "dpo", "rl_beta": job.settings.dpo_beta}
    chosen["datasets"] = [_dataset(job, "train")]
    if job.plan.eval:
        chosen["test_datasets"] = [_dataset(job, "eval")]
    # A row that is too long loses its end, as here; axolotl's own default drops the row.
    chosen |= {"val_set_size": 0, "sequence_len": job.settings.max_length, "excess_length_strategy": "truncate"}
    return {**chosen, "sample_packing": False, "eval_sample_packing": False, "train_on_inputs": False}


def _dataset(job: TrainingJob, split: str) -> dict[str, Any]:
    place = {"path": f"data/{split}.jsonl", "ds_type": "json", "split": "train"}
    if job.plain:
        return {**place, "type": "completion", "field": "text"}
    if job.pairs:
        return {**place, "type": "chat_template.default", "field_messages": "messages", "field_chosen": "chosen", "field_rejected": "rejected"}
    return {
        **place, "type": "chat_template", "field_messages": "messages", "roles_to_train": ["assistant"], "train_on_eos": "turn",
        "message_field_training": "train",
    }  # fmt: skip


def _training(job: TrainingJob) -> dict[str, Any]:
    settings = job.settings
    chosen: dict[str, Any] = {
        "output_dir": "out", "num_epochs": settings.epochs, "micro_batch_size": job.micro_batch,
        "gradient_accumulation_steps": job.accumulation, "learning_rate": settings.learning_rate, "lr_scheduler": job.schedule,
        "warmup_steps": job.warmup_steps, "weight_decay": settings.weight_decay, "max_grad_norm": 1.0, "optimizer": "adamw_torch",
        "bf16": "auto" if job.bf16 else False, "gradient_checkpointing": True, "seed": job.plan.seed, "logging_steps": job.log_every,
        "save_steps": job.every, "save_total_limit": settings.keep_checkpoints,
    }  # fmt: skip
    if settings.max_steps is not None:
        chosen["max_steps"] = settings.max_steps
    if job.plan.eval:
        chosen["eval_steps"] = job.every
        if settings.keep == "best":
            chosen |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
        if settings.patience is not None:
            chosen["early_stopping_patience"] = settings.patience
    return chosen
