"""`tunelint convert`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.options import invocation, paths_argument
from tunelint.cli.output import say, tell, tell_unread

if TYPE_CHECKING:
    from tunelint.fixes.convert import Conversion


@click.command("convert")
@paths_argument
@click.option(
    "--to", metavar="FORMAT",
    help="openai-chat, sharegpt, prompt-completion, instruction, text, openai-preference, preference, kto, prompt-only or gemini.",
)  # fmt: skip
@click.option("--target", metavar="NAME", help="Instead of --to: the format that this service or trainer takes.")
@click.option("-o", "--output", default="converted", show_default=True, metavar="DIR", help="Folder for the converted files; - for standard output.")
@click.option("--overwrite", is_flag=True, help="Write into a folder that is not empty.")
@click.option("--lossless", is_flag=True, help="Write nothing and exit 1 when anything would be lost or left out.")
@click.option("--drop-extra", is_flag=True, help="Leave out the keys that belong to no format (id, source, ...).")
@click.option("--train", "train_globs", multiple=True, metavar="GLOB", help="Training files, whatever their names.")
@click.option("--eval", "eval_globs", multiple=True, metavar="GLOB", help="Evaluation files, whatever their names.")
@click.option("--config", "config_file", metavar="FILE", type=click.Path(), help="Config file instead of the closest one.")
@click.option("--isolated", is_flag=True, help="Read no config file.")
def command(to: str | None, target: str | None, output: str, **options: Any) -> int:
    """Write data in another format.

    Nothing is lost without a word: what the format cannot hold is counted, records that cannot be converted go to
    removed.jsonl in DIR with the reason. Marks inside records (in-record-key) are taken out. The inputs are not touched.

    \b
    tunelint convert train.jsonl --to sharegpt
    tunelint convert alpaca.json --target openai -o - > train.jsonl
    """
    from tunelint.fixes.convert import convert, convert_to_stream

    if (to is None) == (target is None):
        raise click.UsageError("give --to FORMAT or --target NAME")
    given = invocation(options)
    shape = to if to is not None else _shape_for(str(target), given.inputs)
    choices: dict[str, Any] = {"drop_extra": options["drop_extra"], "in_record_key": given.settings.in_record_key}
    if output == "-":
        if len(given.inputs) != 1 or options["lossless"]:
            raise click.UsageError("standard output takes one file, without --lossless")
        done = convert_to_stream(given.inputs[0], sys.stdout.buffer, shape, **choices)
        sys.stdout.buffer.flush()
    else:
        from tunelint.report.text import plural

        done = convert(given.inputs, Path(output), shape, overwrite=options["overwrite"], lossless=options["lossless"], **choices)
        for path, target_path, records, written in done.files:
            say(f"{path} -> {target_path}: {plural(written, 'record')} of {records:,} as {shape}")
    _tell_losses(done, output)
    refused = options["lossless"] and not done.lossless
    if refused:
        tell("nothing was written: the conversion would not be loss-free")
    return exitcodes.FINDINGS if refused else exitcodes.OK


def _shape_for(target: str, inputs: list[Any]) -> str:
    from tunelint.fixes.convert import shape_for
    from tunelint.records.reader import read_records

    shapes: dict[str, None] = {}
    for item in inputs:
        shapes.update(dict.fromkeys(record.shape for record in read_records(item.path)))
    return shape_for(target, list(shapes))


def _tell_losses(done: Conversion, output: str) -> None:
    from tunelint.report.text import plural, visible

    tell_unread(done.unread)
    for what, count in done.lost.most_common():
        tell(f"lost in {plural(count, 'record')}: {visible(what)} (first: {visible(done.first_lost[what])})")
    for reason, count in done.left_out.most_common():
        where = "" if output == "-" or not done.files else f" (kept in {Path(output) / 'removed.jsonl'})"
        tell(f"left out {plural(count, 'record')}: {visible(reason)}{where}")
