"""`tunelint serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from tunelint.cli import exitcodes
from tunelint.cli.output import tell
from tunelint.errors import TunelintError


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="IP", help="Address to listen on; one that others can reach needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, metavar="N", help="Port, 0 for any free one.")
@click.option("--dir", "folder", type=click.Path(), default="tunelint-server", show_default=True, metavar="DIR", help="Files, jobs and models.")
@click.option("--token-env", metavar="NAME", help="Environment variable with the token that clients must send as their API key.")
@click.option("--base", multiple=True, metavar="NAME=MODEL", help="A base model besides tiny and smollm2: a folder or hub id, and its name.")
@click.option("--max-upload", type=click.IntRange(min=1), default=512, show_default=True, metavar="MB", help="Largest file that is taken.")
def command(**options: Any) -> int:
    """Serve an OpenAI-compatible fine-tuning API on your own machine.

    Files, fine-tuning jobs, models and chat: change base_url and keep your script. Every upload is linted, jobs on bad
    data fail with the report, and training is that of `tunelint train`. A server that was killed goes on where it was.
    """
    from tunelint.train.server.run import serve
    from tunelint.train.server.state import ServeSettings

    token = None
    if options["token_env"]:
        token = os.environ.get(options["token_env"], "").strip()
        if not token:
            raise TunelintError(f"the environment variable {options['token_env']} is not set: put the token into it")
    models = ServeSettings(Path()).models
    for item in options["base"]:
        name, _, place = item.partition("=")
        if not name or not place:
            raise click.UsageError(f"--base {item!r} is written NAME=MODEL")
        models[name] = place

    def ready(url: str) -> None:
        key = f"the token in {options['token_env']}" if token else "any"
        tell(f"serving {url}  (API key: {key}; models: {', '.join(models)}; files in {options['folder']})")

    settings = ServeSettings(Path(options["folder"]), token, models, options["max_upload"] * 1_000_000)
    serve(settings, options["host"], options["port"], ready)
    return exitcodes.OK
