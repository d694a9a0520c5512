"""The result of a run as a model again: the checkpoint, with its base where it is only an adapter."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.libraries import quiet, require_packages
from tunelint.train.models import load
from tunelint.train.plan import Plan
from tunelint.train.runs import RunFolder

ADAPTER = "adapter_config.json"


@dataclass(frozen=True)
class Result:
    """Where a result lies: `path`, and the `step` it was saved at (None where run.json does not say)."""

    path: Path
    step: int | None


def find_result(folder: RunFolder, step: int | None = None) -> Result:
    """Return the kept model of a local run, or the checkpoint of `step`.

    Raises TunelintError where the run has no model yet, or no such checkpoint; the message names those there are.
    """
    record = folder.read()
    if record["backend"] != "local":
        raise TunelintError(f"The model of {folder.id} lies at the service that trained it, not in the run folder.")
    saved = sorted(int(path.name.rpartition("-")[2]) for path in folder.checkpoints.glob("checkpoint-*") if (path / "config.json").is_file()
                   or (path / ADAPTER).is_file())  # fmt: skip
    if step is not None:
        if step not in saved:
            there = ", ".join(map(str, saved)) or "none"
            raise TunelintError(f"{folder.id} has no checkpoint of step {step}; there are {there}.")
        return Result(folder.checkpoints / f"checkpoint-{step}", step)
    if not folder.model.is_dir():
        hint = "name one of its checkpoints with --checkpoint" if saved else f"finish it: tunelint runs resume {folder.id}"
        raise TunelintError(f"The run {folder.id} is {folder.state} and has no model yet; {hint}.")
    return Result(folder.model, record.get("kept_step"))


def load_base(folder: RunFolder, device: str) -> tuple[Any, Any]:
    """Return the model that the run started from, in eval mode on `device`, and the run's tokenizer."""
    require_packages()
    quiet()
    loaded = load(folder.plan(), folder.path, device)
    return _placed(loaded.model, device), loaded.tokenizer


def load_result(folder: RunFolder, result: Result, device: str, merge: bool = False) -> tuple[Any, Any]:
    """Return what the run made, in float32 and eval mode on `device`, and its tokenizer.

    An adapter is put on its base; with `merge` it becomes part of the weights. A base that was trained beside in 4 bits
    is loaded whole for merging: what is rounded to 4 bits cannot take up an adapter without loss.
    """
    require_packages()
    quiet()
    if not (result.path / ADAPTER).is_file():
        return _load_whole(result.path, device)
    from peft import PeftModel

    plan = folder.plan()
    loaded = load(_unquantised(plan) if merge else plan, folder.path, device)
    model = PeftModel.from_pretrained(loaded.model, str(result.path), is_trainable=False)
    model = model.merge_and_unload() if merge else model
    return _placed(model, device), loaded.tokenizer


def _load_whole(path: Path, device: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model: Any = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=False, use_safetensors=True, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise TunelintError(f"Cannot load {path}: {' '.join(str(error).split())[:300]}") from error
    return _placed(model, device), tokenizer


def _placed(model: Any, device: str) -> Any:
    """Return the model in eval mode on the device; one in 4 bits was loaded there and stays."""
    quantised = getattr(model, "is_quantized", False) or getattr(model, "is_loaded_in_4bit", False)
    return (model if quantised else model.to(device)).eval()


def _unquantised(plan: Plan) -> Plan:
    asked = plan.hyperparameters
    return replace(plan, hyperparameters=replace(asked, method="lora")) if asked.method == "qlora" else plan


def forget(*models: Any) -> None:
    """Free the memory of models that nobody else holds."""
    import torch

    del models
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
