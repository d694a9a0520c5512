"""A process that trains one run: the lock, the signals, the last word in run.json.

`python -m tunelint.train.worker RUN_FOLDER` works on a run folder that `start` wrote; `torchrun --nproc_per_node 2 -m
tunelint.train.worker RUN_FOLDER` does the same on several devices.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from types import FrameType

from tunelint.errors import TunelintError
from tunelint.train import distributed
from tunelint.train.events import Event, StateEvent
from tunelint.train.libraries import quiet, require_packages, versions
from tunelint.train.runs import RunFolder
from tunelint.train.session import train_to_rest


def train(folder: RunFolder, emit: Callable[[Event], None], stop: threading.Event) -> None:
    """Train the run in `folder` to its end, or until `stop` is set: then a checkpoint is saved and it rests.

    Goes on from the last whole checkpoint where there is one. Raises TunelintError where it cannot go on; whatever
    happens, run.json says so.
    """
    require_packages()
    quiet()
    leads = distributed.is_leader()
    with folder.working() if leads else nullcontext():
        try:
            if leads:
                folder.update(state="preparing", error=None, versions=versions(), host=platform.node(), pid=os.getpid())
            train_to_rest(folder, emit if leads else _say_nothing, stop)
        except BaseException as error:
            reason = str(error) if isinstance(error, TunelintError) else f"{type(error).__name__}: {error}"
            if leads:
                folder.update(state="failed", error=reason)
                emit(StateEvent("failed", reason))
            raise


def _say_nothing(event: Event) -> None:
    """Only the leader tells events."""


def main(arguments: Sequence[str]) -> int:
    """Train one run folder and print its events as JSON lines; SIGINT and SIGTERM save a checkpoint and end it.

    Returns 0 when the run has succeeded, 2 where it could not go on, 128 + the signal's number when it was stopped.
    """
    if len(arguments) != 1:
        print("usage: python -m tunelint.train.worker RUN_FOLDER", file=sys.stderr)
        return 2
    stop = threading.Event()
    received: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        folder = RunFolder(arguments[0])
        train(folder, _print_event, stop)
    except TunelintError as error:
        print(error, file=sys.stderr)
        return 2
    return 128 + received[0] if received and folder.state != "succeeded" else 0


def _print_event(event: Event) -> None:
    print(json.dumps({"event": type(event).__name__.removesuffix("Event").lower(), **asdict(event)}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
