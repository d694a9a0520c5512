"""Do the flagged rows matter? Train with them and without them, at the same number of steps, and compare.

Both arms see the same eval rows (clean ones: no eval row that train gives away is among them) and the same seeds. The arms
differ in one thing: whether the rows that `clean` would remove are in train. They learn what the run itself learns: with
DPO the losses are those of the pairs, and how many pairs are ranked right is compared too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tunelint.curves.arms import LEAST_SEEDS, Difference, compare
from tunelint.errors import TunelintError

if TYPE_CHECKING:
    from tunelint.train import Event, Hyperparameters, TrainRecord

ARMS = ("with", "without")


@dataclass(frozen=True)
class Ablation:
    """The outcome: rows per arm, steps, the difference on the clean eval rows, and in words what it shows.

    `honest` is the mean eval loss over the clean eval rows without the flagged rows in train; `apparent` that over all eval
    rows with them: what the user would have read off the run. With DPO `preference_accuracy` compares the shares of the
    clean eval pairs whose chosen answer the arms have come to prefer; None without DPO.
    """

    method: str
    rows_with: int
    rows_without: int
    eval_rows: int
    leaked_eval_rows: int
    steps: int
    difference: Difference
    honest: float
    apparent: float
    preference_accuracy: Difference | None = None

    @property
    def says(self) -> str:
        """The result in one sentence."""
        found = self.difference
        rows = "eval pairs" if self.method == "dpo" else "eval rows"
        interval = f"90 % interval {found.low:+.4f} to {found.high:+.4f} over {found.seeds} seeds and {found.rows} {rows}"
        if not found.shown:
            return f"no difference shown: {self.loss_name} {found.difference:+.4f} with the flagged rows ({interval})"
        effect = "raise" if found.difference > 0 else "lower"
        return f"the flagged rows {effect} the {self.loss_name} on clean {rows} by {abs(found.difference):.4f} ({interval})"

    @property
    def loss_name(self) -> str:
        """What is compared."""
        return "DPO eval loss" if self.method == "dpo" else "eval loss"

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON."""
        return {**asdict(self), "shown": self.difference.shown, "says": self.says}


def steps_for(rows: Sequence[TrainRecord], model: str, hyperparameters: Hyperparameters, method: Literal["supervised", "dpo"] = "supervised") -> int:
    """Return the optimiser steps that both arms take: those of the arm with all rows."""
    from tunelint.train.plan import Plan
    from tunelint.train.settings import decide

    # Neither the context nor the size of the model decides on epochs or batch size.
    settings = decide(Plan(train=tuple(rows), model=model, method=method, hyperparameters=hyperparameters), len(rows), 1 << 20, 1)
    return settings.max_steps or settings.epochs * math.ceil(len(rows) / settings.batch_size)


def ablate(
    everything: Sequence[TrainRecord], cleaned: Sequence[TrainRecord], evaluation: Sequence[TrainRecord], leaked: frozenset[str], *,
    model: str, hyperparameters: Hyperparameters, folder: Path, seeds: Sequence[int], watch: Callable[[Iterable[Event]], None],
    method: Literal["supervised", "dpo"] = "supervised",
) -> Ablation:  # fmt: skip
    """Train both arms with every seed below `folder` and compare the losses of the clean eval rows at the last step.

    `method` is that of the run; with "dpo" rows without a rejected answer are in no arm, as in the run. `leaked` names the
    eval rows (by digest) that `everything` gives away; they are measured but not compared. Arms that were trained before
    (an interrupted comparison) are not trained again. Raises TunelintError for fewer than three seeds or when the arms hold
    the same rows.
    """
    if len(seeds) < LEAST_SEEDS:
        raise TunelintError(f"--ablate needs at least {LEAST_SEEDS} seeds, not {len(seeds)}: one run says nothing about chance")
    if method == "dpo":
        everything, cleaned, evaluation = ([row for row in rows if row.rejected and not row.plain] for rows in (everything, cleaned, evaluation))
    if len(everything) == len(cleaned):
        raise TunelintError("no row is flagged, so there is nothing to leave out: both arms of --ablate would be the same")
    clean_rows = [index for index, row in enumerate(evaluation) if row.digest not in leaked]
    steps = steps_for(everything, model, hyperparameters, method)
    fixed = replace(hyperparameters, epochs=None, max_steps=steps, patience=None)
    losses: dict[str, list[Any]] = {arm: [] for arm in ARMS}
    for seed in seeds:
        for arm, rows in zip(ARMS, (everything, cleaned), strict=True):
            losses[arm].append(_losses(rows, evaluation, model, fixed, folder / f"{arm}-{seed}", seed, watch, method))
    import numpy as np

    first, second = np.array(losses["with"]), np.array(losses["without"])
    # The loss of a pair is -log sigmoid of its margin: below log 2 the chosen answer has gained on the rejected one.
    ranked = [(arm[:, clean_rows] < math.log(2)).astype(np.float64) for arm in (first, second)] if method == "dpo" else None
    return Ablation(
        method, len(everything), len(cleaned), len(clean_rows), len(evaluation) - len(clean_rows), steps,
        compare(first[:, clean_rows], second[:, clean_rows]), float(second[:, clean_rows].mean()), float(first.mean()),
        compare(*ranked) if ranked is not None else None,
    )  # fmt: skip


def _losses(
    rows: Sequence[TrainRecord], evaluation: Sequence[TrainRecord], model: str, hyperparameters: Hyperparameters, folder: Path, seed: int,
    watch: Callable[[Iterable[Event]], None], method: Literal["supervised", "dpo"],
) -> Any:  # fmt: skip
    """Train one arm (or go on with it) and return the loss of every eval row at the last step, shape (rows,)."""
    import numpy as np

    from tunelint.train import Plan, RunFolder, follow_run, start_run

    if (folder / "run.json").is_file():
        run = RunFolder(folder)
    else:
        plan = Plan(
            train=tuple(rows), eval=tuple(evaluation), model=model, method=method, seed=seed, hyperparameters=hyperparameters, run_dir=folder
        )  # fmt: skip
        run = start_run(plan)
    if run.state != "succeeded":
        watch(follow_run(run))
    with np.load(run.path / "eval_losses.npz", allow_pickle=False) as arrays:
        names, losses = [str(name) for name in arrays["records"]], arrays["losses"][-1].astype(np.float64)
    if names != [row.digest for row in evaluation]:
        # Rows that the encoder had to leave out would shift the comparison.
        kept = dict(zip(names, losses, strict=True))
        missing = [row.digest for row in evaluation if row.digest not in kept]
        if missing:
            raise TunelintError(f"{len(missing)} eval rows could not be measured (nothing to train on in them); remove them and run again")
        losses = np.array([kept[row.digest] for row in evaluation])
    return losses
