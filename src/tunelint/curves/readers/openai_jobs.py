"""OpenAI fine-tuning jobs: lists of events and of checkpoints as JSON (also Azure and compatible services), and live.

Shapes: https://platform.openai.com/docs/api-reference/fine-tuning/event-object and .../checkpoint-object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tunelint.curves.readers.batches import without_batches
from tunelint.curves.readers.history import runs_from_history
from tunelint.curves.readers.keys import canonical_names, renamed
from tunelint.curves.readers.table import runs_of_csv
from tunelint.curves.readers.values import axis_number
from tunelint.curves.run import Number, Run
from tunelint.errors import MissingExtraError, TunelintError

_STEP = re.compile(r"[Ss]tep (\d+)(?:/\d+)?: (.*)")
_PART = re.compile(r"(training loss|validation loss|full validation loss)=([-+.\deE]+|nan|inf)")
_PARTS = {"training loss": "train_loss", "validation loss": "valid_loss", "full validation loss": "full_valid_loss"}


def objects_of(value: Any) -> list[Mapping[str, Any]] | None:
    """Return the events or checkpoints of a page (`{"object": "list", "data": [...]}`) or plain list, None for others."""
    items = value.get("data") if isinstance(value, Mapping) else value
    if not isinstance(items, list) or not items:
        return None
    found = [item for item in items if isinstance(item, Mapping)]
    return found if any(str(item.get("object", "")).startswith("fine_tuning.job.") for item in found) else None


def runs_of_objects(objects: Iterable[Mapping[str, Any]], source: str, epochs: int | None = None) -> list[Run]:
    """Return the run of a job from its events and checkpoints, in any order."""
    by_step: dict[Number, dict[str, Any]] = {}
    saved: set[Number] = set()
    for item in objects:
        values = _metrics(item)
        step = axis_number(values.get("step"))
        if step is None:
            continue
        by_step.setdefault(step, {}).update({key: value for key, value in values.items() if value is not None})
        if str(item.get("object")).endswith("checkpoint"):
            saved.add(step)
    rows = [{**by_step[step], "step": step} for step in sorted(by_step)]
    names = canonical_names(list(dict.fromkeys(key for row in rows for key in row)))
    entries = _with_epochs([renamed(row, names) for row in rows], epochs)
    runs = runs_from_history(entries, source, tuple(sorted(saved)) or None)
    return [without_batches(run, openai=True) for run in runs]


def _metrics(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of an event (its data, else its message) or of a checkpoint."""
    if str(item.get("object")).endswith("checkpoint"):
        metrics = item.get("metrics")
        return {"step": item.get("step_number"), **(metrics if isinstance(metrics, Mapping) else {})}
    data = item.get("data")
    if isinstance(data, Mapping) and axis_number(data.get("step")) is not None:
        return dict(data)
    match = _STEP.match(str(item.get("message", "")))
    if match is None:
        return {}
    # `full validation loss` ends in `validation loss`: the longer name is looked for first.
    parts = {_PARTS[name]: value for name, value in re.findall(r"(full validation loss|validation loss|training loss)=([^,\s]+)", match[2])}
    return {"step": match[1], **parts}


def _with_epochs(entries: list[dict[str, Any]], epochs: int | None) -> list[dict[str, Any]]:
    """Give the entries epochs: the API evaluates the whole file at the end of each, and logs no epoch itself."""
    marks = [entry["step"] for entry in entries if entry.get("eval_loss") is not None]
    last = entries[-1]["step"] if entries else 0
    if epochs and last:
        return [{**entry, "epoch": round(epochs * entry["step"] / last, 4)} for entry in entries]
    even = len(marks) >= 2 and all(abs(mark - marks[0] * (i + 1)) <= 0.1 * marks[0] for i, mark in enumerate(marks))
    if not even:
        return entries
    return [{**entry, "epoch": round(entry["step"] / marks[0], 4)} for entry in entries]


def read_job(job_id: str, base_url: str | None = None, api_key: str | None = None) -> list[Run]:
    """Fetch a job's events, checkpoints and result file from an OpenAI-compatible API and return its run.

    Raises TunelintError where the job cannot be read; the key is never part of the message.
    """
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError("reading a job from an API", "openai") from error
    try:
        client = openai.OpenAI(api_key=api_key or None, base_url=base_url, max_retries=4)
        job = client.fine_tuning.jobs.retrieve(job_id)
        objects = [event.model_dump() for event in client.fine_tuning.jobs.list_events(job_id, limit=100)]
        objects += _checkpoints(client, job_id)
        source = f"openai:{job_id}"
        n_epochs = getattr(job.hyperparameters, "n_epochs", None)
        epochs = n_epochs if isinstance(n_epochs, int) else None
        runs = runs_of_objects(objects, source, epochs)
        if not any(run.evals or run.trains for run in runs) and job.result_files:
            saved = runs[0].saved_steps if runs else None
            text = client.files.content(job.result_files[0]).read().decode("utf-8", "replace")
            runs = [replace(run, saved_steps=saved) for run in runs_of_csv(text, source) or []]
    except openai.OpenAIError as error:
        reason = re.sub(r"\bsk-[\w-]+", "sk-...", str(error))
        raise TunelintError(f"cannot read the job {job_id}: {reason}. Check --base-url and the API key") from error
    if not runs:
        raise TunelintError(f"the job {job_id} has logged no losses yet: look again when it has run for a while")
    if job.status not in ("succeeded", "failed", "cancelled"):
        runs = [replace(run, notes=(*run.notes, f"the job is {job.status}: the curve is unfinished")) for run in runs]
    return runs


def _checkpoints(client: Any, job_id: str) -> list[dict[str, Any]]:
    """Return the job's checkpoints; a service that has none of this endpoint has none of them."""
    import openai

    try:
        return [checkpoint.model_dump() for checkpoint in client.fine_tuning.jobs.checkpoints.list(job_id, limit=100)]
    except openai.NotFoundError:
        return []
