"""Training on checked data: a plan in, a run folder with curves and a model out.

    folder = start_run(plan)
    for event in follow_run(folder): ...
    for event in resume_run(find_run("last")): ...

Importing this loads neither torch nor openai; a backend does when it starts to work.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunelint.errors import TunelintError
from tunelint.train.backend import Backend, Estimate
from tunelint.train.events import (
    FINAL_STATES,
    EvalEvent,
    Event,
    MessageEvent,
    StateEvent,
    TrainEvent,
)
from tunelint.train.plan import SMOLLM2, TINY, Hyperparameters, Plan, Source
from tunelint.train.records import Selection, TrainRecord, select_records
from tunelint.train.runs import RunFolder, find_run, list_runs

__all__ = [
    "SMOLLM2",
    "TINY",
    "Backend",
    "Estimate",
    "EvalEvent",
    "Event",
    "Hyperparameters",
    "MessageEvent",
    "Plan",
    "RunFolder",
    "Selection",
    "Source",
    "StateEvent",
    "TrainEvent",
    "TrainRecord",
    "backend_for",
    "find_run",
    "follow_run",
    "list_runs",
    "resume_run",
    "select_records",
    "start_run",
]


def backend_for(name: str) -> Backend:
    """Return the backend `name`: "local" or "openai" (any OpenAI-compatible API)."""
    if name == "local":
        from tunelint.train.local import LocalBackend

        return LocalBackend()
    if name == "openai":
        from tunelint.train.openai_api import OpenAIBackend

        backend: Backend = OpenAIBackend()
        return backend
    raise TunelintError(f"There is no backend {name!r}; there are local and openai.")


def start_run(plan: Plan) -> RunFolder:
    """Write the run folder for `plan` and hand it to its backend; follow it with `follow_run`."""
    return backend_for(plan.backend).start(plan)


def follow_run(folder: RunFolder) -> Iterator[Event]:
    """Yield the events of the run until it rests; a local run is trained while they are read."""
    return backend_for(str(folder.read()["backend"])).follow(folder)


def resume_run(folder: RunFolder) -> Iterator[Event]:
    """Go on with a run that stopped before its end. Raises TunelintError where there is nothing left to do."""
    state = folder.state
    if state in FINAL_STATES:
        raise TunelintError(f"The run {folder.id} has {state}; there is nothing to resume.")
    return follow_run(folder)
