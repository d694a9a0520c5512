"""TRL and Unsloth: a program of a few lines that masks as tunelint does, and its settings as YAML."""

from __future__ import annotations

from importlib import resources
from typing import Any

from tunelint.errors import TunelintError
from tunelint.exporting.arguments import training_arguments
from tunelint.exporting.bundle import Bundle
from tunelint.exporting.job import TrainingJob
from tunelint.exporting.values import chat_value, preference_value, values_of

# Unsloth wants them by name; the linear layers of Llama, Qwen, Mistral, Gemma and Phi-4 are called so.
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_IMPORT = "from tunelint.exporting.scripts.rows import encoded_rows\n"


def trl(job: TrainingJob) -> Bundle:
    """Return what TRL needs: SFTConfig or DPOConfig with ModelConfig, as TrlParser reads them."""
    _refuse_last_layers(job, "TRL")
    settings = job.settings
    config: dict[str, Any] = {"model_name_or_path": job.model}
    if job.adapters:
        modules = settings.lora_target_modules
        config |= {
            "use_peft": True, "lora_r": settings.lora_rank, "lora_alpha": settings.lora_alpha, "lora_dropout": 0.0,
            "lora_target_modules": list(modules) if modules else "all-linear", "load_in_4bit": settings.method == "qlora",
        }  # fmt: skip
        if settings.method == "qlora":
            config |= {"bnb_4bit_quant_type": "nf4", "use_bnb_nested_quant": True}
    config |= training_arguments(job)
    if job.pairs:
        config["beta"] = settings.dpo_beta
    else:
        config["packing"] = False
    config["max_length"] = settings.max_length
    if settings.patience is not None and job.plan.eval:
        config["patience"] = settings.patience
    bundle = _bundle(job, "trl", "python train.py --config config.yaml")
    bundle.add_yaml("config.yaml", config)
    bundle.files["train.py"] = program("trl_dpo" if job.pairs else "trl_sft")
    return bundle


def unsloth(job: TrainingJob) -> Bundle:
    """Return what Unsloth needs. Raises TunelintError for preference pairs, for which TRL's bundle is the way."""
    _refuse_last_layers(job, "Unsloth")
    if job.pairs:
        raise TunelintError("the program for Unsloth is for supervised fine-tuning; preference pairs: --for trl, axolotl or llamafactory.")
    settings = job.settings
    adapters = {
        "r": settings.lora_rank, "lora_alpha": settings.lora_alpha, "lora_dropout": 0, "bias": "none",
        "target_modules": list(settings.lora_target_modules or LINEAR), "use_gradient_checkpointing": "unsloth", "random_state": job.plan.seed,
    }  # fmt: skip
    bundle = _bundle(job, "unsloth", "python train.py")
    bundle.add_yaml("config.yaml", {
        "model": {
            "model_name": job.model, "max_seq_length": settings.max_length, "load_in_4bit": settings.method == "qlora",
            "full_finetuning": not job.adapters,
        },
        "lora": adapters if job.adapters else None,
        "training": {**training_arguments(job), "packing": False, "max_length": settings.max_length},
        "patience": settings.patience if job.plan.eval else None,
    })  # fmt: skip
    bundle.files["train.py"] = program("unsloth_sft")
    return bundle


def program(name: str) -> str:
    """Return a training program that needs nothing of tunelint: the rows' part is put in the place of its import."""
    folder = resources.files("tunelint.exporting.scripts")
    text = folder.joinpath(f"{name}.py").read_text(encoding="utf-8")
    if _IMPORT not in text:
        return text
    head, body = text.split(_IMPORT)
    rows = folder.joinpath("rows.py").read_text(encoding="utf-8").split("from __future__ import annotations\n\n")[1]
    imports, functions = rows.split("\n\n", 1)
    docstring, own = head.split("from __future__ import annotations\n\n")
    # Path and Any come with the rows' own imports.
    own = own.replace("from pathlib import Path\n", "").strip("\n")
    return f"{docstring}from __future__ import annotations\n\n{imports}\n\n{own}\n\n\n{functions.rstrip()}\n{body}"


def _bundle(job: TrainingJob, trainer: str, run: str) -> Bundle:
    make = preference_value if job.pairs else chat_value
    return Bundle(
        trainer, "config.yaml", run, {split: values_of(rows, make)[0] for split, rows in (("train", job.plan.train), ("eval", job.plan.eval))}
    )


def _refuse_last_layers(job: TrainingJob, name: str) -> None:
    if job.settings.method == "last-layers":
        raise TunelintError(f"{name} trains all weights or adapters; it has no last-layers: say --method lora or full.")
