"""`tunelint target`."""

from __future__ import annotations

from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say


@click.command("target")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output.")
def command(names: tuple[str, ...], form: str) -> int:
    """Print what a service or trainer accepts: each fact with its source and the day it was read. Without a NAME: list all.

    \b
    tunelint target
    tunelint target openai
    """
    import json

    from tunelint.targets import load_target, target_names

    targets = [load_target(name) for name in names or target_names()]
    if form == "json":
        say(json.dumps([target_object(target) for target in targets], ensure_ascii=False, indent=1))
    elif names:
        for number, target in enumerate(targets):
            if number:
                say()
            _print(target)
    else:
        width = max(len(target.name) for target in targets)
        for target in targets:
            say(f"{target.name:{width}}  {target.title}: {target.summary}")
    return exitcodes.OK


def _print(target: Any) -> None:
    say(f"{target.title}  (--target {target.name})")
    say(target.summary)
    for fact in target.facts:
        say()
        doubt = {"stated": "", "conflict": "  (sources disagree)", "unknown": "  (unknown)"}[fact.status]
        value = f" = {_shown(fact.value)}" if fact.value is not None else ""
        say(f"{fact.name}{value}{doubt}")
        say(f"  {fact.says}")
        for rule, table in fact.rules.items():
            say(f"  -> {rule}: " + ", ".join(f"{key} = {_shown(item)}" for key, item in table.items()))
        say(f"  read {fact.read}: {fact.source}")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f'"{value}"' if value == "" else str(value)


def target_object(target: Any) -> dict[str, Any]:
    """Return a target as JSON; dates are ISO texts."""
    return {
        "name": target.name, "title": target.title, "summary": target.summary,
        "facts": [
            {
                "name": fact.name, "says": fact.says, "status": fact.status, "source": fact.source, "read": fact.read.isoformat(),
                "value": fact.value.isoformat() if fact.ends else fact.value, "ends": fact.ends, "rules": fact.rules,
            }
            for fact in target.facts
        ],
    }  # fmt: skip
