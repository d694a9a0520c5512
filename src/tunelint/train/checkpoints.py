"""Checkpoints: whole or thrown away, few, and always the best among them.

Everything that must survive a kill is in the checkpoint or written before it: weights, optimiser, scheduler and random
state by the Trainer, and by us, last of all, `tunelint.json` with our own progress. A checkpoint without that file is
half a checkpoint.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict
from pathlib import Path

from tunelint.train.events import StateEvent
from tunelint.train.files import read_json, write_json
from tunelint.train.job import Job, Progress
from tunelint.train.runs import RunFolder

MARK = "tunelint.json"
# Neither weights nor tokenizer: what a checkpoint holds for resuming only.
NOT_IN_MODEL = ("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state*.pth", "trainer_state.json", MARK)


def last_checkpoint(folder: RunFolder) -> tuple[Path | None, Progress]:
    """Return the newest whole checkpoint and its progress, (None, nothing done) where there is none."""
    steps = _whole(folder)
    if not steps:
        return None, Progress()
    path = folder.checkpoints / f"checkpoint-{steps[-1]}"
    return path, Progress(**read_json(path / MARK))


def remove_halves(folder: RunFolder) -> None:
    """Remove what a kill in the middle of saving left."""
    for path in folder.checkpoints.glob("checkpoint-*"):
        if not (path / MARK).is_file():
            shutil.rmtree(path)


def finish_checkpoint(job: Job) -> None:
    """Mark the checkpoint of the step in hand as whole, then let others go.

    The newest stays, to resume from, and those with the lowest eval losses: the best one is not always that of the single
    lowest eval, which may be luck, and a verdict that names a checkpoint which is gone helps nobody.
    """
    folder, progress = job.folder, job.progress
    path = folder.checkpoints / f"checkpoint-{progress.step}"
    # Written by torch's pickle and never read again.
    (path / "training_args.bin").unlink(missing_ok=True)
    write_json(path / MARK, asdict(progress))
    steps = _whole(folder)
    losses = {point["step"]: point["eval_loss"] for point in folder.metrics.read() if "eval_loss" in point}
    ranked = sorted(
        steps, key=lambda step: (not math.isfinite(losses.get(step, math.inf)), losses.get(step, math.inf), step)
    )
    kept = {steps[-1], *ranked[: job.settings.keep_checkpoints]}
    for old in set(steps) - kept:
        doomed = folder.checkpoints / f"checkpoint-{old}"
        # The mark goes first, so that a kill in the middle leaves a recognisable half.
        (doomed / MARK).unlink()
        shutil.rmtree(doomed)
    folder.update(
        checkpoints=sorted(kept & set(steps)),
        best=progress.best,
        progress={"step": progress.step, "total_steps": job.schedule.total_steps, "epoch": progress.epoch},
    )


def keep_model(job: Job) -> None:
    """Make `model/` from the checkpoint to keep: the one with the lowest eval loss, or the last."""
    job.folder.update(state="saving")
    job.emit(StateEvent("saving"))
    best = job.progress.best
    step = best["step"] if best and job.settings.keep == "best" else job.progress.step
    partial = job.folder.path / ".model.partial"
    if partial.exists():
        shutil.rmtree(partial)
    source = job.folder.checkpoints / f"checkpoint-{step}"
    shutil.copytree(source, partial, ignore=shutil.ignore_patterns(*NOT_IN_MODEL))
    job.folder.replace_folder("model", partial)
    job.folder.update(kept_step=step)


def _whole(folder: RunFolder) -> list[int]:
    return sorted(int(mark.parent.name.rpartition("-")[2]) for mark in folder.checkpoints.glob(f"checkpoint-*/{MARK}"))
