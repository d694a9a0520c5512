"""`tunelint export`."""

from __future__ import annotations

from pathlib import Path

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import say, tell
from tunelint.errors import TunelintError


@click.command("export")
@click.argument("run")
@click.option("--checkpoint", "step", type=click.IntRange(min=1), metavar="STEP", help="Export this checkpoint.  [default: the kept one]")
@click.option("-o", "--output", type=click.Path(), metavar="DIR", help="Folder of the model, new or empty.  [default: exported/RUN]")
@click.option("--dtype", type=click.Choice(["fp32", "bf16", "fp16"]), help="Numbers of the weights.  [default: those of the base model]")
def command(run: str, step: int | None, output: str | None, dtype: str | None) -> int:
    """Write the model of a run as a folder that transformers, vLLM and llama.cpp read.

    Adapters are merged into the weights. Beside the model lies a card with the digests of the data, the lint summary,
    the verdict, the settings and the eval numbers. Nothing is overwritten.

    \b
    tunelint export last
    tunelint export last --checkpoint 40 --output my-model --dtype bf16
    """
    from tunelint.exporting import export_model
    from tunelint.exporting.model import remote_hint
    from tunelint.train import find_run

    folder = find_run(run)
    record = folder.read()
    if record["backend"] != "local":
        raise TunelintError(f"cannot export {folder.id}: {remote_hint(record)}")
    target = Path(output) if output else Path("exported") / folder.id
    made = export_model(folder, target, step, dtype)
    at = f"step {made.step}" if made.step is not None else "the kept model"
    say(f"{folder.id} ({at}{', adapter merged' if made.merged else ''}, {made.dtype}) -> {made.folder}")
    tell(f"wrote {', '.join((*made.files, 'README.md'))}")
    return exitcodes.OK
