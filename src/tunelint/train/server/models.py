"""/v1/models: the base models, and what jobs made of them."""

from __future__ import annotations

import shutil
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tunelint.train.server.names import tuned_folder
from tunelint.train.server.problems import Problem, missing
from tunelint.train.server.state import ServerState, state_of


def find_model(state: ServerState, name: str) -> str:
    """Return where a model lies: a base model's folder or hub id, or the folder that a job made. Raises Problem."""
    if name in state.settings.models:
        return state.settings.models[name]
    folder = tuned_folder(state.store, name)
    if folder is None:
        raise missing("model", name)
    return str(folder)


def model_object(name: str, created: int, owner: str) -> dict[str, Any]:
    """Return a model as the API shows it."""
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


def index(request: Request) -> Response:
    """List the base models and those that jobs made; checkpoints are listed with their job."""
    state = state_of(request)
    made = state.store.rows("SELECT fine_tuned_model, finished_at FROM jobs WHERE fine_tuned_model IS NOT NULL ORDER BY seq")
    there = [row for row in made if tuned_folder(state.store, row["fine_tuned_model"])]
    base = [model_object(name, 0, "base") for name in state.settings.models]
    return JSONResponse({"object": "list", "data": base + [model_object(row["fine_tuned_model"], row["finished_at"], "tunelint") for row in there]})


def show(request: Request) -> Response:
    """Describe a model."""
    name, state = request.path_params["id"], state_of(request)
    find_model(state, name)
    if name in state.settings.models:
        return JSONResponse(model_object(name, 0, "base"))
    row = state.store.one("SELECT finished_at FROM jobs WHERE fine_tuned_model = ?", name)
    return JSONResponse(model_object(name, row["finished_at"] if row else 0, "tunelint"))


def delete(request: Request) -> Response:
    """Delete a tuned model; its job, curve and checkpoints stay."""
    name, state = request.path_params["id"], state_of(request)
    find_model(state, name)
    job = state.store.one("SELECT id FROM jobs WHERE fine_tuned_model = ?", name)
    if job is None:
        raise Problem(400, f"{name} is no tuned model: only those can be deleted.", "model")
    with state.store.transaction():
        used = state.store.one("SELECT id FROM jobs WHERE model = ? AND status NOT IN ('succeeded', 'failed', 'cancelled')", name)
        if used:
            raise Problem(409, f"The job {used['id']} trains this model further.", code="model_in_use")
        shutil.rmtree(state.store.run_path(job["id"]) / "model")
    return JSONResponse({"id": name, "object": "model", "deleted": True})
