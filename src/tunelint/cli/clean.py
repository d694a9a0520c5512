"""`tunelint clean`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import gate_options, input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, say, tell


@click.command("clean")
@paths_argument
@click.option("-o", "--output", "output", default="cleaned", show_default=True, type=click.Path(), metavar="DIR", help="Folder for the cleaned files.")
@click.option("--overwrite", is_flag=True, help="Write into a folder that is not empty.")
@click.option("--safe-only", is_flag=True, help="Mend what can be mended without loss; remove nothing.")
@click.option("--unsafe-fixes", is_flag=True, help="Also near duplicates, redaction, conflicting answers, reworded leaks.")
@input_options
@rule_options
@gate_options
@run_options
def command(**options: Any) -> int:
    """Write mended copies of data files; keep what was removed, with the reason.

    Removes records with an error that cannot be mended, exact duplicates after the first, and the train records that
    give eval records away (never an eval record). DIR gets every input under its own name, removed.jsonl and
    manifest.json. The inputs are not touched.
    """
    from tunelint.fixes import clean

    if options["safe_only"] and options["unsafe_fixes"]:
        raise click.UsageError("--safe-only and --unsafe-fixes exclude each other")
    mode = "safe-only" if options["safe_only"] else "unsafe" if options["unsafe_fixes"] else "default"
    given = invocation(options)
    with Progress("cleaning") as progress:
        result = clean(given.inputs, Path(options["output"]), given.settings, mode=mode, overwrite=options["overwrite"], progress=progress)
    say_clean(result, given.quiet)
    return exitcodes.OK if result.after.ok else exitcodes.FINDINGS


def say_clean(result: Any, quiet: int = 0) -> None:
    """Print what was kept, mended and removed."""
    for before, after in zip(result.before.files, result.after.files, strict=True):
        gone = before.records + before.faulty_lines - after.records - after.faulty_lines
        say(f"{before.path} -> {after.path}: {after.records:,} records kept, {gone:,} removed")
    if quiet:
        return
    removed = sum(result.removed.values())
    if removed:
        by_rule = ", ".join(f"{rule} {count:,}" for rule, count in result.removed.most_common())
        tell(f"removed {removed:,}: {by_rule} (each with its reason in {result.folder / 'removed.jsonl'})")
    if result.mended:
        tell(f"mended {result.mended:,} records")
    left = result.after
    tell(f"left: {left.errors:,} errors, {left.warnings:,} warnings (tunelint lint {result.folder})")
