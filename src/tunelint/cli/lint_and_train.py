"""`tunelint lint-and-train`."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.clean import say_clean
from tunelint.cli.options import format_options, gate_options, input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, parse_formats, say, tell, tell_files, write_report, write_text
from tunelint.cli.train import refuse
from tunelint.cli.training import (
    backend_options,
    confirm_paid,
    follow,
    hyperparameters,
    model_name,
    say_verdict,
    show_requests,
    tell_estimate,
    tell_events,
    train_options,
)


@click.command("lint-and-train")
@paths_argument
@click.option("--clean", "clean_first", is_flag=True, help="Train on a cleaned copy of the data.")
@click.option("--unsafe-fixes", is_flag=True, help="With --clean: also fixes that change or drop more records.")
@click.option("--ablate", is_flag=True, help="Also train with and without the flagged rows and compare (needs --clean; 3 seeds each).")
@click.option("--seeds", type=click.IntRange(min=3), default=3, show_default=True, metavar="N", help="Seeds per arm of --ablate.")
@click.option("--no-split", is_flag=True, help="Do not carve an eval split where there is none.")
@train_options
@input_options
@rule_options
@gate_options
@format_options
@run_options
def command(**options: Any) -> int:
    """Lint, clean, train and judge in one step.

    With errors and without --clean nothing is trained. With --clean the run is trained on the cleaned copy, which is
    kept in the run's folder with all that was removed. The exit code judges what was trained on and the run itself.

    \b
    tunelint lint-and-train data/ --clean
    tunelint lint-and-train train.jsonl eval.jsonl --model ./my-model --epochs 2
    """
    from tunelint.api import lint_inputs
    from tunelint.fixes import clean
    from tunelint.pipeline import check_unchanged, finish_run, make_plan, new_run_dir, read_rows, with_run_findings, write_lint
    from tunelint.report.text import plural, render_summary
    from tunelint.train import follow_run, start_run

    formats = parse_formats(options["formats"])
    if options["ablate"] and (not options["clean_first"] or options["backend"] != "local"):
        raise click.UsageError("--ablate compares the data before and after cleaning on this machine: it needs --clean and --backend local")
    given = invocation(options)
    model = model_name(options)
    run_dir = Path(options["run_dir"]) if options["run_dir"] else new_run_dir(model)
    tell("== lint")
    with Progress("checking") as progress:
        report = lint_inputs(given.inputs, given.settings, progress=progress)
    write_report(report, formats, options["max_per_rule"], given.color)
    tell_files(report)
    for line in render_summary(report):
        tell(line)
    if report.errors and not options["clean_first"]:
        return refuse(report)
    with tempfile.TemporaryDirectory(prefix="tunelint-") as room:
        inputs, trained_on = given.inputs, report
        if options["clean_first"]:
            tell("== clean")
            mode = "unsafe" if options["unsafe_fixes"] else "default"
            result = clean(given.inputs, Path(room, "cleaned"), given.settings, mode=mode)  # type: ignore[arg-type]
            inputs, trained_on = list(result.outputs), replace(result.after, extras={"removed": dict(result.removed)})
            if trained_on.errors:  # the copy goes with the room, so its place is not named
                tell(f"{plural(result.kept, 'record')} kept, {sum(result.removed.values()):,} removed")
                return refuse(trained_on, [item.path for item in given.inputs])
            say_clean(result, folder=run_dir / "cleaned")
        rows = read_rows(inputs, carve=not options["no_split"], seed=options["seed"])
        check_unchanged(trained_on)
        for note in rows.notes:
            tell(note)
        moved, trained_on = _in_run(inputs, trained_on, Path(room, "cleaned"), run_dir / "cleaned")
        plan = make_plan(
            trained_on, moved, rows, model=model, backend=options["backend"], seed=options["seed"],
            hyperparameters=hyperparameters(options), run_dir=run_dir, objective=options["objective"], options=backend_options(options),
        )  # fmt: skip
        tell("== train")
        tell_estimate(plan)
        if options["dry_run"]:
            show_requests(plan)
            return exitcodes.OK if trained_on.ok else exitcodes.FINDINGS
        confirm_paid(options, plan)
        folder = start_run(plan)
        if options["clean_first"]:
            _move(Path(room, "cleaned"), run_dir / "cleaned")
    write_lint(folder, trained_on)
    follow(follow_run(folder), folder)
    tell("== verdict")
    judged = finish_run(folder, given.settings, trained_on)
    say_verdict(judged, folder)
    if options["ablate"]:
        _ablate(folder, report, rows, plan, options)
    return exitcodes.OK if with_run_findings(trained_on, judged.findings).ok else exitcodes.FINDINGS


def _ablate(folder: Any, report: Any, rows: Any, plan: Any, options: dict[str, Any]) -> None:
    from tunelint.ablation import ablate
    from tunelint.pipeline import flagged_rows, leaked_eval_rows
    from tunelint.report.as_json import dump

    tell("== ablate")
    flagged = flagged_rows(folder.path / "cleaned", report)
    tell(f"{len(flagged):,} flagged rows; training with and without them, {options['seeds']} seeds each, on the same number of steps")
    result = ablate(
        (*rows.train, *flagged), rows.train, rows.eval, leaked_eval_rows(report), model=plan.model, hyperparameters=plan.hyperparameters,
        method=plan.method, folder=folder.path / "ablation", seeds=range(options["seed"], options["seed"] + options["seeds"]), watch=tell_events,
    )  # fmt: skip
    write_text(folder.path / "ablation.json", dump(result.to_json()) + "\n")
    say(f"with the flagged rows:    {result.loss_name} {result.difference.first:.4f} on {result.eval_rows:,} clean eval rows")
    say(f"without them:             {result.loss_name} {result.difference.second:.4f}  (the honest {result.loss_name})")
    if result.leaked_eval_rows:
        say(f"as it would have seemed:  {result.loss_name} {result.apparent:.4f} (with them, {result.leaked_eval_rows:,} leaked eval rows counted)")
    if (found := result.preference_accuracy) is not None:
        interval = f"90 % interval of the difference {found.low:+.1%} to {found.high:+.1%}"
        say(f"clean pairs ranked right: {found.first:.1%} with the flagged rows, {found.second:.1%} without them ({interval})")
    say(result.says)


def _in_run(inputs: Any, report: Any, room: Path, home: Path) -> tuple[list[Any], Any]:
    """Name the cleaned files by the place in the run's folder where they will lie."""

    def moved(path: str) -> str:
        relative = os.path.relpath(path, room)
        return path if relative.startswith("..") else str(home / relative)

    from tunelint.fixes.work import renamed

    names = {file.path: moved(file.path) for file in report.files}
    return [replace(item, path=moved(item.path)) for item in inputs], renamed(report, names)


def _move(source: Path, target: Path) -> None:
    import shutil

    shutil.move(str(source), str(target))
