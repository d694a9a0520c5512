"""`tunelint baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import input_options, invocation, paths_argument, rule_options, run_options
from tunelint.cli.output import Progress, say
from tunelint.records.discover import BASELINE as DEFAULT


@click.group("baseline", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Accept today's findings, so that only new ones fail.

    A baseline names rules and record digests, never content: a moved record stays accepted, an edited one does not.
    """


@command.command("write")
@paths_argument
@click.option("-o", "--output", default=DEFAULT, show_default=True, type=click.Path(), metavar="FILE", help="Baseline file.")
@input_options
@rule_options
@run_options
def write_command(**options: Any) -> int:
    """Lint and write every finding into the baseline."""
    from dataclasses import replace

    from tunelint.api import lint_inputs
    from tunelint.suppress import write_baseline

    given = invocation(options)
    with Progress("checking") as progress:
        report = lint_inputs(given.inputs, replace(given.settings, baseline=None), progress=progress)
    lines = write_baseline(report.findings, Path(options["output"]))
    say(f"{len(report.findings):,} findings accepted in {options['output']} ({lines:,} entries); use it with --baseline {options['output']}")
    return exitcodes.OK


@command.command("show")
@click.argument("path", default=DEFAULT, type=click.Path())
def show_command(path: str) -> int:
    """Count the entries of a baseline by rule."""
    from collections import Counter

    from tunelint.suppress import read_baseline

    counts: Counter[str] = Counter()
    for key, count in read_baseline(Path(path)).items():
        counts[key[0]] += count
    for rule, count in counts.most_common():
        say(f"{count:>9,}  {rule}")
    return exitcodes.OK


@command.command("prune")
@paths_argument
@click.option("--baseline", "path", default=DEFAULT, show_default=True, type=click.Path(), metavar="FILE", help="Baseline file.")
@input_options
@rule_options
@run_options
def prune_command(**options: Any) -> int:
    """Drop the entries that no finding fits any more."""
    from dataclasses import replace

    from tunelint.api import lint_inputs
    from tunelint.suppress import key_of, read_baseline, write_baseline

    given = invocation({**options, "baseline": None})
    accepted = read_baseline(Path(options["path"]))
    report = lint_inputs(given.inputs, replace(given.settings, baseline=None))
    kept = []
    left = accepted.copy()
    for finding in report.findings:
        if left[key_of(finding)] > 0:
            left[key_of(finding)] -= 1
            kept.append(finding)
    write_baseline(kept, Path(options["path"]))
    say(f"{sum(accepted.values()) - len(kept):,} entries dropped, {len(kept):,} kept in {options['path']}")
    return exitcodes.OK
