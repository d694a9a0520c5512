"""What one attempt at a run works on; handed to the loop, the measurements and the checkpoints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunelint.train import distributed
from tunelint.train.events import Event
from tunelint.train.models import Loaded
from tunelint.train.objective import Objective, Row
from tunelint.train.runs import RunFolder
from tunelint.train.schedule import Schedule
from tunelint.train.settings import Settings


@dataclass
class Progress:
    """What a checkpoint keeps besides the Trainer's own state.

    `interval` holds the losses of the steps since the last point of the train curve, `best` the lowest eval so far
    (`step`, `epoch`, `eval_loss`), `since_best` the number of evals after it.
    """

    step: int = -1
    epoch: float = 0.0
    interval: list[float] = field(default_factory=list)
    best: dict[str, Any] | None = None
    since_best: int = 0


@dataclass
class Job:
    """One attempt. `stop` asks it to save and leave after the step in hand."""

    folder: RunFolder
    loaded: Loaded
    settings: Settings
    schedule: Schedule
    objective: Objective
    train: Sequence[Row]
    eval: Sequence[Row]
    seed: int
    micro_batch_size: int
    device: str
    precision: str
    activation_checkpointing: bool
    emit: Callable[[Event], None]
    stop: threading.Event
    progress: Progress = field(default_factory=Progress)

    @property
    def leads(self) -> bool:
        """Whether this process writes to the run folder."""
        return distributed.is_leader()

    @property
    def out_of_patience(self) -> bool:
        """Whether the eval loss has not fallen for as many evals as the settings allow."""
        return self.settings.patience is not None and self.progress.since_best >= self.settings.patience

    @property
    def finished(self) -> bool:
        """Whether there is no step left to train."""
        return self.progress.step >= self.schedule.total_steps or self.out_of_patience
