"""`export-config`: from a plan to a folder that another trainer starts from, and what that trainer will make of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tunelint.exporting.axolotl import axolotl
from tunelint.exporting.bundle import Bundle
from tunelint.exporting.job import TrainingJob
from tunelint.exporting.llamafactory import llamafactory
from tunelint.exporting.trl import trl, unsloth
from tunelint.exporting.values import preference_value
from tunelint.records.shapes import detect
from tunelint.records.views import view
from tunelint.report.text import plural
from tunelint.tokens.context import TokenContext
from tunelint.tokens.counters import counter_for
from tunelint.tokens.recipes import Recipe, recipe_for
from tunelint.tokens.survivors import Ledger, survivors

TRAINERS: dict[str, Callable[[TrainingJob], Bundle]] = {"axolotl": axolotl, "llamafactory": llamafactory, "unsloth": unsloth, "trl": trl}


def export_config(job: TrainingJob, trainer: str, folder: Path) -> tuple[Bundle, list[str]]:
    """Write data and configuration for `trainer` to `folder`; returns the bundle and the names of its files.

    Raises TunelintError where the folder is not empty, or the trainer cannot do what the job asks for.
    """
    bundle = TRAINERS[trainer](job)
    bundle.files["README.md"] = _page(bundle, job)
    return bundle, bundle.write(folder)


def ledgers(bundle: Bundle, job: TrainingJob, tokenizer: str | None) -> Iterator[tuple[str, Ledger]]:
    """Yield what the trainer makes of each split, counted with `tokenizer` (None: estimated), with the written settings."""
    counter = counter_for(tokenizer)
    context = TokenContext(_recipe(bundle.trainer, job), counter)
    for split, rows in (("train", job.plan.train), ("eval", job.plan.eval)):
        values = [preference_value(row) for row in rows] if job.pairs else bundle.data[split]
        if values:
            shapes = ["preference" if job.pairs else detect(value) for value in values]
            records = [(value, view(value, shape)) for value, shape in zip(values, shapes, strict=True)]
            yield split, survivors(bundle.trainer, context.outcomes(records))


def _recipe(trainer: str, job: TrainingJob) -> Recipe:
    """Return how the trainer makes rows with our settings: TRL's and Unsloth's program masks as tunelint does."""
    window = job.settings.max_length
    if job.pairs:
        return replace(recipe_for("trl", window=window), target=trainer)
    if trainer in ("trl", "unsloth"):
        return replace(recipe_for("tunelint", window=window), target=trainer)
    recipe = recipe_for(trainer, window=window)
    return replace(recipe, overlong="cut") if trainer == "axolotl" else recipe


def _page(bundle: Bundle, job: TrainingJob) -> str:
    settings = job.settings
    method = f"{settings.method} (rank {settings.lora_rank}, alpha {settings.lora_alpha})" if job.adapters else settings.method
    after = (
        f"an eval and a checkpoint every {plural(job.every, 'step')}"
        if job.plan.eval
        else f"a checkpoint every {plural(job.every, 'step')}, no eval split"
    )
    return (
        f"# {job.plan.model} with {bundle.trainer}\n\n"
        f"{len(bundle.data['train']):,} train rows, {len(bundle.data['eval']):,} eval rows, checked by tunelint; "
        "`manifest.json` has their digests.\n\n"
        f"Trained: {method}, {settings.epochs} epochs = {job.total_steps:,} steps of {settings.batch_size} rows "
        f"({job.micro_batch} at once x {job.accumulation}; with N GPUs divide the second by N), rows of at most {settings.max_length:,} tokens, "
        f"seed {job.plan.seed}; {after}.\n\n"
        f"```\n{bundle.run}\n```\n\nThen, to see whether it overfitted and which checkpoint to keep:\n\n```\ntunelint curves out\n```\n"
    )
