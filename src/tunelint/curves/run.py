"""A training run as its log tells it: what the readers make and the diagnosis judges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = int | float


def is_loss(value: float) -> bool:
    """True for a number that can be a loss: finite, and not so large that arithmetic with it overflows."""
    return math.isfinite(value) and abs(value) < 1e100


@dataclass(frozen=True, slots=True)
class EvalPoint:
    """One evaluation. `loss` is the mean NLL in nats (None if not logged, NaN as logged); metrics without `eval_`."""

    step: Number | None
    epoch: Number | None
    loss: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def finite(self) -> bool:
        """True where there is a loss to judge."""
        return self.loss is not None and is_loss(self.loss)


@dataclass(frozen=True, slots=True)
class TrainPoint:
    """One logged training loss (usually the mean since the last logged step)."""

    step: Number | None
    epoch: Number | None
    loss: float


@dataclass(frozen=True, eq=False)
class RowLosses:
    """The loss of every record at several moments of a run.

    `at` (P,) are steps (eval rows) or epochs (train rows), `losses` (P, N) mean NLL per trained token, `tokens` (N,)
    trained tokens, `records` (N,) record digests.
    """

    at: NDArray[np.float64]
    losses: NDArray[np.float64]
    tokens: NDArray[np.int64]
    records: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """One run with one judged eval set.

    `source` is the path it was found under. `saved_steps` are the checkpoints on disk, None where the log cannot say.
    `other_evals` are further eval sets, by name. `n_eval` is the number of eval rows. `paired_se_to_last` holds, per
    eval point, the standard error of (its loss - the last loss) over the eval rows, where a log carries it.
    `declined` is set when the curve must not be judged at all (a reinforcement-learning log, per-batch validation
    only), and says why. `lint` is the lint report (as JSON) of the data that was trained on. `notes` are remarks of the
    reader that belong in the report.
    """

    source: str
    evals: tuple[EvalPoint, ...]
    trains: tuple[TrainPoint, ...] = ()
    eval_set: str = ""
    other_evals: Mapping[str, tuple[EvalPoint, ...]] = field(default_factory=dict)
    saved_steps: tuple[Number, ...] | None = None
    eval_rows: RowLosses | None = None
    train_rows: RowLosses | None = None
    n_eval: int | None = None
    paired_se_to_last: tuple[float, ...] | None = None
    epochs: float | None = None
    declined: str | None = None
    lint: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def moments(self) -> list[tuple[Number | None, Number | None]]:
        """(step, epoch) of every train and eval point."""
        return [(p.step, p.epoch) for p in self.trains] + [(p.step, p.epoch) for p in self.evals]
