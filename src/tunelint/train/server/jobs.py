"""/v1/fine_tuning/jobs: create, list, retrieve, cancel, pause, resume, events, checkpoints.

Shapes: https://platform.openai.com/docs/api-reference/fine-tuning/object.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tunelint.train.server.names import checkpoint_name
from tunelint.train.server.pages import page
from tunelint.train.server.problems import Problem, missing
from tunelint.train.server.requests import NewJob, new_job
from tunelint.train.server.state import ServerState, state_of
from tunelint.train.server.store import Row, Store, new_id

ENDED = ("succeeded", "failed", "cancelled")
_MARK = re.compile(r"metadata\[(.+)\]")


def job_object(row: Row) -> dict[str, Any]:
    """Return a job as the API shows it."""
    method = row["method"]
    keys = ("id", "created_at", "finished_at", "model", "training_file", "validation_file", "seed", "metadata", "status",
            "fine_tuned_model", "trained_tokens")  # fmt: skip
    return {
        "object": "fine_tuning.job", **{key: row[key] for key in keys}, "method": method,
        "hyperparameters": method[method["type"]]["hyperparameters"], "organization_id": "tunelint",
        "result_files": [row["result_file"]] if row["result_file"] else [], "integrations": [], "estimated_finish": None,
        "user_provided_suffix": row["suffix"], "error": row["error"],
    }  # fmt: skip


async def create(request: Request) -> Response:
    """Create a job. The same Idempotency-Key makes one job only; with another body it is refused."""
    body = await request.body()
    state = state_of(request)
    row = await run_in_threadpool(_create, state, body, request.headers.get("idempotency-key"))
    state.runner.wake()
    return JSONResponse(job_object(row))


def _create(state: ServerState, body: bytes, key: str | None) -> Row:
    asked = new_job(body, state.store, state.settings.models)
    digest = hashlib.sha256(json.dumps(asked.to_row(), sort_keys=True).encode()).hexdigest()
    with state.store.transaction():
        known = state.store.one("SELECT * FROM idempotency WHERE key = ?", key) if key else None
        if known is not None:
            if known["digest"] != digest:
                raise Problem(400, "This Idempotency-Key was used for another job.", code="idempotency_error")
            return find(state.store, known["job"])
        return _insert(state.store, asked, key, digest)


def _insert(store: Store, asked: NewJob, key: str | None, digest: str) -> Row:
    identity = new_id("ftjob")
    store.insert("jobs", {"id": identity, "created_at": round(time.time()), "status": "validating_files", **asked.to_row()})
    if key:
        store.insert("idempotency", {"key": key, "digest": digest, "job": identity})
    store.event(identity, "created", f"Created fine-tuning job: {identity}")
    store.event(identity, "validating", f"Validating training file: {asked.training_file}")
    return find(store, identity)


def find(store: Store, identity: str) -> Row:
    """Return the job with this id. Raises Problem where there is none."""
    row = store.one("SELECT * FROM jobs WHERE id = ?", identity)
    if row is None:
        raise missing("fine-tuning job", identity)
    return row


def index(request: Request) -> Response:
    """List the jobs, newest first; `metadata[key]=value` filters."""
    wanted = {match[1]: value for name, value in request.query_params.items() if (match := _MARK.fullmatch(name))}
    rows = state_of(request).store.rows("SELECT * FROM jobs ORDER BY seq DESC")
    kept = [row for row in rows if all(row["metadata"].get(key) == value for key, value in wanted.items())]
    return JSONResponse(page(kept, request, 100, job_object))


def show(request: Request) -> Response:
    """Describe a job."""
    return JSONResponse(job_object(find(state_of(request).store, request.path_params["id"])))


def cancel(request: Request) -> Response:
    """Stop a job for good."""
    return _wish(request, "cancel", ("validating_files", "queued", "running", "paused"))


def pause(request: Request) -> Response:
    """Stop a job at its next checkpoint, to go on later."""
    return _wish(request, "pause", ("validating_files", "queued", "running"))


def resume(request: Request) -> Response:
    """Go on with a paused job."""
    state = state_of(request)
    with state.store.transaction():
        row = find(state.store, request.path_params["id"])
        if row["status"] != "paused":
            raise Problem(400, f"The job is {row['status']}, not paused.")
        state.store.update("jobs", row["id"], status="queued", wish=None)
    state.runner.wake()
    return show(request)


def _wish(request: Request, wish: str, states: tuple[str, ...]) -> Response:
    """Note the wish; a job that no worker has begun follows it at once, the others when their worker has stopped."""
    state = state_of(request)
    with state.store.transaction():
        row = find(state.store, request.path_params["id"])
        if row["status"] not in states:
            raise Problem(400, f"The job is {row['status']} already.")
        state.store.update("jobs", row["id"], wish=wish)
        if row["status"] in ("queued", "paused") and not state.runner.works_on(row["id"]):
            state.runner.rest(row["id"], wish)
    state.runner.wake()
    return show(request)


def events(request: Request) -> Response:
    """List the events of a job, newest first."""
    store = state_of(request).store
    row = find(store, request.path_params["id"])
    found = store.rows("SELECT * FROM events WHERE job = ? ORDER BY seq DESC", row["id"])
    return JSONResponse(page(found, request, 100, event_object))


def event_object(row: Row) -> dict[str, Any]:
    """Return an event as the API shows it."""
    keys = ("created_at", "level", "message", "type")
    return {"object": "fine_tuning.job.event", "id": f"ftevent-{row['seq']}", **{key: row[key] for key in keys}, "data": row["data"] or {}}


def checkpoints(request: Request) -> Response:
    """List the checkpoints of a job, newest first."""
    store = state_of(request).store
    job = find(store, request.path_params["id"])
    found = store.rows("SELECT * FROM checkpoints WHERE job = ? ORDER BY step DESC", job["id"])
    return JSONResponse(page(found, request, 100, lambda row: checkpoint_object(row, job), default=10))


def checkpoint_object(row: Row, job: Row) -> dict[str, Any]:
    """Return a checkpoint as the API shows it."""
    return {
        "object": "fine_tuning.job.checkpoint", "id": f"ftckpt-{job['id'].removeprefix('ftjob-')}-{row['step']}",
        "created_at": row["created_at"], "fine_tuning_job_id": job["id"], "step_number": row["step"], "metrics": row["metrics"],
        "fine_tuned_model_checkpoint": checkpoint_name(job, row["step"]),
    }  # fmt: skip
