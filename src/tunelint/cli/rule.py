"""`tunelint rule`."""

from __future__ import annotations

from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say


@click.command("rule")
@click.argument("names", nargs=-1, metavar="[NAME_OR_CODE]...")
@click.option("--all", "every", is_flag=True, help="List all rules.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output.")
@click.option("--config", "config_file", metavar="FILE", type=click.Path(), help="Config file instead of the closest one.")
@click.option("--isolated", is_flag=True, help="Read no config file.")
def command(names: tuple[str, ...], every: bool, form: str, config_file: str | None, isolated: bool) -> int:
    """Explain a rule (by name or code), or list all of them with --all.

    \b
    tunelint rule exact-duplicate
    tunelint rule --all
    """
    import json

    from tunelint.config import load_config
    from tunelint.rulebook import load_rulebook

    config = load_config(config_file, isolated)
    book = load_rulebook([config.resolved(folder) for folder in config.get("rules-dirs", ())])
    rules = list(book) if every or not names else [book.get(name) for name in names]
    if form == "json":
        say(json.dumps([rule_object(rule) for rule in rules], ensure_ascii=False, indent=1))
    elif names and not every:
        for rule in rules:
            say(rule.text.rstrip())
            say()
    else:
        width = max(len(rule.name) for rule in rules)
        for rule in rules:
            say(f"{rule.code}  {rule.name:{width}}  {rule.severity.value:7}  {rule.pack:11}  {rule.summary}")
    return exitcodes.OK


def rule_object(rule: Any) -> dict[str, Any]:
    """Return a rule as JSON."""
    return {
        "code": rule.code, "name": rule.name, "severity": rule.severity.value, "scope": rule.scope, "pack": rule.pack,
        "fix": rule.fix, "since": rule.since, "summary": rule.summary, "why": rule.why, "help": rule.help,
        "evidence": list(rule.evidence), "aliases": list(rule.aliases),
        "options": [{"name": o.name, "type": o.type, "default": o.default, "help": o.help} for o in rule.options],
    }  # fmt: skip
