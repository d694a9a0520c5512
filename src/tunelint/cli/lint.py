"""`tunelint lint`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import (
    Invocation,
    format_options,
    gate_options,
    input_options,
    invocation,
    paths_argument,
    rule_options,
    run_options,
)
from tunelint.cli.output import Progress, parse_formats, say, tell, tell_files, write_report

if TYPE_CHECKING:
    from tunelint.fixes import FixedFile
    from tunelint.fixes.clusters import Keep
    from tunelint.fixes.decide import Mode


@click.command("lint")
@paths_argument
@input_options
@rule_options
@click.option("--scope", type=click.Choice(["record", "all"]), help="record: only rules that look at one record.  [default: all]")
@click.option(
    "--against", multiple=True, metavar="FILE_OR_INDEX", type=click.Path(),
    help="Report records that stand, whole or nearly, in this train set or saved index; NAME=FILE for a benchmark; repeatable.",
)
@click.option("--fix", is_flag=True, help="Mend in place what can be mended without loss.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix: also fixes that change or drop records.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing.")
@gate_options
@format_options
@run_options
def command(**options: Any) -> int:
    """Check data files and report everything that is wrong with them.

    PATHS are files, folders, globs or - for standard input: .jsonl, .ndjson, .json, .csv, .parquet, also compressed
    (.gz, .zst, .bz2, .xz). Without PATHS: the config's train and eval, else this folder. A file is evaluation data
    when its name (or its folder's) has the word val, valid, validation, dev, eval, test or heldout.

    \b
    tunelint lint train.jsonl eval.jsonl
    tunelint lint data/ --select DUP,LEAK --format json > report.json
    tunelint lint new.jsonl --against train.jsonl --against gsm8k.npz
    """
    from tunelint.api import lint_inputs
    from tunelint.fixes import fix_in_place
    from tunelint.report.text import render_summary, visible

    formats = parse_formats(options["formats"])
    if options["unsafe_fixes"] and not (options["fix"] or options["diff"]):
        raise click.UsageError("--unsafe-fixes goes with --fix or --diff")
    mode: Mode = "fixes" if options["unsafe_fixes"] else "safe-only"
    given = invocation(options)
    if options["diff"]:
        return show_diff(given, mode)
    with Progress("checking") as progress:
        if options["fix"]:
            report, fixed = fix_in_place(given.inputs, given.settings, mode, progress)
            tell_fixed(fixed)
        else:
            report = lint_inputs(given.inputs, given.settings, progress=progress)
    if options["statistics"]:
        for name, count in report.by_rule.items():
            say(f"{count:>9,}  {name}")
    else:
        write_report(report, formats, options["max_per_rule"], given.color)
    if given.verbose:
        for note in report.extras["cache"]:
            tell(visible(note))
    if not given.quiet:
        tell_files(report)
        if options["against"]:
            tell("--against finds whole and near copies of records and prompts; passages and rewordings only between splits of one run")
        for line in render_summary(report):
            tell(line)
    return exitcodes.OK if report.ok else exitcodes.FINDINGS


def show_diff(given: Invocation, mode: Mode, keep: Keep = "first") -> int:
    """Print what fixes would change and write nothing; 1 when there is a difference."""
    from tunelint.fixes import Choice, preview, work_on

    with Progress("checking") as progress, work_on(given.inputs, given.settings, Choice(mode, keep), progress=progress) as work:
        changed = bool(work.changed)
        for line in preview(work):
            say(line)
    if not changed and not given.quiet:
        tell("nothing to change")
    return exitcodes.FINDINGS if changed else exitcodes.OK


def tell_fixed(fixed: list[FixedFile]) -> None:
    """Say which files were mended, and where their previous bytes lie."""
    from tunelint.report.text import plural, visible

    for file in fixed:
        parts = [f"{plural(file.edited, 'record')} mended" if file.edited else "", f"{file.removed:,} removed" if file.removed else ""]
        parts += list(file.file_fixes)
        tell(f"fixed {visible(file.path)}: {', '.join(part for part in parts if part)} (previous bytes: {visible(str(file.undo))})")
    if not fixed:
        tell("nothing to fix")
