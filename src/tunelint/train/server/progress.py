"""From a run folder to the job's events, checkpoints and result: said again as often as you like, stored once.

The worker writes only its run folder. Whatever this process missed, because it was killed or started later than the
worker, is still there, so nothing is lost and nothing is told twice.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from typing import Any

from tunelint.train.runs import RunFolder
from tunelint.train.server.names import tuned_name
from tunelint.train.server.store import Row, Store

NAMES = {"loss": "train_loss", "eval_loss": "full_valid_loss"}
SKIPPED = ("step", "epoch", "learning_rate", "grad_norm")


def api_metrics(point: Row) -> dict[str, Any]:
    """Return a point of metrics.jsonl under the API's names: eval metrics are those of the whole file."""
    named = {"step": point["step"]}
    for key, value in point.items():
        if key in SKIPPED or value is None:
            continue
        named[NAMES.get(key) or (f"full_valid_{key.removeprefix('eval_')}" if key.startswith("eval_") else key)] = value
    return named


def sync(store: Store, job: Row, folder: RunFolder) -> None:
    """Store what is new in the run folder."""
    record = folder.read()
    points = folder.metrics.read()
    total = (record.get("progress") or {}).get("total_steps")
    settings = record.get("settings") or {}
    method = job["method"]
    asked = method[method["type"]]["hyperparameters"]
    decided = {"n_epochs": settings.get("epochs"), "batch_size": settings.get("batch_size")}
    known = {name: value for name, value in decided.items() if value is not None and asked.get(name) == "auto"}
    if known:
        method[method["type"]]["hyperparameters"] = {**asked, **known}
        store.update("jobs", job["id"], method=method)
    told = {row["key"] for row in store.rows("SELECT key FROM events WHERE job = ?", job["id"])}
    with store.transaction():
        for point in points:
            if _key(point) not in told:
                _point_event(store, job["id"], point, total)
        _checkpoints(store, job["id"], record.get("checkpoints") or [], points)


def _checkpoints(store: Store, job: str, steps: Sequence[int], points: list[Row]) -> None:
    """Store new checkpoints, and forget those that the worker has let go: what is listed can be talked to."""
    by_step = {point["step"]: api_metrics(point) for point in points if "eval_loss" in point}
    for step in steps:
        values = {"job": job, "step": step, "created_at": round(time.time()), "metrics": by_step.get(step, {"step": step})}
        if store.insert("checkpoints", values, ignore=True):
            store.event(job, f"checkpoint-{step}", f"Checkpoint created at step {step}")
    store.keep_checkpoints(job, steps)


def _key(point: Row) -> str:
    return f"{'eval' if 'eval_loss' in point else 'train'}-{point['step']}"


def _point_event(store: Store, job: str, point: Row, total: int | None) -> None:
    values = api_metrics(point)
    parts = [f"training loss={values['train_loss']:.4f}"] if "train_loss" in values else []
    parts += [f"full validation loss={values['full_valid_loss']:.4f}"] if "full_valid_loss" in values else []
    if parts:
        data = {**values, **({"total_steps": total} if total else {})}
        where = f"{point['step']}/{total}" if total else str(point["step"])
        store.event(job, _key(point), f"Step {where}: {', '.join(parts)}", type="metrics", data=data)


def finish(store: Store, job: Row, folder: RunFolder) -> None:
    """Note that a job has succeeded: its model, its result file, its last events."""
    sync(store, job, folder)
    name = tuned_name(job)
    result = _result_file(store, job, folder)
    store.event(job["id"], "model", f"New fine-tuned model created: {name}")
    store.event(job["id"], "succeeded", "The job has successfully completed")
    store.update(
        "jobs", job["id"], status="succeeded", finished_at=round(time.time()), fine_tuned_model=name, result_file=result,
        trained_tokens=_trained_tokens(folder), wish=None,
    )  # fmt: skip


def _trained_tokens(folder: RunFolder) -> int | None:
    """Return trained tokens times epochs, None where the run did not measure its rows."""
    table = folder.row_losses.read()
    epochs = (folder.read().get("settings") or {}).get("epochs")
    return int(table["tokens"].sum()) * int(epochs) if table is not None and epochs else None


def _result_file(store: Store, job: Row, folder: RunFolder) -> str:
    """Write the metrics as CSV, as OpenAI's result files have them: one row per step, blanks where nothing was measured."""
    rows: dict[int, dict[str, Any]] = {}
    for point in folder.metrics.read():
        rows.setdefault(point["step"], {}).update(api_metrics(point))
    keys = list(dict.fromkeys(["step", "train_loss", *(key for row in rows.values() for key in row)]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, keys, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[step] for step in sorted(rows))
    identity = f"file-{job['id'].removeprefix('ftjob-')}"
    content = text.getvalue().encode("ascii")
    store.file_path(identity).write_bytes(content)
    store.insert(
        "files",
        {
            "id": identity, "filename": "step_metrics.csv", "purpose": "fine-tune-results", "bytes": len(content),
            "created_at": round(time.time()), "sha256": "", "status": "processed", "details": None,
        },
        ignore=True,
    )  # fmt: skip
    return identity
