"""After Ctrl-C at a run through an API: the job goes on at the service, and a second Ctrl-C asks about that."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from tunelint.cli.output import tell

if TYPE_CHECKING:
    from tunelint.train import Event, RunFolder

SECONDS = 3.0
"""How long a second Ctrl-C is waited for."""


def offer_cancel(folder: RunFolder, tell_event: Callable[[Event], None]) -> None:
    """Wait a moment for a second Ctrl-C, then ask whether to cancel the job. Nothing is waited for, asked or cancelled
    where nobody sits at a terminal, or where no job was asked for yet; `tell_event` prints what happens on the way.
    Raises TunelintError where the service refuses.
    """
    from tunelint.train import backend_for

    api = folder.read().get("api") or {}
    if not (api.get("job") or api.get("create_tried")) or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    try:  # around the telling too: who reads it may press the keys before this process is at the next line
        tell(f"Ctrl-C again within {SECONDS:.0f} s asks whether to cancel the job.")
        time.sleep(SECONDS)
    except KeyboardInterrupt:
        if click.confirm(f"\nCancel the job {api.get('job') or ''} at {api['base_url']} for good?", default=False, err=True):
            backend_for("openai").cancel(folder, tell_event)
            tell(f"{folder.id} is {folder.state}")
        else:
            tell(f"not cancelled; go on with: tunelint runs resume {folder.id}")
