"""`tunelint tokens`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import invocation
from tunelint.cli.output import parse_formats, say, write_text
from tunelint.errors import TunelintError


@click.command("tokens")
@click.argument("file", type=click.Path())
@click.option("--row", type=click.IntRange(min=1), required=True, metavar="N", help="The record to show; records count from 1.")
@click.option("--target", metavar="NAME", help="Service or trainer the data is for.  [default: every answer is trained]")
@click.option("--tokenizer", metavar="NAME_OR_DIR", help="Model, encoding or tokenizer folder to count and render with.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Window instead of the target's.")
@click.option("--format", "formats", multiple=True, metavar="FORMAT[:FILE]", help="text or html (to a file); repeatable.  [default: text]")
@click.option("--config", "config_file", metavar="FILE", type=click.Path(), help="Config file instead of the closest one.")
@click.option("--isolated", is_flag=True, help="Read no config file.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours in the text output.")
def command(**options: Any) -> int:
    """Show one record as its target sees it: what is trained, what the window cuts.

    With a tokenizer folder the record is rendered by its chat template, and marks are exact to the token.

    \b
    tunelint tokens train.jsonl --row 17 --target openai
    tunelint tokens train.jsonl --row 17 --target trl --tokenizer ./model --format html:row.html
    """
    from tunelint.records.reader import read_records
    from tunelint.stats.row import view_row
    from tunelint.stats.row_render import render_row, row_page
    from tunelint.tokens.context import token_context

    outputs = parse_formats(options["formats"] or ("text",), ("text", "html"))
    given = invocation({**options, "paths": (options["file"],)})
    if len(given.inputs) != 1:
        raise TunelintError(f"{options['file']} holds {len(given.inputs)} data files; name the one with the row")
    path, row, records = given.inputs[0].path, options["row"], 0
    for record in read_records(path):
        records = record.row
        if record.row == row:
            break
    else:
        raise TunelintError(f"{path} has no row {row:,}: it holds {records:,} records")
    context = token_context(given.settings.tokenizer, given.settings.target).with_window(options["max_tokens"])
    view = view_row(record, context)
    target = f", for {given.settings.target}" if given.settings.target else ""
    window = f" (window {view.window:,})" if view.window else ""
    title = f"{path}{f':{record.line}' if record.line else ''}  row {row:,}, {record.shape}{target}{window}"
    for name, place in outputs:
        if name == "html":
            lines = list(row_page(view, title))
        else:
            lines = list(render_row(view, title, given.color and place is None))
        if place is None:
            for line in lines:
                say(line)
        else:
            write_text(Path(place), "".join(line + "\n" for line in lines))
    return exitcodes.OK
