"""`tunelint init`."""

from __future__ import annotations

from pathlib import Path

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say, write_text
from tunelint.errors import TunelintError


@click.command("init")
@click.option("--force", is_flag=True, help="Replace a tunelint.toml that is there (it is kept as tunelint.toml.bak).")
def command(force: bool) -> int:
    """Write a commented tunelint.toml for the data in this folder."""
    from tunelint.records.discover import discover

    path = Path("tunelint.toml")
    if path.exists():
        if not force:
            raise TunelintError("tunelint.toml is there already; --force replaces it")
        path.replace("tunelint.toml.bak")
    try:
        found = discover(["."])
    except TunelintError:  # no data yet: the file is written all the same, with examples
        found = []
    train = [item.path for item in found if item.split == "train"] or ["data/train*.jsonl"]
    evaluation = [item.path for item in found if item.split == "eval"] or ["data/eval*.jsonl"]
    write_text(path, _text(train, evaluation))
    say(f"wrote tunelint.toml ({len(found)} data file{'' if len(found) == 1 else 's'} found); next: tunelint lint")
    return exitcodes.OK


def _text(train: list[str], evaluation: list[str]) -> str:
    import json

    return f"""#:schema https://raw.githubusercontent.com/tunelint/tunelint/main/tunelint.schema.json
# Settings of tunelint; the command line beats them. All keys: docs/configuration.md
train = {json.dumps(train, ensure_ascii=False)}
eval = {json.dumps(evaluation, ensure_ascii=False)}

# pack = "recommended"          # min < recommended < strict
# fail-on = "error"             # error, warning, note or never
# select = ["DUP", "LEAK"]      # only these rules (names, codes or prefixes)
# ignore = ["small-dataset"]
# extend-select = []
# baseline = "tunelint-baseline.jsonl"
# rules-dirs = ["my-rules"]     # folders with your own rule pages
# ignore-fields = ["id", "metadata"]

# [per-file-ignores]
# "eval/*.jsonl" = ["SIZE"]

# [rules.exact-duplicate]
# severity = "error"
"""
