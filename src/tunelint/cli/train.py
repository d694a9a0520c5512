"""`tunelint train`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import gate_options, input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, tell
from tunelint.cli.training import (
    backend_options,
    confirm_paid,
    follow,
    hyperparameters,
    model_name,
    say_verdict,
    show_requests,
    tell_estimate,
    train_options,
)


@click.command("train")
@paths_argument
@click.option("--no-lint", is_flag=True, help="Train without linting first.")
@click.option("--no-split", is_flag=True, help="Do not carve an eval split where there is none.")
@train_options
@input_options
@rule_options
@gate_options
@run_options
def command(**options: Any) -> int:
    """Train on data that passes the linter.

    The data is linted first; with errors nothing is trained (tunelint clean mends them, --no-lint goes on anyway). The
    run goes to a folder below runs/ and can be resumed after any interruption.
    """
    from dataclasses import replace

    from tunelint.api import lint_inputs
    from tunelint.pipeline import check_unchanged, finish_run, make_plan, new_run_dir, read_rows, with_run_findings, write_lint
    from tunelint.train import follow_run, start_run

    given = invocation(options)
    model = model_name(options)
    settings = replace(given.settings, select=("min",), ignore=("min",)) if options["no_lint"] else given.settings
    with Progress("checking") as progress:
        report = lint_inputs(given.inputs, settings, progress=progress)
    if not options["no_lint"] and report.errors:
        return refuse(report)
    rows = read_rows(given.inputs, carve=not options["no_split"], seed=options["seed"])
    check_unchanged(report)
    for note in rows.notes:
        tell(note)
    run_dir = Path(options["run_dir"]) if options["run_dir"] else new_run_dir(model)
    plan = make_plan(
        report, given.inputs, rows, model=model, backend=options["backend"], seed=options["seed"],
        hyperparameters=hyperparameters(options), run_dir=run_dir, objective=options["objective"], options=backend_options(options),
    )  # fmt: skip
    tell_estimate(plan)
    if options["dry_run"]:
        show_requests(plan)
        return exitcodes.OK
    confirm_paid(options, plan)
    folder = start_run(plan)
    write_lint(folder, report)
    follow(follow_run(folder), folder)
    judged = finish_run(folder, given.settings, report)
    say_verdict(judged, folder)
    return exitcodes.OK if with_run_findings(report, judged.findings).ok else exitcodes.FINDINGS


def refuse(report: Any, originals: Sequence[str] = ()) -> int:
    """Say why nothing is trained, and what would help. `originals` are the inputs where `report` is on a cleaned copy, which
    is not kept."""
    from tunelint.findings import Severity
    from tunelint.report.text import plural

    counts: dict[str, int] = {}
    for finding in report.findings:
        if finding.severity is Severity.ERROR:
            counts[finding.name] = counts.get(finding.name, 0) + 1
    listed = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    given = [*originals] or [file.path for file in report.files]
    paths = shlex.join(given[:3]) + (" ..." if len(given) > 3 else "")
    tell(f"nothing was trained: {plural(report.errors, 'error')} {'left after cleaning' if originals else 'in the data'} ({listed})")
    if originals:
        tell(f"see what is left and what was removed: tunelint clean {paths} -o cleaned")
    else:
        tell(f"see them: tunelint lint {paths}")
        tell(f"mend or remove them and train on the rest: tunelint lint-and-train {paths} --clean")
    return exitcodes.FINDINGS
