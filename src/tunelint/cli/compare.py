"""`tunelint compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import parse_formats, say, tell, write_text
from tunelint.errors import TunelintError

if TYPE_CHECKING:
    from tunelint.comparing import Question
    from tunelint.train import RunFolder

_FORMATS = ("full", "json", "markdown", "html")
SAVED = "comparison.json"


@click.command("compare")
@click.argument("run")
@click.option("--checkpoint", "step", type=click.IntRange(min=1), metavar="STEP", help="Compare this checkpoint.  [default: the kept one]")
@click.option("--shots", type=click.IntRange(min=0), default=4, show_default=True, metavar="N", help="Most train rows in the few-shot prompt.")
@click.option("--shots-by", "how", type=click.Choice(["nearest", "random"]), default="nearest", show_default=True, help="How they are chosen.")
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, metavar="N", help="Most eval rows that are answered, 0 for all.")
@click.option("--max-tokens", "most_tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.  [default: by the wanted answers]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Seed of the draws.")
@click.option(
    "--device", type=click.Choice(["cpu", "cuda", "mps"]), help="Where to run local models.  [default: the run's choice, or the best there is]"
)
@click.option("--base-url", metavar="URL", help="Ask the models of this chat endpoint instead.  [default: the run's own, for API runs]")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with its API key.")
@click.option("--base-model", metavar="NAME", help="Name of the base model there.  [default: the run's model]")
@click.option("--tuned-model", metavar="NAME", help="Name of the tuned model there.  [default: what the run made]")
@click.option("--allow-secrets", is_flag=True, help="Send rows though there are keys or passwords in them.")
@click.option("--yes", is_flag=True, help="Do not ask before rows are sent.")
@click.option("--saved", is_flag=True, help="Print the comparison that was saved in the run folder; ask nothing anew.")
@click.option(
    "--format", "formats", multiple=True, metavar="FORMAT[:FILE]", help="full, json, markdown, html (to a file); repeatable.  [default: full]"
)
def command(run: str, formats: tuple[str, ...], **options: Any) -> int:
    """Say whether tuning did more than a few examples in the prompt would.

    Three ways to an answer are compared on the eval rows of a run: the base model, the base model with train rows in its
    prompt, and the tuned model. The result is kept in the run folder (comparison.json).

    \b
    tunelint compare last
    tunelint compare last --base-url http://127.0.0.1:8000/v1 --base-model base --tuned-model tuned --yes
    """
    from tunelint.comparing import Question
    from tunelint.report.as_json import dump
    from tunelint.train import find_run
    from tunelint.train.files import read_json, write_json

    chosen = parse_formats(formats, _FORMATS)
    if any(name == "html" and path is None for name, path in chosen):
        raise click.UsageError("html goes to a file: --format html:comparison.html")
    folder = find_run(run)
    saved = folder.path / SAVED
    if options["saved"]:
        if not saved.is_file():
            raise TunelintError(f"{folder.id} has no saved comparison; run `tunelint compare {run}` without --saved.")
        report = read_json(saved)
    else:
        question = Question(**{name: options[name] for name in ("shots", "how", "limit", "seed", "most_tokens", "step", "device")})
        report = _compare(folder, question, options)
        write_json(saved, report)
    for name, path in chosen:
        text = dump(report) + "\n" if name == "json" else _render(report, name)
        if path is None:
            say(text.rstrip("\n"))
        else:
            write_text(Path(path), text)
            tell(f"wrote {path}")
    return exitcodes.OK


def _render(report: dict[str, Any], name: str) -> str:
    from tunelint.comparing import render_html, render_markdown, render_text

    return {"full": render_text, "markdown": render_markdown, "html": render_html}[name](report)


def _compare(folder: RunFolder, question: Question, options: dict[str, Any]) -> dict[str, Any]:
    from tunelint.comparing import compare_at_endpoint, compare_here

    record = folder.read()
    remote = record["backend"] != "local"
    if not remote and options["base_url"] is None:
        return compare_here(folder, question, tell)
    connection = _connection(record, options)
    base = options["base_model"] or (record["model"] if remote else None)
    tuned = options["tuned_model"] or (record.get("api") or {}).get("fine_tuned_model")
    if base is None:
        raise TunelintError("the endpoint knows models by other names than the run: say --base-model and --tuned-model")
    if tuned is None:
        raise TunelintError(f"the run {folder.id} is {folder.state} and has no tuned model yet; name one with --tuned-model")
    if question.step is not None:
        raise click.UsageError("--checkpoint is for local runs; at an endpoint a checkpoint has a name of its own: --tuned-model")

    def ready(requests: int) -> None:
        tell(f"{requests:,} chats with rows of this run are sent to {connection.base_url} ({base} and {tuned})")
        _confirm(options["yes"])

    return compare_at_endpoint(folder, question, connection, base, tuned, tell, ready, options["allow_secrets"])


def _connection(record: dict[str, Any], options: dict[str, Any]) -> Any:
    """Return the endpoint: the one that is named, else that of the run, with the run's own key and headers."""
    from tunelint.train.api.connection import connect

    if options["base_url"] is not None:
        return connect({"base_url": options["base_url"], "api_key_env": options["api_key_env"]})
    own = {**record["options"], **({"api_key_env": options["api_key_env"]} if options["api_key_env"] else {})}
    connection = connect(own)
    at = (record.get("api") or {}).get("base_url")
    if at is not None and connection.base_url != at:
        raise TunelintError(f"The run was made at {at}; name the endpoint with --base-url, or set OPENAI_BASE_URL to it.")
    return connection


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise TunelintError("this sends your rows to a service and may cost money; say --yes")
    if not click.confirm("Send them?", err=True):
        raise click.Abort
