"""`tunelint export-config`."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, say, tell
from tunelint.cli.train import refuse
from tunelint.errors import TunelintError

if TYPE_CHECKING:
    from tunelint.exporting.job import TrainingJob

_HYPERPARAMETERS = (
    "epochs", "batch_size", "learning_rate", "max_length", "method", "patience", "lora_rank", "lora_alpha", "micro_batch_size", "precision", "keep",
)  # fmt: skip


@click.command("export-config")
@paths_argument
@click.option("--for", "trainer", required=True, type=click.Choice(["axolotl", "llamafactory", "unsloth", "trl"]), help="Who trains.")
@click.option("-o", "--output", type=click.Path(), metavar="DIR", help="Folder of data and configuration, new or empty.  [default: for-NAME]")
@click.option("--run", "run_name", metavar="RUN", help="Rows and settings of this run instead of PATHS.")
@click.option("--model", metavar="NAME", help="The model to train: a hub id or a folder.  [default: the run's]")
@click.option("--clean", "clean_first", is_flag=True, help="Export a cleaned copy of the data.")
@click.option("--no-lint", is_flag=True, help="Export without linting first.")
@click.option("--no-split", is_flag=True, help="Do not carve an eval split where there is none.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the train rows.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Rows per optimiser step.")
@click.option("--micro-batch-size", type=click.IntRange(min=1), metavar="N", help="Rows that the device holds at once.  [default: at most 4]")
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Peak learning rate.")
@click.option("--max-length", type=click.IntRange(min=1), metavar="N", help="Longest row in tokens.  [default: 2048]")
@click.option("--method", type=click.Choice(["full", "lora", "qlora", "last-layers"]), help="What is trained.  [default: lora]")
@click.option("--lora-rank", type=click.IntRange(min=1), metavar="N", help="Rank of the LoRA adapters.  [default: 16]")
@click.option("--lora-alpha", type=click.IntRange(min=1), metavar="N", help="Scale of the LoRA adapters.  [default: twice the rank]")
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="Numbers of the products.  [default: bf16]")
@click.option("--keep", type=click.Choice(["best", "last"]), help="The checkpoint that is the result.  [default: best]")
@click.option("--patience", type=click.IntRange(min=1), metavar="N", help="Stop after N evals without a new best.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the draw and the order.  [default: 0, or the run's]")
@input_options
@rule_options
@run_options
def command(trainer: str, output: str | None, run_name: str | None, **options: Any) -> int:
    """Write checked data and a ready configuration for another trainer.

    The rows, the settings and the mask are those that `tunelint train` would train with; what the other trainer would
    drop, cut or train otherwise is said. `tunelint curves` reads its logs.

    \b
    tunelint export-config train.jsonl eval.jsonl --for axolotl --model Qwen/Qwen3-0.6B --clean
    tunelint export-config --run last --for trl --model Qwen/Qwen3-0.6B
    """
    if run_name is not None and (options["paths"] or options["train_globs"] or options["eval_globs"] or options["clean_first"]):
        raise click.UsageError("--run takes the rows of the run: leave out PATHS, --train, --eval and --clean")
    job = _of_run(run_name, options) if run_name is not None else _of_files(options)
    return exitcodes.FINDINGS if job is None else _write(job, trainer, Path(output or f"for-{trainer}"), options["tokenizer"])


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in _HYPERPARAMETERS if options.get(name) is not None}


def _of_run(name: str, options: dict[str, Any]) -> TrainingJob:
    """Return the job of a run, with what the command line changes of it."""
    from tunelint.exporting.job import training_job
    from tunelint.train import find_run
    from tunelint.train.settings import Settings

    folder = find_run(name)
    record, asked = folder.read(), _asked(options)
    plan, stored = folder.plan(), record["settings"]
    seed = plan.seed if options["seed"] is None else options["seed"]
    plan = replace(plan, hyperparameters=replace(plan.hyperparameters, **asked), model=options["model"] or plan.model, seed=seed)
    if stored is None or plan.model != record["model"]:
        return training_job(plan)  # another model has other limits and rates
    own = {key: value for key, value in asked.items() if key in Settings.__dataclass_fields__}
    return training_job(plan, replace(Settings.from_json(stored), **own))


def _of_files(options: dict[str, Any]) -> TrainingJob | None:
    """Lint the files, clean them if asked, and return the job; None where errors forbid it."""
    from tunelint.api import lint_inputs
    from tunelint.exporting.job import training_job
    from tunelint.fixes import clean
    from tunelint.pipeline import check_unchanged, make_plan, read_rows
    from tunelint.train import Hyperparameters

    if not options["model"]:
        raise TunelintError("name the model to train with --model: a hub id or a folder")
    given = invocation(options)
    settings = replace(given.settings, select=("min",), ignore=("min",)) if options["no_lint"] else given.settings
    seed = options["seed"] or 0
    with tempfile.TemporaryDirectory(prefix="tunelint-") as room:
        if options["clean_first"]:
            result = clean(given.inputs, Path(room, "cleaned"), settings)
            inputs, report = list(result.outputs), result.after
            removed = sum(result.removed.values())
            tell(f"cleaned: {removed:,} records removed (tunelint clean writes them with their reasons)")
        else:
            with Progress("checking") as progress:
                inputs, report = given.inputs, lint_inputs(given.inputs, settings, progress=progress)
        if report.errors and not options["no_lint"]:
            refuse(report, [item.path for item in given.inputs] if options["clean_first"] else ())
            return None
        rows = read_rows(inputs, carve=not options["no_split"], seed=seed)
        check_unchanged(report)
    for note in rows.notes:
        tell(note)
    asked = Hyperparameters(**_asked(options))
    plan = make_plan(report, inputs, rows, model=options["model"], backend="local", seed=seed, hyperparameters=asked, run_dir=Path("runs"))
    return training_job(plan)


def _write(job: TrainingJob, trainer: str, folder: Path, tokenizer: str | None) -> int:
    from tunelint.exporting.configs import export_config, ledgers

    bundle, names = export_config(job, trainer, folder)
    own = os.path.join(job.model, "tokenizer.json")
    counted = tokenizer or (job.model if os.path.isfile(own) else None)
    if counted is None:
        tell("tokens are counted with o200k_base; name the model's own tokenizer with --tokenizer to count exactly")
    for split, ledger in ledgers(bundle, job, counted):
        say(f"{split}: {ledger.sentence()}")
        if ledger.left_out or ledger.answers_cut:
            tell(f"warning: {split}: {ledger.left_out:,} rows are not trained on there, {ledger.answers_cut:,} lose a part of their answer")
    for what, count in bundle.lost.most_common():
        tell(f"warning: lost in {count:,} rows: {what}")
    for reason, count in bundle.left_out.most_common():
        tell(f"warning: {count:,} rows are left out: {reason}")
    for note in bundle.notes:
        tell(f"note: {note}")
    tell(f"wrote {', '.join(names)}")
    say(f"train:  cd {folder} && {bundle.run}")
    say(f"judge:  tunelint curves {folder / 'out'}")
    return exitcodes.OK
