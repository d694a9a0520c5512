"""`tunelint runs`."""

from __future__ import annotations

from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say, tell
from tunelint.cli.training import follow, say_verdict, tell_events


@click.group("runs", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, show, resume or cancel training runs.

    A run is named by its folder, by its id below runs/, or by 'last'.
    """


@command.command("list")
@click.option("--runs-dir", default="runs", show_default=True, type=click.Path(), metavar="DIR", help="Folder of the runs.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output.")
def list_command(runs_dir: str, form: str) -> int:
    """List the runs, newest last."""
    import json

    from tunelint.train import list_runs

    runs = list_runs(runs_dir)
    if form == "json":
        say(json.dumps([{**run.read(), "state": run.state, "path": str(run.path)} for run in runs], ensure_ascii=False))
        return exitcodes.OK
    for run in runs:
        record = run.read()
        best = record.get("best") or {}
        loss = f"best eval loss {best['eval_loss']:.4f} at step {best['step']}" if best.get("eval_loss") is not None else ""
        say(f"{run.id}  {run.state:11}  {record['backend']:6}  {record['model']}  {loss}".rstrip())
    if not runs:
        tell(f"no runs in {runs_dir}")
    return exitcodes.OK


@command.command("show")
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output.")
def show_command(name: str, form: str) -> int:
    """Show a run: state, data, settings, curve so far."""
    import json

    from tunelint.curves import judge, render_terminal
    from tunelint.train import find_run

    run = find_run(name)
    record = {**run.read(), "state": run.state, "path": str(run.path)}
    if form == "json":
        say(json.dumps(record, ensure_ascii=False, indent=1))
        return exitcodes.OK
    for key in ("path", "state", "backend", "model", "seed"):
        say(f"{key:9} {record[key]}")
    for split, data in record["data"].items():
        say(f"{split:9} {data['records']:,} rows")
    if record.get("error"):
        say(f"error     {record['error']}")
    if (run.path / "metrics.jsonl").is_file() and (run.path / "metrics.jsonl").stat().st_size:
        say(render_terminal(judge([run.path]), False).rstrip("\n"))
    remote_job = (record.get("api") or {}).get("job")
    if remote_job:
        say(f"job       {remote_job} at {record['api']['base_url']}")
    if run.state in ("interrupted", "failed", "created") or (remote_job and run.state not in ("succeeded", "cancelled")):
        say(f"go on with: tunelint runs resume {run.id}")
    return exitcodes.OK


@command.command("resume")
@click.argument("name")
@click.option("--fail-on", type=click.Choice(["error", "warning", "note", "never"]), default="error",
    help="Lowest severity that makes the command exit 1.")
def resume_command(name: str, fail_on: str) -> int:
    """Go on with a run that was interrupted, and judge it.

    A run that has succeeded, and whose report was not written any more, is judged.
    """
    from tunelint.api import Settings
    from tunelint.pipeline import finish_run, read_lint
    from tunelint.train import find_run, resume_run

    run = find_run(name)
    if run.state != "succeeded" or (run.path / "report.html").is_file():
        follow(resume_run(run), run)
    judged = finish_run(run, Settings(), read_lint(run))
    say_verdict(judged, run)
    return exitcodes.OK if judged.ok_at(fail_on) else exitcodes.FINDINGS


@command.command("cancel")
@click.argument("name")
def cancel_command(name: str) -> int:
    """Stop a run for good."""
    from tunelint.train import backend_for, find_run

    run = find_run(name)
    backend: Any = backend_for(str(run.read()["backend"]))
    backend.cancel(run, lambda event: tell_events([event]))
    say(f"{run.id} is {run.state}")
    return exitcodes.OK
