"""The points of the curves: written to the run folder first, then told."""

from __future__ import annotations

import math
from typing import Any

from tunelint.train.events import EvalEvent, TrainEvent
from tunelint.train.job import Job
from tunelint.train.objective import mean_over


def record_step(job: Job, step: int, epoch: float, logs: dict[str, Any]) -> None:
    """Add one step to the open interval of the train curve, and write the interval's point where it closes.

    The Trainer logs every step; the mean over an interval is ours, because its own accumulator is not in checkpoints.
    """
    interval = job.progress.interval
    interval.append(float(logs["loss"]))
    if not job.schedule.logs_at(step):
        return
    loss = sum(interval) / len(interval)
    interval.clear()
    if not job.leads:
        return
    rate, norm = logs.get("learning_rate"), logs.get("grad_norm")
    job.folder.metrics.append({"step": step, "epoch": epoch, "loss": loss, "learning_rate": rate, "grad_norm": norm})
    job.emit(TrainEvent(step, job.schedule.total_steps, epoch, loss, rate, norm))


def measure(job: Job, trainer: Any) -> dict[str, float]:
    """Measure the eval rows, and the train rows where the schedule says so; write and tell the results."""
    step, epoch = trainer.state.global_step, float(trainer.state.epoch or 0.0)
    device = trainer.args.device
    if step in job.schedule.row_passes:
        losses, _ = job.objective.measure(trainer.model, job.train, device)
        if job.leads:
            weights, digests = [row.trained for row in job.train], [row.digest for row in job.train]
            job.folder.row_losses.add(step, epoch, losses, weights, digests)
    if not job.eval:
        return {}
    losses, metrics = job.objective.measure(trainer.model, job.eval, device)
    loss = mean_over(job.eval, losses)
    best = job.progress.best
    better = math.isfinite(loss) and (best is None or loss < best["eval_loss"])
    if better:
        # The model before training has no checkpoint, so it can only be beaten, never kept.
        job.progress.best = {"step": step, "epoch": epoch, "eval_loss": loss} if step else None
        job.progress.since_best = 0
    elif step:
        job.progress.since_best += 1
    if job.leads:
        weights, digests = [row.trained for row in job.eval], [row.digest for row in job.eval]
        job.folder.eval_losses.add(step, epoch, losses, weights, digests)
        job.folder.metrics.append({"step": step, "epoch": epoch, "eval_loss": loss, **metrics})
        job.emit(EvalEvent(step, job.schedule.total_steps, epoch, loss, better))
    return {"eval_loss": loss, **metrics}
