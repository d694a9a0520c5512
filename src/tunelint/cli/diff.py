"""`tunelint diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import gate_options, invocation, rule_options, run_options
from tunelint.cli.output import Progress, say, write_text


@click.command("diff")
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@click.option("--target", metavar="NAME", help="Service or trainer the data is for (openai, trl, ...).")
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Model, encoding or tokenizer folder to count tokens with.")
@click.option("--format", "form", default="full", metavar="FORMAT[:FILE]", help="full or json.  [default: full]")
@click.option(
    "--max-per-rule", type=click.IntRange(min=0), default=10, show_default=True, metavar="N", help="Rows and findings shown per kind, 0: all."
)
@rule_options
@gate_options
@run_options
def command(before: str, after: str, **options: Any) -> int:
    """Compare two versions of a dataset: rows added, removed and edited, findings that came and went.

    A and B are files, folders or globs. Rows are compared by what they hold: order, spacing and file names do not matter.
    Exits 1 when B has a finding at or above --fail-on that A has not.
    """
    from tunelint.api import lint_inputs
    from tunelint.fixes.versions import compare_versions
    from tunelint.fixes.versions_text import diff_lines, diff_object
    from tunelint.report.as_json import dump

    name, _, path = options["form"].partition(":")
    if name not in ("full", "json"):
        raise click.UsageError(f"no format '{name}' for diff; there are full and json")
    with Progress("checking") as progress:
        reports = []
        for side in (before, after):
            given = invocation({**options, "paths": [side]})
            reports.append(lint_inputs(given.inputs, given.settings, progress=progress))
    diff = compare_versions(*reports)
    lines = [dump(diff_object(diff))] if name == "json" else list(diff_lines(diff, options["max_per_rule"]))
    if path:
        write_text(Path(path), "".join(line + "\n" for line in lines))
    else:
        for line in lines:
            say(line)
    return exitcodes.OK if diff.ok_at(reports[1].fail_on) else exitcodes.FINDINGS
