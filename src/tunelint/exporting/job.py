"""What every trainer is told: the settings of a run as whole numbers of steps and rows."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cached_property

from tunelint.errors import TunelintError
from tunelint.train import TINY, Plan
from tunelint.train.plan import SMOLLM2
from tunelint.train.schedule import make_schedule
from tunelint.train.settings import Settings, decide

MOST_MICRO = 4
UNKNOWN_CONTEXT = 1 << 30
LARGE = 1_000_000_000
"""The size that is assumed of a model that is not looked at: large ones are trained with adapters."""
SMOLLM2_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"


@dataclass(frozen=True)
class TrainingJob:
    """A plan with its settings; the effective batch is `micro_batch` rows x `accumulation`, on one device."""

    plan: Plan
    settings: Settings

    @property
    def model(self) -> str:
        """The base model as another program finds it: a hub id, or the absolute path of a folder."""
        name = self.plan.model
        if name == SMOLLM2:
            return SMOLLM2_ID
        return os.path.abspath(name) if os.path.isdir(name) else name

    @property
    def pairs(self) -> bool:
        """Whether the rows are preference pairs, for DPO."""
        return self.plan.method == "dpo"

    @property
    def plain(self) -> bool:
        """Whether the rows are bare texts."""
        return self.plan.train[0].plain

    @property
    def adapters(self) -> bool:
        """Whether low-rank adapters are trained."""
        return self.settings.method in ("lora", "qlora")

    @property
    def micro_batch(self) -> int:
        """Rows that the device holds at once: as asked, else the largest divisor of the batch up to MOST_MICRO."""
        size, asked = self.settings.batch_size, self.plan.hyperparameters.micro_batch_size
        most = min(asked or MOST_MICRO, size)
        return next(rows for rows in range(most, 0, -1) if size % rows == 0)

    @property
    def accumulation(self) -> int:
        """Micro-batches whose gradients are added up."""
        return self.settings.batch_size // self.micro_batch

    @cached_property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        settings = self.settings
        return make_schedule(len(self.plan.train), settings.batch_size, settings.epochs, settings.evals, settings.max_steps).total_steps

    @property
    def every(self) -> int:
        """Steps between two evals, each with a checkpoint: at least as many evals as the settings ask for."""
        return max(1, self.total_steps // self.settings.evals)

    @property
    def log_every(self) -> int:
        """Steps between two points of the train curve."""
        return max(1, min(self.every, self.total_steps // 200))

    @property
    def warmup_steps(self) -> int:
        """Steps of the warm-up."""
        return math.ceil(self.settings.warmup * self.total_steps)

    @property
    def schedule(self) -> str:
        """The learning rate's schedule by transformers' name."""
        return {"constant": "constant_with_warmup"}.get(self.settings.schedule, self.settings.schedule)

    @property
    def bf16(self) -> bool:
        """Whether products are done in bfloat16: these trainers run on GPUs, so yes unless fp32 was asked for."""
        return self.plan.hyperparameters.precision != "fp32"


def training_job(plan: Plan, settings: Settings | None = None) -> TrainingJob:
    """Return the job of a plan; `settings` are those of a run that was trained, None decides them.

    The model is not looked at: it need not be here. Raises TunelintError for a plan that no other trainer can carry out.
    """
    if plan.model == TINY:
        raise TunelintError("tiny is tunelint's own demonstration model; name the model to train with --model.")
    rows = (*plan.train, *plan.eval)
    if len({row.plain for row in rows}) > 1:
        raise TunelintError("The rows are a mixture of conversations and bare texts; export each kind apart.")
    if plan.method == "dpo" and not all(row.rejected for row in rows):
        raise TunelintError("DPO needs a rejected answer in every row; export the other rows apart.")
    return TrainingJob(plan, settings or decide(plan, len(plan.train), UNKNOWN_CONTEXT, LARGE))
