"""LLaMA-Factory: a YAML file and dataset_info.json (https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tunelint.exporting.arguments import training_arguments
from tunelint.exporting.bundle import Bundle
from tunelint.exporting.job import TrainingJob
from tunelint.exporting.values import only_last_is_trained, sharegpt_value, untrained_answers, values_of

NAMES = {"train": "tunelint_train", "eval": "tunelint_eval"}


def llamafactory(job: TrainingJob) -> Bundle:
    """Return what LLaMA-Factory needs; it reads no weights, so a bundle notes answers that it would train all the same."""
    lost = Counter[str]()
    data = {
        split: values_of(rows, lambda row: sharegpt_value(row, job.pairs, lost))
        for split, rows in (("train", job.plan.train), ("eval", job.plan.eval))
    }
    bundle = Bundle("llamafactory", "config.yaml", "llamafactory-cli train config.yaml", {split: values for split, (values, _) in data.items()})
    bundle.left_out, bundle.lost = data["train"][1] + data["eval"][1], lost
    splits = [split for split in NAMES if bundle.data[split]]
    bundle.add_json("dataset_info.json", {NAMES[split]: _dataset(job, split) for split in splits})
    bundle.add_yaml("config.yaml", {**_model(job), **_data(job), **_training(job)})
    masked = sum(untrained_answers(row) for row in job.plan.train)
    if masked and not job.pairs and not _last_only(job):
        bundle.notes.append(f"{masked:,} train rows hold answers with weight 0, which LLaMA-Factory trains all the same: it reads no weights")
    bundle.notes.append("the chat template is read from the tokenizer; for a base model without one add `template: NAME`")
    return bundle


def _last_only(job: TrainingJob) -> bool:
    return not job.plain and all(only_last_is_trained(row) for row in (*job.plan.train, *job.plan.eval))


def _dataset(job: TrainingJob, split: str) -> dict[str, Any]:
    file = {"file_name": f"data/{split}.jsonl"}
    if job.plain:
        return {**file, "columns": {"prompt": "text"}}
    columns = {"messages": "conversations"}
    if any(row.tools for row in (job.plan.train if split == "train" else job.plan.eval)):
        columns["tools"] = "tools"
    if job.pairs:
        return {**file, "formatting": "sharegpt", "ranking": True, "columns": {**columns, "chosen": "chosen", "rejected": "rejected"}}
    return {**file, "formatting": "sharegpt", "columns": columns}


def _model(job: TrainingJob) -> dict[str, Any]:
    settings = job.settings
    chosen: dict[str, Any] = {"model_name_or_path": job.model, "stage": "pt" if job.plain else "dpo" if job.pairs else "sft", "do_train": True}
    if job.adapters:
        modules = settings.lora_target_modules
        chosen |= {
            "finetuning_type": "lora", "lora_rank": settings.lora_rank, "lora_alpha": settings.lora_alpha, "lora_dropout": 0.0,
            "lora_target": ",".join(modules) if modules else "all",
        }  # fmt: skip
        if settings.method == "qlora":
            chosen |= {"quantization_bit": 4, "quantization_method": "bnb"}
    elif settings.method == "last-layers":
        chosen |= {"finetuning_type": "freeze", "freeze_trainable_layers": settings.last_layers}
    else:
        chosen["finetuning_type"] = "full"
    if job.pairs:
        chosen |= {"pref_beta": settings.dpo_beta, "pref_loss": "sigmoid"}
    return chosen


def _data(job: TrainingJob) -> dict[str, Any]:
    chosen: dict[str, Any] = {"dataset_dir": ".", "dataset": NAMES["train"], "cutoff_len": job.settings.max_length, "packing": False}
    if job.plan.eval:
        chosen["eval_dataset"] = NAMES["eval"]
    if not (job.plain or job.pairs):
        chosen |= {"train_on_prompt": False, "mask_history": _last_only(job)}
    return chosen


def _training(job: TrainingJob) -> dict[str, Any]:
    chosen = {**training_arguments(job), "num_train_epochs": float(job.settings.epochs)}
    if job.plan.eval and job.settings.patience is not None:
        chosen["early_stopping_steps"] = job.settings.patience
    return chosen
