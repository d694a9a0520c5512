"""From what the user asked for to numbers: every default in one place, written to run.json and never changed again."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from tunelint.train.plan import TINY, Hyperparameters, Plan
from tunelint.train.schedule import LEAST_EVALS

TINY_STEPS = 150
DEMO_STEPS = 200


@dataclass(frozen=True)
class Settings:
    """The hyperparameters of a run, all decided. Fields as in `Hyperparameters`."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: float
    schedule: str
    max_length: int
    method: str
    lora_rank: int
    lora_alpha: int
    lora_target_modules: tuple[str, ...] | None
    last_layers: int
    evals: int
    keep: str
    keep_checkpoints: int
    patience: int | None
    dpo_beta: float
    # Younger than the others: run folders of older versions lack it.
    max_steps: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The settings as run.json holds them."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Settings:
        """Read back what `to_json` wrote."""
        modules = value["lora_target_modules"]
        return cls(**{**value, "lora_target_modules": tuple(modules) if modules is not None else None})


def decide(plan: Plan, rows: int, context: int, parameters: int) -> Settings:
    """Fill in what the user left open.

    `rows` is the number of train rows that remain after encoding, `context` the model's longest input in tokens,
    `parameters` its size. The rates are the usual ones: 3e-3 for the tiny model from scratch, 2e-4 for LoRA (Hu et al.
    2021, appendix D), 2e-5 for full fine-tuning; 3 epochs for a pretrained model, and for the tiny one as many as make
    about 150 steps, because from scratch it knows nothing at first.
    """
    asked = plan.hyperparameters
    tiny = plan.model == TINY
    method = asked.method or ("lora" if parameters >= 1_000_000_000 else "full")
    batch_size = min(asked.batch_size or (16 if tiny or rows >= 1_000 else 8), rows)
    rate = asked.learning_rate or _default_rate(tiny, method, plan.method) * (asked.learning_rate_multiplier or 1.0)
    rank = asked.lora_rank or 16
    steps_per_epoch = math.ceil(rows / batch_size)
    if asked.max_steps is not None:
        epochs = math.ceil(asked.max_steps / steps_per_epoch)
    else:
        epochs = asked.epochs or _default_epochs(asked, tiny, steps_per_epoch)
    return Settings(
        epochs=epochs,
        max_steps=asked.max_steps,
        batch_size=batch_size,
        learning_rate=rate,
        weight_decay=_or(asked.weight_decay, 0.0),
        warmup=_or(asked.warmup, 0.05),
        schedule=asked.schedule or "cosine",
        max_length=min(asked.max_length or 2048, context),
        method=method,
        lora_rank=rank,
        lora_alpha=asked.lora_alpha or 2 * rank,
        lora_target_modules=asked.lora_target_modules,
        last_layers=asked.last_layers or 2,
        evals=asked.evals or LEAST_EVALS,
        keep=asked.keep or "best",
        keep_checkpoints=asked.keep_checkpoints or 3,
        patience=asked.patience,
        dpo_beta=asked.dpo_beta or 0.1,
    )


def _default_rate(tiny: bool, method: str, objective: str) -> float:
    if tiny:
        return 3e-3
    rate = 2e-4 if method in ("lora", "qlora") else 2e-5
    # A preference loss moves the model much faster than likelihood does (Rafailov et al. 2023 use 1e-6 in full).
    return rate / 20 if objective == "dpo" else rate


def _default_epochs(asked: Hyperparameters, tiny: bool, steps_per_epoch: int) -> int:
    if asked.preset == "demo":
        return max(LEAST_EVALS, min(100, round(DEMO_STEPS / steps_per_epoch)))
    if tiny:
        return max(3, min(40, round(TINY_STEPS / steps_per_epoch)))
    return 3


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
