"""What a training run tells whoever watches it: four small facts, printed by the CLI and streamed by the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal[
    "created", "preparing", "uploading", "creating", "waiting", "training", "saving",
    "succeeded", "interrupted", "cancelled", "failed",
]  # fmt: skip
FINAL_STATES: frozenset[str] = frozenset({"succeeded", "cancelled"})
RESTING_STATES: frozenset[str] = FINAL_STATES | {"created", "interrupted", "failed"}


@dataclass(frozen=True, slots=True)
class StateEvent:
    """The run has entered `state`; `text` says more in plain words where there is more to say."""

    state: State
    text: str = ""


@dataclass(frozen=True, slots=True)
class TrainEvent:
    """A point of the training curve: `loss` is the mean NLL per trained token over the steps since the last point."""

    step: int
    total_steps: int | None
    epoch: float
    loss: float
    learning_rate: float | None = None
    grad_norm: float | None = None


@dataclass(frozen=True, slots=True)
class EvalEvent:
    """A point of the eval curve, `loss` in nats per trained token; `best` when it is the lowest so far."""

    step: int
    total_steps: int | None
    epoch: float
    loss: float
    best: bool


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """Something the user should know: rows cut, a smaller micro-batch, a checkpoint saved."""

    text: str
    level: Literal["info", "warning"] = "info"


Event = StateEvent | TrainEvent | EvalEvent | MessageEvent
