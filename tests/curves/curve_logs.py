"""Logs for the tests, built the way trainers write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunelint.curves import EvalPoint, Run, TrainPoint


def curve(
    evals: Sequence[float | None],
    trains: Sequence[float] | None = None,
    metrics: Mapping[str, Sequence[float]] | None = None,
    **more: Any,
) -> Run:
    """A run with one eval and one train point per epoch, 100 steps each."""
    points = tuple(
        EvalPoint(100 * (i + 1), i + 1, loss, {name: values[i] for name, values in (metrics or {}).items()}) for i, loss in enumerate(evals)
    )
    falling = [2.0 * 0.7**i for i in range(len(evals))] if trains is None else trains
    train_points = tuple(TrainPoint(100 * (i + 1), i + 1, loss) for i, loss in enumerate(falling))
    return Run("run", points, train_points, epochs=float(len(evals)), **more)


def log_history(evals: Sequence[float], trains: Sequence[float] | None = None) -> list[dict[str, Any]]:
    """The log_history of a Trainer with one eval per epoch of 100 steps."""
    entries: list[dict[str, Any]] = []
    for i, loss in enumerate(evals):
        place = {"epoch": float(i + 1), "step": 100 * (i + 1)}
        if trains is not None:
            entries.append({"loss": trains[i], "grad_norm": 1.2, "learning_rate": 2e-5, **place})
        speed = {"eval_runtime": 2.5, "eval_samples_per_second": 40.0, "eval_steps_per_second": 5.0}
        entries.append({"eval_loss": loss, **speed, **place})
    return entries


def trainer_state(folder: Path, entries: list[dict[str, Any]], name: str = "trainer_state.json") -> Path:
    """Write a trainer state as transformers 4.5x does."""
    last = max((entry["step"] for entry in entries), default=0)
    state = {
        "best_global_step": None,
        "best_metric": None,
        "best_model_checkpoint": None,
        "epoch": max((entry.get("epoch", 0.0) for entry in entries), default=0.0),
        "eval_steps": 100,
        "global_step": last,
        "is_hyper_param_search": False,
        "is_local_process_zero": True,
        "is_world_process_zero": True,
        "log_history": entries,
        "logging_steps": 100,
        "max_steps": last,
        "num_train_epochs": 3,
        "save_steps": 100,
        "stateful_callbacks": {},
        "total_flos": 0.0,
        "train_batch_size": 8,
        "trial_name": None,
        "trial_params": None,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(state, indent=2))
    return path


def run_folder(
    folder: Path,
    evals: Sequence[float],
    trains: Sequence[float],
    saved: Sequence[int] = (),
    rows: np.ndarray | None = None,
) -> Path:
    """Write a run folder of `tunelint train`; `rows` (P, N) are the per-example eval losses."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"state": "finished", "backend": "local", "seed": 0}))
    lines = []
    for i, loss in enumerate(evals):
        lines.append({"step": 100 * (i + 1), "epoch": i + 1.0, "loss": trains[i]})
        lines.append({"step": 100 * (i + 1), "epoch": i + 1.0, "eval_loss": loss})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for step in saved:
        (folder / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    if rows is not None:
        np.savez(
            folder / "eval_losses.npz",
            steps=np.arange(1, len(evals) + 1) * 100,
            losses=rows.astype(np.float32),
            tokens=np.full(rows.shape[1], 50),
            records=np.array([f"{i:032x}" for i in range(rows.shape[1])]),
        )
    return folder
