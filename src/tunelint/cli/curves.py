"""`tunelint curves`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import invocation_settings, rule_options, spare, wants_color
from tunelint.cli.output import parse_formats, say, tell, write_text
from tunelint.errors import TunelintError

_FORMATS = ("full", "concise", "json", "html")


@click.command("curves")
@click.argument("paths", nargs=-1, type=click.Path())
@rule_options
@click.option("--format", "formats", multiple=True, metavar="FORMAT[:FILE]",
    help="full, concise, json, html (needs a file); repeatable.  [default: full]")
@click.option("--fail-on", type=click.Choice(["error", "warning", "note", "never"]),
    help="Lowest severity that makes the command exit 1.  [default: error]")
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN", help="Column of a table: step, epoch, loss or eval_loss.")
@click.option("--base-url", metavar="URL", help="Endpoint of an openai:JOB_ID path.")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with the API key.")
@click.option("--config", "config_file", metavar="FILE", type=click.Path(), help="Config file instead of the closest one.")
@click.option("--isolated", is_flag=True, help="Read no config file.")
@click.option("-q", "--quiet", count=True, help="Findings only.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours in the text output.")
def command(**options: Any) -> int:
    """Say whether a training run overfitted and which checkpoint to keep.

    PATHS are run folders, trainer_state.json files or their folders, metrics as JSONL or CSV, or openai:JOB_ID.
    """
    from tunelint.curves import render_report, render_terminal
    from tunelint.pipeline import judge_runs
    from tunelint.report.section import findings_section

    settings = invocation_settings(options)
    formats = parse_formats(options["formats"], _FORMATS)
    spare(options["paths"], options)
    key = options["api_key_env"]
    reading = {
        "columns": _columns(options["columns"]), "base_url": options["base_url"],
        "api_key": os.environ.get(key) if key else None,
    }  # fmt: skip
    judged = judge_runs(options["paths"] or _default_paths(), settings, **reading)
    for name, path in formats:
        if name == "json":
            from tunelint.report.as_json import dump

            text = dump(judged.to_json())
        elif name == "html":
            text = render_report(judged.curves.runs, findings_section(None, judged.findings), data=judged.to_json()).rstrip("\n")
        elif name == "concise":
            text = "\n".join(f"{finding.path}: {finding.code} {finding.name} {finding.message}" for finding in judged.findings)
        else:
            color = path is None and wants_color(options["color"])
            text = render_terminal(judged.curves, color).rstrip("\n")
            for finding in judged.findings:
                text += f"\n{finding.code} {finding.name}  {finding.severity}: {finding.message}"
        if path is not None:
            write_text(Path(path), text + "\n")
            tell(f"wrote {path}")
        elif text:
            say(text)
    return exitcodes.OK if judged.ok_at(settings.fail_on) else exitcodes.FINDINGS


def _columns(given: tuple[str, ...]) -> dict[str, str] | None:
    pairs = {}
    for item in given:
        name, equals, column = item.partition("=")
        if not equals:
            raise click.UsageError(f"--column {item}: write NAME=COLUMN, as in eval_loss=val")
        pairs[name] = column
    return pairs or None


def _default_paths() -> tuple[str, ...]:
    if os.path.isdir("runs"):
        return ("runs",)
    raise TunelintError("name a run folder or a log file (there is no folder runs/ here)")
