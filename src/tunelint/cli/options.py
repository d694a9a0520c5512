"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from tunelint.errors import TunelintError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all(*decorators: Decorator) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def listed(*values: str | None) -> tuple[str, ...]:
    """Return the items of comma-separated lists."""
    return tuple(part.strip() for value in values if value for part in value.split(",") if part.strip())


def _listed(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return listed(*values)


paths_argument = click.argument("paths", nargs=-1, type=click.Path())

input_options = _all(
    click.option("--train", "train_globs", multiple=True, metavar="GLOB", help="Training files, whatever their names."),
    click.option("--eval", "eval_globs", multiple=True, metavar="GLOB", help="Evaluation files, whatever their names."),
    click.option("--target", metavar="NAME", help="Service or trainer the data is for (openai, trl, ...)."),
    click.option("--tokenizer", metavar="NAME_OR_DIR", help="Model, encoding or tokenizer folder to count tokens with."),
)

rule_options = _all(
    click.option("--select", multiple=True, callback=_listed, metavar="RULES", help="Run these rules (names, codes, prefixes)."),
    click.option("--ignore", multiple=True, callback=_listed, metavar="RULES", help="Do not run these rules."),
    click.option("--extend-select", multiple=True, callback=_listed, metavar="RULES", help="Run these rules as well."),
    click.option("--pack", type=click.Choice(["min", "recommended", "strict"]), help="Set of rules.  [default: recommended]"),
)

gate_options = _all(
    click.option(
        "--fail-on", type=click.Choice(["error", "warning", "note", "never"]),
        help="Lowest severity that makes the command exit 1.  [default: error]",
    ),
    click.option("--baseline", metavar="FILE", type=click.Path(), help="Accepted findings; only new ones count."),
    click.option("--new-from", metavar="REV", help="Only findings about rows that this git revision does not have."),
)  # fmt: skip

run_options = _all(
    click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Worker processes.  [default: by the amount of data]"),
    click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Where to run."),
    click.option("--no-cache", is_flag=True, help="Compute everything anew and keep nothing."),
    click.option("--config", "config_file", metavar="FILE", type=click.Path(), help="Config file instead of the closest one."),
    click.option("--isolated", is_flag=True, help="Read no config file."),
    click.option("-q", "--quiet", count=True, help="No summary; twice: nothing but errors."),
    click.option("-v", "--verbose", count=True, help="Say more about what is done."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours in the text output."),
)

format_options = _all(
    click.option(
        "--format", "formats", multiple=True, metavar="FORMAT[:FILE]",
        help="full, concise, json, jsonl, sarif, junit, github, gitlab, rdjson, markdown, html (to a file); repeatable.  [default: full]",
    ),
    click.option("--max-per-rule", type=click.IntRange(min=0), default=10, show_default=True, metavar="N",
        help="Findings shown per rule, 0 for all."),
    click.option("--statistics", is_flag=True, help="Print counts per rule instead of findings."),
)


@dataclass(frozen=True)
class Invocation:
    """What every data command needs: settings, inputs, and how to talk."""

    settings: Any
    inputs: list[Any]
    config: Any
    quiet: int
    verbose: int
    color: bool


def invocation_settings(options: dict[str, Any]) -> Any:
    """Join the command line and the config into settings. Raises TunelintError."""
    return _joined(options)[0]


def _joined(options: dict[str, Any]) -> tuple[Any, Any]:
    from tunelint.api import Settings
    from tunelint.config import load_config
    from tunelint.targets import load_target

    if options.get("engine") == "ray":
        raise TunelintError("--engine ray is not in this version; --jobs N uses all cores of this machine")
    config = load_config(options.get("config_file"), options.get("isolated", False))
    settings = Settings.from_config(config)
    changes: dict[str, Any] = {}
    for key in ("target", "tokenizer", "pack", "fail_on", "baseline", "new_from", "jobs", "scope"):
        if options.get(key) is not None:
            changes[key] = options[key]
    if not options.get("no_cache", False):
        changes["cache_dir"] = os.environ.get("TUNELINT_CACHE_DIR") or config.resolved(config.get("cache-dir", ".tunelint_cache"))
    changes["against"] = tuple(options.get("against", ()))
    extended = settings.extend_select
    if options.get("select"):
        changes["select"], extended = options["select"], ()
    changes["ignore"] = (*settings.ignore, *options.get("ignore", ()))
    changes["extend_select"] = (*extended, *options.get("extend_select", ()))
    settings = replace(settings, **changes)
    if settings.target is not None:
        load_target(settings.target)  # a name that does not exist stops the run before any file is read
    return settings, config


def invocation(options: dict[str, Any], default_paths: Sequence[str] = (".",)) -> Invocation:
    """Join the command line and the config into settings and input files. Raises TunelintError."""
    from tunelint.records.discover import discover

    settings, config = _joined(options)
    paths, train, evaluation = list(options.get("paths", ())), options.get("train_globs", ()), options.get("eval_globs", ())
    if not (paths or train or evaluation):
        train = tuple(config.resolved(item) for item in config.get("train", ()))
        evaluation = tuple(config.resolved(item) for item in config.get("eval", ()))
        if not (train or evaluation):
            paths = list(default_paths)
    inputs = discover(paths, train, evaluation)
    if settings.baseline is not None:  # found in passing, it is no data
        own = os.path.realpath(settings.baseline)
        inputs = [item for item in inputs if os.path.realpath(item.path) != own]
    if settings.against:
        from tunelint.indexing import not_among

        inputs = not_among(inputs, settings.against)
    spare([item.path for item in inputs], options)
    return Invocation(settings, inputs, config, options.get("quiet", 0), options.get("verbose", 0), wants_color(options.get("color", "auto")))


def spare(inputs: Sequence[str], options: dict[str, Any]) -> None:
    """Refuse to write a report or an output over one of the inputs. Raises TunelintError."""
    own = {os.path.realpath(path) for path in inputs}
    formats = [*options.get("formats", ()), options.get("form") or ""]
    for place in (*(item.partition(":")[2] for item in formats), options.get("output")):
        if place and os.path.realpath(place) in own:
            raise TunelintError(f"{place} is one of the inputs, and the output would replace it; give the output another name")


def wants_color(choice: str, stream: Any = None) -> bool:
    """Decide on colours: the option, then NO_COLOR and FORCE_COLOR, then whether a terminal reads that can show them."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and bool((stream or sys.stdout).isatty())
