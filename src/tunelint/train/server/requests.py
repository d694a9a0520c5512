"""Reading the body of a create call: everything is checked before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunelint.train.plan import Hyperparameters
from tunelint.train.server.names import tuned_folder
from tunelint.train.server.problems import Problem
from tunelint.train.server.store import Store

LIMITS = {"n_epochs": (1, 50), "batch_size": (1, 256)}
_KNOWN = {"model", "training_file", "validation_file", "method", "hyperparameters", "seed", "suffix", "metadata", "integrations"}


@dataclass(frozen=True)
class NewJob:
    """A job that was asked for, checked."""

    model: str
    training_file: str
    validation_file: str | None
    seed: int
    suffix: str | None
    metadata: dict[str, str]
    method: dict[str, Any]

    def to_row(self) -> dict[str, Any]:
        """The columns of the jobs table."""
        return dict(self.__dict__)


def new_job(body: bytes, store: Store, models: Mapping[str, str]) -> NewJob:
    """Read the body. Raises Problem, naming the parameter at fault."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Problem(400, "The body is no JSON object.")
    unknown = sorted(set(value) - _KNOWN)
    if unknown:
        raise Problem(400, f"Unknown parameter: {unknown[0]!r}.", unknown[0])
    if value.get("integrations"):
        raise Problem(400, "This server has no integrations.", "integrations")
    model = value.get("model")
    if not isinstance(model, str) or (model not in models and tuned_folder(store, model) is None):
        raise Problem(400, f"The model {model!r} cannot be trained here; there are {', '.join(models)}.", "model", "model_not_found")
    training = _file(store, value, "training_file")
    if training is None:
        raise Problem(400, "training_file is missing.", "training_file")
    validation = _file(store, value, "validation_file")
    if training == validation:
        raise Problem(400, "validation_file is the training file: overfitting could not be seen.", "validation_file")
    seed = value.get("seed")
    if seed is not None and not (_whole(seed) and 0 <= seed < 2**31):
        raise Problem(400, "seed must be between 0 and 2147483647.", "seed")
    suffix = value.get("suffix")
    if suffix is not None and not (isinstance(suffix, str) and 1 <= len(suffix) <= 64):
        raise Problem(400, "suffix must have 1 to 64 characters.", "suffix")
    return NewJob(model, training, validation, seed or 0, suffix, _metadata(value.get("metadata")), _method(value))


def _file(store: Store, value: dict[str, Any], name: str) -> str | None:
    identity = value.get(name)
    if identity is None:
        return None
    if not isinstance(identity, str) or store.one("SELECT id FROM files WHERE id = ? AND purpose = 'fine-tune'", identity) is None:
        raise Problem(400, f"There is no file {identity!r} for fine-tuning.", name, "file_not_found")
    return identity


def _metadata(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    fits = isinstance(value, dict) and len(value) <= 16
    if not fits or any(not isinstance(text, str) or len(key) > 64 or len(text) > 512 for key, text in value.items()):
        raise Problem(400, "metadata has at most 16 keys of 64 characters, with texts of 512.", "metadata")
    return dict(value)


def _method(value: dict[str, Any]) -> dict[str, Any]:
    """Return the method in one form: `{"type": T, T: {"hyperparameters": {...}}}`, "auto" where nothing is asked."""
    method = value.get("method") or {"type": "supervised", "supervised": {"hyperparameters": value.get("hyperparameters")}}
    kind = method.get("type") if isinstance(method, dict) else None
    if kind not in ("supervised", "dpo"):
        raise Problem(400, f"The method {kind!r} is not offered here; there are supervised and dpo.", "method")
    settings = method.get(kind) or {}
    asked = settings.get("hyperparameters") if isinstance(settings, dict) else None
    if asked is not None and not isinstance(asked, dict):
        raise Problem(400, "hyperparameters is no object.", "method")
    names = ("n_epochs", "batch_size", "learning_rate_multiplier", *(("beta",) if kind == "dpo" else ()))
    chosen = {name: (asked or {}).get(name) for name in names}
    for name, given in chosen.items():
        if given is None or given == "auto":
            chosen[name] = "auto"
        elif name in LIMITS and not (_whole(given) and LIMITS[name][0] <= given <= LIMITS[name][1]):
            raise Problem(400, f"{name} must be 'auto' or between {LIMITS[name][0]} and {LIMITS[name][1]}.", name)
        elif name not in LIMITS and not (isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= 1000):
            raise Problem(400, f"{name} must be 'auto' or a positive number.", name)
    return {"type": kind, kind: {"hyperparameters": chosen}}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def hyperparameters(method: dict[str, Any]) -> Hyperparameters:
    """Return the trainer's own hyperparameters for a method as `new_job` stores it; "auto" leaves it to the trainer."""
    asked = {name: None if value == "auto" else value for name, value in method[method["type"]]["hyperparameters"].items()}
    return Hyperparameters(
        epochs=asked.get("n_epochs"),
        batch_size=asked.get("batch_size"),
        learning_rate_multiplier=asked.get("learning_rate_multiplier"),
        dpo_beta=asked.get("beta"),
    )
