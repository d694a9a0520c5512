"""`tunelint index`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import invocation, run_options
from tunelint.cli.output import say, tell
from tunelint.errors import TunelintError


@click.group("index")
def command() -> None:
    """Save what records are compared by, without their text, for lint --against."""


@command.command("build")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="Index file to write (.npz).")
@click.option("--benchmark", metavar="NAME", help="The data is this benchmark: findings are benchmark-contamination.")
@click.option("--overwrite", is_flag=True, help="Replace an index that is there.")
@run_options
def build(**options: Any) -> int:
    """Index data files: digests of records, words and shingles, never the text.

    \b
    tunelint index build train.jsonl -o train.npz
    tunelint index build gsm8k/test.jsonl -o gsm8k.npz --benchmark GSM8K
    tunelint lint new.jsonl --against train.npz --against gsm8k.npz
    """
    from tunelint.api import ignored_fields
    from tunelint.index import is_index
    from tunelint.indexing import build_index
    from tunelint.report.text import plural, visible

    target = Path(options["output"])
    if target.exists() and not (options["overwrite"] and is_index(str(target))):
        what = "exists; give --overwrite" if is_index(str(target)) else "exists and is no index; give another file"
        raise TunelintError(f"{target} {what}")
    given = invocation(options)
    settings = given.settings
    index = build_index(
        given.inputs, benchmark=options["benchmark"], ignore_fields=ignored_fields(settings), jobs=settings.jobs, cache_dir=settings.cache_dir
    )
    if not len(index):
        raise TunelintError(f"no record found in {', '.join(options['paths'])}; `tunelint lint` says what is wrong")
    index.save(target)
    size = target.stat().st_size / 1e6
    say(f"{visible(str(target))}: {plural(len(index), 'record')} of {plural(len(given.inputs), 'file')}, {size:,.1f} MB")
    if not given.quiet:
        tell(f"next: tunelint lint NEW_DATA --against {visible(str(target))}")
    return exitcodes.OK
