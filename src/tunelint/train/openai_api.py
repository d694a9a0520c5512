"""Training through any OpenAI-compatible fine-tuning API: OpenAI, Azure's v1 path, `tunelint serve`, others.

A run is one job, paid once: files are uploaded once per digest, the job is created once and found again by the run's
mark, and run.json is written before every remote step, so that any other process can go on. See
https://platform.openai.com/docs/api-reference/fine-tuning.
"""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, TypeVar

from tunelint.errors import TunelintError
from tunelint.train.api.connection import connect
from tunelint.train.api.create import create_job, find_job
from tunelint.train.api.follow import Watch
from tunelint.train.api.insist import Clock, RealClock, Session, insist
from tunelint.train.api.preflight import check, estimate, model_notes
from tunelint.train.api.upload import upload_all
from tunelint.train.backend import Estimate
from tunelint.train.events import FINAL_STATES, Event, MessageEvent
from tunelint.train.plan import Plan
from tunelint.train.runs import RunFolder

T = TypeVar("T")


class OpenAIBackend:
    """The backend `openai`. `clock` is replaced in tests."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or RealClock()

    def estimate(self, plan: Plan) -> Estimate:
        """Count the tokens, and the cost where the price is given; nothing is sent."""
        return estimate(plan)

    def start(self, plan: Plan) -> RunFolder:
        """Write the run folder; nothing is sent before `follow`.

        Raises TunelintError for settings that the API does not have, a missing key, and secrets in the rows.
        """
        connection = check(plan)
        folder = RunFolder.create(plan)
        folder.update(api={"base_url": connection.base_url, "run": str(uuid.uuid4()), "files": {}, "job": None})
        return folder

    def follow(self, handle: RunFolder) -> Iterator[Event]:
        """Upload, create and watch, from wherever the run stands, until the job has ended.

        Ctrl-C leaves the job alone and ends with KeyboardInterrupt; the run can be resumed.
        """
        with handle.working(), _interrupts() as interrupts:
            try:
                yield from interrupts.between(self._work(handle))
            except KeyboardInterrupt:
                yield MessageEvent(_left(handle))
                raise
            except TunelintError as error:
                if not (handle.read().get("api") or {}).get("job"):
                    handle.update(state="failed", error=str(error))
                raise

    def _work(self, handle: RunFolder) -> Iterator[Event]:
        session = self._session(handle)
        handle.update(error=None)
        if not session.api.get("job"):
            ask = partial(model_notes, session.client, session.plan.model)
            for note in (yield from insist(session, "Asking about the model", ask)):
                yield MessageEvent(note, "warning")
            files = yield from upload_all(session)
            yield from create_job(session, files)
        yield from Watch(session, str(session.api["job"])).run()

    def cancel(self, handle: RunFolder, tell: Callable[[Event], None] = lambda event: None) -> None:
        """Cancel the job at the service and give the run up. Raises TunelintError where the service refuses.

        A service that is away is waited for as in `follow`, and `tell` is told so.
        """
        with handle.working():
            if handle.state in FINAL_STATES:
                raise TunelintError(f"The run {handle.id} has {handle.state}; there is nothing to cancel.")
            session = self._session(handle)
            api = session.api
            job_id = api.get("job")
            if not job_id and api.get("create_tried"):
                job_id = getattr(_last(find_job(session, str(api["run"])), tell), "id", None)
            if job_id:
                call = partial(session.client.fine_tuning.jobs.cancel, str(job_id))
                _last(insist(session, "Cancelling the job", call), tell)
                session.note(job=str(job_id))
            handle.update(state="cancelled")

    def _session(self, handle: RunFolder) -> Session:
        """Open the run. The endpoint is the one that it was started with, whatever the environment says now."""
        plan = handle.plan()
        api = handle.read().get("api") or {}
        connection = connect({**plan.options, **({} if _from_environment(plan, api) else {"base_url": api["base_url"]})})
        if connection.base_url != api["base_url"]:
            raise TunelintError(f"The run {handle.id} was started at {api['base_url']}; set OPENAI_BASE_URL to it to go on.")
        return Session(handle, plan, connection, self._clock)


def _from_environment(plan: Plan, api: dict[str, Any]) -> bool:
    """Whether the address came from OPENAI_BASE_URL: the key beside it goes only there."""
    return not plan.options.get("base_url") and "api.openai.com" not in str(api.get("base_url"))


def _left(handle: RunFolder) -> str:
    job = (handle.read().get("api") or {}).get("job")
    going = f"The job {job} goes on at the service" if job else "Stopped before the job was known to exist"
    return f"{going}. Go on: tunelint runs resume {handle.id}. Give it up: tunelint runs cancel {handle.id}."


def _last(events: Generator[Event, None, T], tell: Callable[[Event], None]) -> T:
    """Run a generator to its end and return its value; `tell` is given what it yields on the way."""
    while True:
        try:
            tell(next(events))
        except StopIteration as stop:
            value: T = stop.value
            return value


class _Interrupts:
    """Ctrl-C, also where it comes while the caller prints: it is raised inside the generator, which says how to go on."""

    def __init__(self) -> None:
        self.inside = False
        self.received = False

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Interrupt now, or as soon as the generator goes on."""
        self.received = True
        if self.inside:
            raise KeyboardInterrupt

    def between(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield the events, and stop with KeyboardInterrupt after a Ctrl-C."""
        while True:
            if self.received:
                raise KeyboardInterrupt
            self.inside = True
            try:
                event = next(events)
            except StopIteration:
                return
            finally:
                self.inside = False
            yield event


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    """Take over Ctrl-C in the main thread; in another thread the caller stops the run by closing the iterator."""
    interrupts = _Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    previous = signal.signal(signal.SIGINT, interrupts.on_signal)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous)
