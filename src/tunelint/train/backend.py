"""What every trainer can do: four methods and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tunelint.train.events import Event
from tunelint.train.plan import Plan
from tunelint.train.runs import RunFolder


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, before it is started. None means unknown: no number is better than an invented one.

    `tokens` is the number of tokens in one epoch, `steps` the optimiser steps of the whole run, `seconds` a range,
    `memory_bytes` the peak of the training device, `cost_usd` what the provider will bill. `basis` says in one sentence
    where the numbers come from and how far off they may be.
    """

    tokens: int | None
    steps: int | None
    seconds: tuple[float, float] | None
    memory_bytes: int | None
    cost_usd: float | None
    parameters: int | None
    trained_parameters: int | None
    flops: float | None
    basis: str


class Backend(Protocol):
    """A trainer. The handle is the run folder: whoever has it can follow, cancel or resume, in another process too."""

    def estimate(self, plan: Plan) -> Estimate:
        """Say what `plan` will take, without starting anything."""

    def start(self, plan: Plan) -> RunFolder:
        """Write the run folder and hand the work over; nothing is trained yet by a local backend."""

    def follow(self, handle: RunFolder) -> Iterator[Event]:
        """Yield events until the run rests: it succeeded, failed (TunelintError) or was interrupted.

        A run that stopped half-way goes on from its last checkpoint.
        """

    def cancel(self, handle: RunFolder, tell: Callable[[Event], None] = lambda event: None) -> None:
        """Stop the run for good; `tell` is given what happens on the way, a service that is away for one."""
