"""`tunelint lint`."""

from __future__ import annotations

from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import format_options, gate_options, input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, parse_formats, say, tell, tell_files, write_report


@click.command("lint")
@paths_argument
@input_options
@rule_options
@click.option("--scope", type=click.Choice(["record", "all"]), help="record: only rules that look at one record.  [default: all]")
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
    """
    from tunelint.api import lint_inputs
    from tunelint.errors import TunelintError
    from tunelint.report.text import render_summary

    formats = parse_formats(options["formats"])
    if options["fix"] or options["unsafe_fixes"] or options["diff"]:
        raise TunelintError("lint --fix, --unsafe-fixes and --diff are not in this version; `tunelint clean` writes mended copies")
    given = invocation(options)
    with Progress("checking") as progress:
        report = lint_inputs(given.inputs, given.settings, progress=progress)
    if options["statistics"]:
        for name, count in report.by_rule.items():
            say(f"{count:>9,}  {name}")
    else:
        write_report(report, formats, options["max_per_rule"], given.color)
    if not given.quiet:
        tell_files(report)
        for line in render_summary(report):
            tell(line)
    return exitcodes.OK if report.ok else exitcodes.FINDINGS
