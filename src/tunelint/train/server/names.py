"""Names of tuned models and of their checkpoints, and the folders behind them.

The forms are OpenAI's: `ft:BASE:ORGANISATION:SUFFIX:ID`, and `…:ckpt-step-N` behind it for a checkpoint; see
https://platform.openai.com/docs/api-reference/fine-tuning/checkpoint-object.
"""

from __future__ import annotations

import re
from pathlib import Path

from tunelint.train.server.store import Row, Store

_CHECKPOINT = re.compile(r"(ft:.+):ckpt-step-(\d{1,12})")


def tuned_name(job: Row) -> str:
    """Return the name of a job's model."""
    suffix = re.sub(r"[^A-Za-z0-9-]+", "-", job["suffix"] or "")
    base = job["model"].removeprefix("ft:").split(":")[0]
    return f"ft:{base}:tunelint:{suffix}:{job['id'].removeprefix('ftjob-')[:8]}"


def checkpoint_name(job: Row, step: int) -> str:
    """Return the name of the model that a job's checkpoint is."""
    return f"{tuned_name(job)}:ckpt-step-{step}"


def tuned_folder(store: Store, name: str) -> Path | None:
    """Return the folder of a tuned model, or of a checkpoint (of a job that still trains, too); None where there is none."""
    found = _CHECKPOINT.fullmatch(name)
    if found is None:
        job = store.one("SELECT id FROM jobs WHERE fine_tuned_model = ?", name)
        folder = store.run_path(job["id"]) / "model" if job else None
    else:
        step = int(found[2])
        jobs = store.rows("SELECT jobs.* FROM jobs JOIN checkpoints ON checkpoints.job = jobs.id WHERE checkpoints.step = ?", step)
        folder = next((store.run_path(job["id"]) / "checkpoints" / f"checkpoint-{step}" for job in jobs if tuned_name(job) == found[1]), None)
    return folder if folder is not None and folder.is_dir() else None
