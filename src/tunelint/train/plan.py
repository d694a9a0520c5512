"""A plan: everything that a run needs to know before it starts, in one frozen value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from tunelint.errors import TunelintError
from tunelint.train.records import TrainRecord

TINY = "tiny"
SMOLLM2 = "smollm2"
Method = Literal["full", "lora", "qlora", "last-layers"]


@dataclass(frozen=True)
class Hyperparameters:
    """What the user asked for. None means: choose by the model, the data and the hardware (see settings.py).

    `batch_size` is the effective batch: rows per optimiser step over all devices and accumulation. `micro_batch_size`
    is what one device holds at once. `max_steps` ends the run after that many optimiser steps, in the middle of an
    epoch if need be: so that runs can be compared at the same number of steps. `learning_rate_multiplier` scales the
    default rate (hosted APIs speak in it).
    `evals` is the least number of evals after the one before training. `keep` decides which checkpoint becomes
    `model/`. `patience` stops the run after that many evals without a new best. `preset="demo"` picks a schedule long
    enough that a small set visibly overfits.
    """

    epochs: int | None = None
    max_steps: int | None = None
    batch_size: int | None = None
    micro_batch_size: int | None = None
    learning_rate: float | None = None
    learning_rate_multiplier: float | None = None
    weight_decay: float | None = None
    warmup: float | None = None
    schedule: Literal["cosine", "linear", "constant"] | None = None
    max_length: int | None = None
    method: Method | None = None
    lora_rank: int | None = None
    lora_alpha: int | None = None
    lora_target_modules: tuple[str, ...] | None = None
    last_layers: int | None = None
    precision: Literal["fp32", "bf16"] | None = None
    activation_checkpointing: bool | None = None
    evals: int | None = None
    keep: Literal["best", "last"] | None = None
    keep_checkpoints: int | None = None
    patience: int | None = None
    threads: int | None = None
    device: Literal["cpu", "cuda", "mps"] | None = None
    dpo_beta: float | None = None
    preset: Literal["demo"] | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "max_steps", "batch_size", "micro_batch_size", "max_length", "lora_rank", "lora_alpha",
                     "last_layers", "evals", "keep_checkpoints", "patience", "threads"):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value < 1:
                raise TunelintError(f"{name.replace('_', '-')} is {value}; it must be at least 1.")
        for name in ("learning_rate", "learning_rate_multiplier", "dpo_beta"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise TunelintError(f"{name.replace('_', '-')} is {value}; it must be a positive number.")


@dataclass(frozen=True)
class Source:
    """A cleaned file that rows came from: its path as given, the SHA-256 of its bytes, its number of records."""

    path: str
    sha256: str
    records: int


@dataclass(frozen=True)
class Plan:
    """One training run, from data to model.

    `train` and `eval` are the rows; `model` is "tiny" (the embedded demonstration model), "smollm2", a folder, a hub
    id, or the API's model name. `run_dir` is the run's own folder (None: a new one under `runs/`). `lint` is the
    summary of the lint report that the rows passed, kept for the record. `options` are the backend's own settings
    (base URL and the like), never a secret: all of this is written to run.json.
    """

    train: tuple[TrainRecord, ...]
    eval: tuple[TrainRecord, ...] = ()
    model: str = TINY
    backend: Literal["local", "openai"] = "local"
    method: Literal["supervised", "dpo"] = "supervised"
    seed: int = 0
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    run_dir: Path | None = None
    train_sources: tuple[Source, ...] = ()
    eval_sources: tuple[Source, ...] = ()
    lint: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.train:
            raise TunelintError("There are no rows to train on; check the train files and what was left out of them.")
        if not 0 <= self.seed < 2**32:
            raise TunelintError(f"seed is {self.seed}; it must be between 0 and 4294967295.")

    def settings_json(self) -> dict[str, Any]:
        """The part of the plan that run.json holds as it is; rows and digests are added by the run folder."""
        return {
            "backend": self.backend,
            "method": self.method,
            "model": self.model,
            "seed": self.seed,
            "hyperparameters": {key: value for key, value in asdict(self.hyperparameters).items() if value is not None},
            "lint": self.lint,
            "options": self.options,
        }


def hyperparameters_from_json(value: dict[str, Any]) -> Hyperparameters:
    """Read back what `settings_json` wrote. Raises TunelintError at a key of another version."""
    known = {item.name for item in fields(Hyperparameters)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise TunelintError(f"run.json has unknown hyperparameters {', '.join(unknown)}; it needs a newer tunelint.")
    modules = value.get("lora_target_modules")
    return Hyperparameters(**{**value, "lora_target_modules": tuple(modules) if modules is not None else None})
