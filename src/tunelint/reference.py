"""Reference files that are made, not written: `python -m tunelint.reference [FOLDER]` writes them anew into a checkout.

tunelint.schema.json is the config's JSON Schema (editors complete and check tunelint.toml with it); docs/configuration.md,
docs/commands.md and docs/rules.md list every key, option and rule. A test holds the files against what is made here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tunelint.config_model import KEYS, ConfigFile
from tunelint.rulebook import Option, Rule, Rulebook, load_rulebook
from tunelint.targets import target_names

SCHEMA_URL = "https://raw.githubusercontent.com/tunelint/tunelint/main/tunelint.schema.json"
_TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"}, "float": {"type": "number"}, "bool": {"type": "boolean"}, "str": {"type": "string"},
    "list[str]": {"type": "array", "items": {"type": "string"}},
}  # fmt: skip
_SELECTORS = ("select", "ignore", "extend-select")
FAMILIES = {
    "JSN": "Lines and files", "SCH": "Shape", "TURN": "Conversations", "TOOL": "Tool calls", "TOK": "Lengths and tokens", "DUP": "Duplicates",
    "LEAK": "Leakage between train and eval", "SIZE": "Size and balance", "TEXT": "Text", "PII": "Secrets and personal data",
    "PREF": "Preference pairs", "IMG": "Images", "FIT": "After training", "CFG": "Settings",
}  # fmt: skip


def config_schema(book: Rulebook) -> dict[str, Any]:
    """Return the JSON Schema (draft 7, which TOML editors read) of tunelint.toml, with every rule of the book."""
    made = ConfigFile.model_json_schema(by_alias=True)
    keys: dict[str, Any] = {}
    for name, key in made["properties"].items():
        present = next(item for item in key.get("anyOf", [key]) if item.get("type") != "null")  # TOML has no null
        keys[name] = {"description": key.get("description", ""), **{k: v for k, v in present.items() if k != "title"}}
    selector = {"anyOf": [{"enum": sorted({name for rule in book for name in (rule.name, rule.code, rule.family)})}, {"type": "string"}]}
    for name in _SELECTORS:
        keys[name]["items"] = selector
    keys["target"] = {"description": keys["target"]["description"], "enum": target_names()}
    keys["per-file-ignores"]["additionalProperties"] = {"type": "array", "items": selector}
    keys["rules"] = {
        "description": keys["rules"]["description"], "type": "object", "additionalProperties": {"type": "object"},
        "properties": {rule.name: _rule_schema(rule) for rule in book},
    }  # fmt: skip
    return {
        "$schema": "http://json-schema.org/draft-07/schema#", "$id": SCHEMA_URL, "title": "tunelint.toml",
        "description": ConfigFile.__doc__, "type": "object", "additionalProperties": False, "properties": keys,
    }  # fmt: skip


def _rule_schema(rule: Rule) -> dict[str, Any]:
    severity = {"enum": ["error", "warning", "note"], "default": rule.severity.value, "description": "how bad a finding of this rule is"}
    options = {option.name: {**_TYPES[option.type], "default": option.default, "description": option.help} for option in rule.options}
    described = f"{rule.code}: {rule.summary}"
    return {"description": described, "type": "object", "additionalProperties": False, "properties": {"severity": severity, **options}}


def configuration_page(book: Rulebook) -> str:
    """Return docs/configuration.md."""
    lines = [
        "# Configuration", "",
        "Settings stand in `tunelint.toml` (keys at the top level) or in `[tool.tunelint]` of `pyproject.toml`: the closest file from the",
        "present folder upwards to the root of the repository; in one folder `tunelint.toml` wins. The command line beats the file, an",
        "unknown key or rule is an error. `tunelint init` writes a commented file; editors complete it with the JSON Schema",
        f"`{SCHEMA_URL}`.", "",
        "## Keys", "", "| key | type | meaning |", "| --- | --- | --- |",
    ]  # fmt: skip
    schema = config_schema(book)["properties"]
    lines += [f"| `{name}` | {_type_words(schema[name])} | {_cell(text)} |" for name, text in KEYS.items()]
    lines += ["", "## Options of rules", ""]
    lines += ["A table per rule, `[rules.NAME]`, with `severity` (error, warning or note) and the rule's own options:", ""]
    lines += ["```toml", "[rules.near-duplicate]", 'severity = "error"', "threshold = 0.9", "```", ""]
    lines += ["| rule | option | default | meaning |", "| --- | --- | --- | --- |"]
    for rule in book:
        lines += [f"| `{rule.name}` | `{option.name}` | {_default(option)} | {_cell(option.help)} |" for option in rule.options]
    return "\n".join([*lines, ""])


def _type_words(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"]) if len(schema["enum"]) < 6 else "text"
    return {"array": "list of texts", "string": "text", "integer": "whole number", "object": "table", "boolean": "true or false"}[schema["type"]]


def _default(option: Option) -> str:
    return f"`{json.dumps(option.default, ensure_ascii=False)}`" if len(json.dumps(option.default)) < 60 else "see the rule's page"


def rules_page(book: Rulebook) -> str:
    """Return docs/rules.md."""
    lines = ["# Rules", "", f"{len(book)} rules. `tunelint rule NAME` prints a rule's page; the pages lie in [rules/](../rules).", ""]
    for family, title in FAMILIES.items():
        rules = [rule for rule in book if rule.family == family]
        lines += [f"## {title}", "", "| code | rule | severity | pack | fix | |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [
            f"| {rule.code} | [{rule.name}](../rules/{Path(rule.source).parent.name}/{rule.name}.md) | {rule.severity.value} | {rule.pack} | "
            f"{rule.fix or ''} | {_cell(rule.summary)} |"
            for rule in rules
        ]
        lines.append("")
    return "\n".join(lines)


def commands_page() -> str:
    """Return docs/commands.md."""
    from tunelint.cli.main import cli

    lines = ["# Commands", "", *_paragraphs(cli.help or ""), ""]
    context = click.Context(cli, info_name="tunelint")
    for name in cli.list_commands(context):
        lines += _command(cli.get_command(context, name), f"tunelint {name}", 2)
    return "\n".join(lines)


def _command(command: click.Command | None, title: str, depth: int) -> Iterator[str]:
    assert command is not None
    yield f"{'#' * depth} `{title}`"
    yield ""
    yield from _paragraphs(command.help or "")
    yield ""
    context = click.Context(command, info_name=title)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"Usage: `{title} {usage}`"
    yield ""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden]
    if options:
        yield "| option | |"
        yield "| --- | --- |"
        for option in options:
            written, text = option.get_help_record(context) or ("", "")
            yield f"| `{_cell(written)}` | {_cell(text)} |"
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _command(command.get_command(context, name), f"{title} {name}", depth + 1)


def _paragraphs(text: str) -> Iterator[str]:
    """Return a help text as Markdown: paragraphs that click leaves alone (\\b) are examples."""
    for number, block in enumerate(text.strip().split("\n\n")):
        if number:
            yield ""
        lines = [line.strip() for line in block.splitlines()]
        if lines and lines[0] == "\b":
            yield "```text"
            yield from lines[1:]
            yield "```"
        else:
            yield from lines


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def made_files() -> dict[str, str]:
    """Return every made file by its path in the checkout."""
    book = load_rulebook()
    return {
        "tunelint.schema.json": json.dumps(config_schema(book), indent=1, ensure_ascii=False) + "\n",
        "docs/configuration.md": configuration_page(book), "docs/commands.md": commands_page(), "docs/rules.md": rules_page(book),
    }  # fmt: skip


def main(folder: Path) -> None:
    """Write the files into a checkout."""
    for name, text in made_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
