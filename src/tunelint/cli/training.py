"""What `train`, `lint-and-train` and `runs resume` share: options, the plan, and telling what happens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunelint.cli.detached import offer_cancel
from tunelint.cli.options import _all
from tunelint.cli.output import say, tell
from tunelint.errors import TunelintError

if TYPE_CHECKING:
    from tunelint.pipeline import Judged
    from tunelint.train import RunFolder

train_options: Callable[..., Any] = _all(
    click.option("--backend", type=click.Choice(["local", "openai"]), default="local", show_default=True,
        help="local: this machine's GPU or CPU; openai: any OpenAI-compatible API."),
    click.option("--model", default=None, metavar="NAME",
        help="tiny (a demonstration model), a folder, a hub id, or the API's model.  [default: tiny]"),
    click.option("--objective", type=click.Choice(["supervised", "dpo"]),
        help="Learn the answers, or to prefer the chosen one.  [default: dpo where every row is a pair]"),
    click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Passes over the train rows."),
    click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Rows per optimiser step."),
    click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Peak learning rate."),
    click.option("--max-length", type=click.IntRange(min=1), metavar="N", help="Longest row in tokens."),
    click.option("--method", type=click.Choice(["full", "lora", "qlora", "last-layers"]), help="What is trained.  [default: by the model's size]"),
    click.option("--lora-rank", type=click.IntRange(min=1), metavar="N", help="Rank of the LoRA adapters.  [default: 16]"),
    click.option("--lora-alpha", type=click.IntRange(min=1), metavar="N", help="Scale of the LoRA adapters.  [default: twice the rank]"),
    click.option("--last-layers", type=click.IntRange(min=1), metavar="N", help="Layers that --method last-layers trains.  [default: 2]"),
    click.option("--micro-batch-size", type=click.IntRange(min=1), metavar="N", help="Rows that the device holds at once.  [default: by its memory]"),
    click.option("--precision", type=click.Choice(["fp32", "bf16"]), help="Numbers of the model.  [default: by the hardware]"),
    click.option("--device", type=click.Choice(["cpu", "cuda", "mps"]), help="Where to train.  [default: the best there is]"),
    click.option("--keep", type=click.Choice(["best", "last"]), help="The checkpoint that becomes model/.  [default: best]"),
    click.option("--patience", type=click.IntRange(min=1), metavar="N", help="Stop after N evals without a new best."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Seed of the draw, the order and the model."),
    click.option("--base-url", metavar="URL", help="Endpoint of the API."),
    click.option("--api-key-env", metavar="NAME", help="Environment variable with the API key."),
    click.option("--header-env", multiple=True, metavar="HEADER=NAME", help="Send an HTTP header whose value is in an environment variable."),
    click.option("--learning-rate-multiplier", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Scales the default learning rate."),
    click.option("--dpo-beta", type=click.FloatRange(min=0, min_open=True), metavar="X",
        help="DPO: how far the model may go from where it began.  [default: 0.1]"),
    click.option("--suffix", metavar="NAME", help="API: part of the tuned model's name."),
    click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="API: keep this with the job; repeatable."),
    click.option("--price", type=click.FloatRange(min=0), metavar="USD", help="API: price of a million trained tokens, to say the cost."),
    click.option("--max-offline", type=click.FloatRange(min=0, min_open=True), metavar="HOURS",
        help="API: how long the network may be away.  [default: 24]"),
    click.option("--allow-secrets", is_flag=True, help="API: send the rows though there are keys or passwords in them."),
    click.option("--run-dir", type=click.Path(), metavar="DIR", help="Folder of this run.  [default: a new one below runs/]"),
    click.option("--yes", is_flag=True, help="Do not ask before anything that costs money."),
    click.option("--dry-run", is_flag=True, help="Say what would be done and what it would take; do nothing."),
)


def hyperparameters(options: dict[str, Any]) -> Any:
    """Return the hyperparameters that the command line gives."""
    from tunelint.train import Hyperparameters

    names = (
        "epochs", "batch_size", "learning_rate", "max_length", "method", "patience", "learning_rate_multiplier", "lora_rank",
        "lora_alpha", "last_layers", "micro_batch_size", "precision", "device", "keep", "dpo_beta",
    )  # fmt: skip
    return Hyperparameters(**{name: options[name] for name in names if options.get(name) is not None})


def model_name(options: dict[str, Any]) -> str:
    """Return the model to train. Raises TunelintError where the API backend has none."""
    if options["model"]:
        return str(options["model"])
    if options["backend"] == "openai":
        raise TunelintError("--backend openai needs --model, the name of the model to fine-tune")
    return "tiny"


def tell_estimate(plan: Any) -> None:
    """Say what a run will take."""
    from tunelint.train import backend_for

    if plan.backend == "openai":
        from tunelint.train.api.preflight import notes

        for note in notes(plan):
            tell(note)
    if plan.method == "dpo":
        tell("the method is dpo: what is learnt is to prefer a pair's chosen answer")
    estimate = backend_for(plan.backend).estimate(plan)
    tell(f"model {plan.model}, {len(plan.train):,} train rows, {len(plan.eval):,} eval rows")
    parts = []
    if estimate.tokens is not None:
        parts.append(f"{estimate.tokens:,} tokens per epoch")
    if estimate.steps is not None:
        parts.append(f"{estimate.steps:,} steps")
    if estimate.seconds is not None:
        parts.append(f"about {_seconds(estimate.seconds[0])} to {_seconds(estimate.seconds[1])}")
    if estimate.memory_bytes is not None:
        parts.append(f"about {estimate.memory_bytes / 1e9:.1f} GB")
    if estimate.cost_usd is not None:
        parts.append(f"about {estimate.cost_usd:.2f} USD")
    tell(f"estimate: {', '.join(parts) or 'unknown'} ({estimate.basis})")


def show_requests(plan: Any) -> None:
    """Print the requests that an API run would send, as JSON; raises what would keep it from starting."""
    import json

    if plan.backend == "openai":
        from tunelint.train.api.preflight import check, requests

        check(plan)
        say(json.dumps(requests(plan), ensure_ascii=False, indent=1))


def backend_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the backend's own settings, to be kept in run.json; secrets are named by their variables, never by value.

    Raises TunelintError for settings of an API where the backend is another.
    """
    chosen = {name: options[name] for name in ("base_url", "api_key_env", "suffix", "price", "allow_secrets", "max_offline") if options.get(name)}
    if options.get("header_env"):
        form = "--header-env is written HEADER=NAME, the name of an environment variable that holds the value."
        chosen["headers_env"] = _pairs(options["header_env"], form)
    if options.get("metadata"):
        chosen["metadata"] = _pairs(options["metadata"], "--metadata is written KEY=VALUE.")
    if chosen and options["backend"] != "openai":
        name = {"headers_env": "header_env"}.get(first := next(iter(chosen)), first).replace("_", "-")
        raise TunelintError(f"--{name} is for training through an API: add --backend openai.")
    if "max_offline" in chosen:
        chosen["max_offline"] *= 3600
    also = {name: options[name] for name in ("target", "no_lint") if options.get(name) and options["backend"] == "openai"}
    return {**chosen, **also}


