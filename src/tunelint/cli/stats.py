"""`tunelint stats`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import input_options, invocation, listed, paths_argument, run_options
from tunelint.cli.output import Progress, parse_formats, say, tell, write_text


@click.command("stats")
@paths_argument
@input_options
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Window instead of each target's own.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Rows per step.  [default: the target's]")
@click.option("--epochs", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, metavar="N", help="Epochs, for the cost.")
@click.option("--price", type=click.FloatRange(min=0), metavar="USD", help="Price of a million training tokens, for the cost.")
@click.option("--format", "formats", multiple=True, metavar="FORMAT[:FILE]", help="text, json, html (to a file); repeatable.  [default: text]")
@run_options
def command(**options: Any) -> int:
    """Say how long the records are, and what each target would train on.

    Several targets are compared with --target trl,axolotl,openai. Without a tokenizer folder, rows for local trainers are
    estimates (marked ~).

    \b
    tunelint stats train.jsonl
    tunelint stats data/ --target trl,axolotl,llamafactory,openai --tokenizer ./model
    """
    from tunelint.report.as_json import dump
    from tunelint.stats import measure
    from tunelint.stats.as_json import stats_object
    from tunelint.stats.cost import bills
    from tunelint.stats.page import render_page
    from tunelint.stats.plan import plans
    from tunelint.stats.text import render_text
    from tunelint.targets import load_target

    outputs = parse_formats(options["formats"] or ("text",), ("text", "json", "html"))
    targets = list(dict.fromkeys(listed(options["target"])))
    for target in targets:
        load_target(target)  # a name that does not exist stops the run before any file is read
    given = invocation({**options, "target": None})
    if not targets and given.settings.target is not None:
        targets = [given.settings.target]
    settings = replace(given.settings, target=None)
    with Progress("counting") as progress:
        stats = measure(
            given.inputs, tokenizer=settings.tokenizer, targets=targets, window=options["max_tokens"], jobs=settings.jobs,
            progress=progress, cache_dir=settings.cache_dir,
        )  # fmt: skip
    parts = stats, bills(stats, options["epochs"], options["price"]), plans(stats, settings.tokenizer), options["batch_size"]
    for name, path in outputs:
        if name == "json":
            lines = iter([dump(stats_object(*parts))])
        else:
            lines = render_text(*parts) if name == "text" else render_page(*parts)
        if path is None:
            for line in lines:
                say(line)
        else:
            write_text(Path(path), "".join(line + "\n" for line in lines))
    empty = [file.path for file in stats.files if not file.records]
    if empty and not given.quiet:
        tell(f"no record in {', '.join(empty[:5])}; tunelint lint says why")
    return exitcodes.OK
