"""Training on your own machine: the run happens in a thread of this process, its events come out as an iterator."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tunelint.train.backend import Estimate
from tunelint.train.events import Event, MessageEvent
from tunelint.train.libraries import quiet, require_packages
from tunelint.train.plan import Plan
from tunelint.train.runs import RunFolder
from tunelint.train.worker import train


class LocalBackend:
    """torch and transformers on cuda, mps or cpu. Needs the extra `local`."""

    def estimate(self, plan: Plan) -> Estimate:
        """Say what the run will take; see estimate.py for how it is reckoned."""
        from tunelint.train.estimate import estimate_local

        require_packages()
        quiet()
        return estimate_local(plan)

    def start(self, plan: Plan) -> RunFolder:
        """Write the run folder. The training itself happens in `follow`."""
        require_packages()
        return RunFolder.create(plan)

    def follow(self, handle: RunFolder) -> Iterator[Event]:
        """Train, or go on training, and yield events as they happen.

        Ctrl-C or SIGTERM lets the step in hand finish, saves a checkpoint and ends with KeyboardInterrupt or
        SystemExit(143); the run can be resumed. A second Ctrl-C does not wait. Closing the iterator stops the run too.
        """
        stop = threading.Event()
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        failure: list[BaseException] = []

        def work() -> None:
            try:
                train(handle, events.put, stop)
            except BaseException as error:  # handed to the caller below, whatever it is
                failure.append(error)
            finally:
                events.put(None)

        thread = threading.Thread(target=work, name="tunelint-train", daemon=True)
        with _stop_signals(stop) as received:
            thread.start()
            try:
                told = False
                while (event := _next(events)) is not None:
                    yield event
                    if received and not told:
                        told = True
                        yield MessageEvent("Stopping after this step, with a checkpoint; Ctrl-C again leaves at once.")
            finally:
                stop.set()
                if len(received) < 2:
                    thread.join()
        if failure:
            raise failure[0]
        if received:
            raise KeyboardInterrupt if received[0] == signal.SIGINT else SystemExit(143)

    def cancel(self, handle: RunFolder, tell: Callable[[Event], None] = lambda event: None) -> None:
        """Mark the run as given up. Raises TunelintError where a process is still training it: stop that first."""
        with handle.working():
            handle.update(state="cancelled")


def _next(events: queue.SimpleQueue[Event | None]) -> Event | None:
    """Wait in short turns, so that signals are handled while waiting on every platform."""
    while True:
        try:
            return events.get(timeout=0.2)
        except queue.Empty:
            continue


@contextmanager
def _stop_signals(stop: threading.Event) -> Iterator[list[int]]:
    """Turn the first SIGINT or SIGTERM into a polite stop; a second SIGINT raises KeyboardInterrupt at once.

    Only the main thread may set handlers; elsewhere (in a server) the caller stops runs by closing the iterator.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        received.append(number)
        stop.set()
        if len(received) > 1:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