def _pairs(items: Iterable[str], form: str) -> dict[str, str]:
    pairs = dict(item.partition("=")[::2] for item in items)
    if any(not name or not value for name, value in pairs.items()):
        raise TunelintError(form)
    return pairs


def _seconds(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def follow(events: Iterable[Any], folder: RunFolder) -> None:
    """Print the events of a run on stderr. After Ctrl-C a second one asks about the job at the service, if there is one."""
    try:
        tell_events(events)
    except KeyboardInterrupt:
        offer_cancel(folder, lambda event: tell_events([event]))
        raise


def tell_events(events: Iterable[Any]) -> None:
    """Print every eval, and a moving line for the steps on a terminal."""
    from tunelint.train import EvalEvent, MessageEvent, StateEvent, TrainEvent

    terminal = sys.stderr.isatty()
    train_loss = None
    for event in events:
        if isinstance(event, TrainEvent):
            train_loss = event.loss
            if terminal:
                sys.stderr.write(f"\rstep {event.step}/{event.total_steps or '?'}  train loss {event.loss:.4f}\033[K")
                sys.stderr.flush()
            continue
        if terminal:
            sys.stderr.write("\r\033[K")
        if isinstance(event, EvalEvent):
            trained = f"  train loss {train_loss:.4f}" if train_loss is not None else ""
            best = "  best so far" if event.best else ""
            tell(f"step {event.step:>5}/{event.total_steps or '?'}  epoch {event.epoch:6.2f}{trained}  eval loss {event.loss:.4f}{best}")
        elif isinstance(event, StateEvent):
            tell(f"{event.state}" + (f": {event.text}" if event.text else ""))
        elif isinstance(event, MessageEvent):
            tell(("warning: " if event.level == "warning" else "") + event.text)


def say_verdict(judged: Judged, folder: Any) -> None:
    """Print the verdict of a finished run, and where its report lies."""
    from tunelint.curves import render_terminal

    say(render_terminal(judged.curves, False).rstrip("\n"))
    for finding in judged.findings:
        say(f"{finding.code} {finding.name}  {finding.severity}: {finding.message}")
    say(f"report: {Path(folder.path, 'report.html')}")


def confirm_paid(options: dict[str, Any], plan: Any) -> None:
    """Ask before a job that may cost money, after asking the service about the model. Raises TunelintError where nobody can answer."""
    if options["backend"] != "openai" or options["yes"]:
        return
    if not sys.stdin.isatty():
        raise TunelintError("this starts a job that may cost money; say --yes")
    import openai

    from tunelint.train.api.connection import connect
    from tunelint.train.api.preflight import model_notes

    connection = connect(plan.options)
    with connection.client() as client:
        try:
            for note in model_notes(client, plan.model):
                tell(f"warning: {note}")
        except openai.APIConnectionError:
            tell(f"warning: {connection.host} does not answer now; the job is sent as soon as it does")
    if not click.confirm("Start this job?", err=True):
        raise click.Abort
