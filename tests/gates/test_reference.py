"""The made reference files are current, the schema says what the config reader says, and nothing is undocumented."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import click
import jsonschema_rs
import pytest

from tunelint.config import parse_config
from tunelint.errors import TunelintError
from tunelint.reference import config_schema, made_files
from tunelint.rulebook import load_rulebook

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout")


@pytest.mark.parametrize("name", ["tunelint.schema.json", "docs/configuration.md", "docs/commands.md", "docs/rules.md"])
def test_made_files_are_current(name):
    assert (ROOT / name).read_text(encoding="utf-8") == made_files()[name], "make it anew: python -m tunelint.reference"


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('train = ["a.jsonl"]\nfail-on = "note"\njobs = 0\n[per-file-ignores]\n"a*" = ["DUP"]\n', True),
        ('[rules.small-dataset]\nseverity = "error"\nadvised = 50\n', True),
        ("", True),
        ('tran = ["a"]', False), ('train = "a"', False), ('fail-on = "eror"', False), ("jobs = -1", False),
        ("[per-file-ignores]\na = 5", False), ("rules = 5", False),
    ],
)  # fmt: skip
def test_the_schema_and_the_reader_agree(text, valid):
    value = tomllib.loads(text)
    schema = jsonschema_rs.Draft7Validator(config_schema(load_rulebook()))
    assert schema.is_valid(value) == valid
    if valid:
        parse_config(value, Path("tunelint.toml"))
    else:
        with pytest.raises(TunelintError):
            parse_config(value, Path("tunelint.toml"))


@pytest.mark.parametrize("line", ["advized = 50", 'advised = "x"', 'severity = "bad"'])
def test_the_schema_knows_the_options_of_rules(tunelint, tmp_path, line):
    text = f"[rules.small-dataset]\n{line}"
    assert not jsonschema_rs.Draft7Validator(config_schema(load_rulebook())).is_valid(tomllib.loads(text))
    Path("tunelint.toml").write_text(text)
    Path("train.jsonl").write_text("{}\n")
    assert tunelint("lint", "train.jsonl").code == 2


def test_the_schema_is_one_and_init_points_to_it(tunelint, tmp_path):
    schema = json.loads((ROOT / "tunelint.schema.json").read_text())
    assert jsonschema_rs.meta.is_valid(schema)
    tunelint("init")
    text = Path("tunelint.toml").read_text()
    assert text.startswith(f"#:schema {schema['$id']}\n")
    assert jsonschema_rs.Draft7Validator(schema).is_valid(tomllib.loads(text))


def commands(command: click.Command, title: str):
    yield title, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), f"{title} {name}")


def test_every_command_option_and_rule_has_its_words():
    from tunelint.cli.main import cli

    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for title, command in commands(cli, "tunelint"):
        assert command.help or command.short_help, title
        if title != "tunelint":
            assert re.search(rf"^#+ `{re.escape(title)}`$", page, re.MULTILINE), title
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden and option.name != "help":
                assert option.help, f"{title} {option.opts}"
    rules = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    for rule in load_rulebook():
        assert f"[{rule.name}](../rules/" in rules
        assert rule.summary
