"""When a run evaluates, saves and logs: fixed before the first step, so that a resumed run keeps the same points."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_EVALS = 8
MOST_ROW_PASSES = 10
# Many rows make a pass over train as dear as a third of an epoch: then only the end of the run is worth it.
MANY_ROWS = 5_000
LOG_POINTS = 200


@dataclass(frozen=True)
class Schedule:
    """The points of a run of `total_steps` optimiser steps.

    `evals` are the steps after which the eval rows are measured and a checkpoint is saved (step 0 is always measured
    and not among them); `row_passes`, a subset of `evals`, those after which the train rows are measured too; every
    `log_every` steps and at each eval a point of the train curve is written.
    """

    total_steps: int
    steps_per_epoch: int
    evals: frozenset[int]
    row_passes: frozenset[int]
    log_every: int

    def logs_at(self, step: int) -> bool:
        """Whether the train curve has a point at `step`."""
        return step % self.log_every == 0 or step in self.evals


def make_schedule(
    rows: int, batch_size: int, epochs: int, least_evals: int = LEAST_EVALS, max_steps: int | None = None
) -> Schedule:
    """Lay out a run over `rows` rows, cut off at `max_steps`.

    At least `least_evals` evals where there are that many steps. With as many epochs as that or more, evals stand at
    epoch ends (at most about 30); with fewer, also at equal distances inside the epochs.
    """
    steps_per_epoch = math.ceil(rows / batch_size)
    total = steps_per_epoch * epochs
    if epochs >= least_evals:
        # Twice the least number or 30 at most: then thinning never goes below the least.
        every = steps_per_epoch * math.ceil(epochs / max(30, 2 * least_evals))
        evals = {*range(every, total + 1, every), total}
    else:
        parts = math.ceil(least_evals / epochs)
        inside = {math.ceil(part * steps_per_epoch / parts) for part in range(1, parts + 1)}
        evals = {epoch * steps_per_epoch + step for epoch in range(epochs) for step in inside}
    if max_steps is not None and max_steps < total:
        total = max_steps
        evals = {*(step for step in evals if step < total), total}
    epoch_ends = sorted(step for step in evals if step % steps_per_epoch == 0)
    return Schedule(
        total_steps=total,
        steps_per_epoch=steps_per_epoch,
        evals=frozenset(evals),
        row_passes=frozenset(_spread(epoch_ends, MOST_ROW_PASSES if rows <= MANY_ROWS else 1)),
        log_every=max(1, total // LOG_POINTS),
    )


def _spread(steps: list[int], most: int) -> list[int]:
    """At most `most` of `steps`, the last one always, the others at about equal distances."""
    if len(steps) <= most:
        return steps
    return [steps[math.ceil((index + 1) * len(steps) / most) - 1] for index in range(most)]
