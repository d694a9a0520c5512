"""One vocabulary for the columns of every log: `step`, `epoch`, `loss`, `eval_loss`, `eval_<metric>`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

STEP = ("step", "steps", "global_step", "current_steps", "train/global_step", "trainer/global_step", "_step", "step_number",
        "iter", "iteration", "iterations")  # fmt: skip
EPOCH = ("epoch", "epochs", "train/epoch", "current_epoch", "_epoch")
TRAIN_LOSS = ("loss", "train_loss", "train/loss", "train", "training_loss", "training loss", "train loss", "train_loss_epoch",
              "train/loss_epoch", "trainloss", "train_loss_step", "epoch_loss")  # fmt: skip
EVAL_LOSS = ("eval_loss", "full_valid_loss", "val_loss", "valid_loss", "validation_loss", "eval/loss", "val/loss", "valid/loss",
             "validation/loss", "validation loss", "valid loss", "val loss", "eval loss", "eval", "val", "valid",
             "val_loss_epoch", "dev_loss", "epoch_val_loss")  # fmt: skip

_EVAL_PREFIX = re.compile(r"^(?:full_valid|eval|val|valid|validation|dev)[_/ ]", re.IGNORECASE)
_COLUMNS = ("step", "epoch", "loss", "eval_loss")


def canonical_names(keys: list[str], columns: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return log name -> canonical name for the keys of a log. `columns` (canonical -> log name) wins over the guess.

    Keys that mean nothing here (learning rate, speed) are left out; of several steps or losses the first in the order
    above is taken. Validation metrics become `eval_<metric>`.
    """
    chosen: dict[str, str] = {}
    lower = {key.strip().lower(): key for key in reversed(keys)}
    for canonical, aliases in zip(_COLUMNS, (STEP, EPOCH, TRAIN_LOSS, EVAL_LOSS), strict=True):
        own = (columns or {}).get(canonical)
        found = own if own is not None else next((lower[alias] for alias in aliases if alias in lower), None)
        if found is not None and found in keys:
            chosen[found] = canonical
    per_batch = any(key.lower().startswith("full_valid") for key in keys)
    for key in keys:
        prefix = _EVAL_PREFIX.match(key.strip())
        if key in chosen or prefix is None:
            continue
        if per_batch and not key.lower().startswith("full_valid"):
            continue  # OpenAI logs one batch as valid_*, the whole file as full_valid_*: only the latter is an eval.
        metric = key.strip()[prefix.end() :]
        if metric.lower() not in ("loss", "step", "epoch", "iteration"):
            chosen[key] = f"eval_{metric}"
    return chosen


def renamed(entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry with canonical keys. Validation keys that were not chosen go; other keys stay (a reward, say)."""
    return {names.get(key, key): value for key, value in entry.items() if key in names or (key not in _COLUMNS and not _EVAL_PREFIX.match(str(key)))}


def has_loss(names: Mapping[str, str]) -> bool:
    """True for keys among which there is a loss."""
    return "loss" in names.values() or "eval_loss" in names.values()
