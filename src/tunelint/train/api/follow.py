"""Watching a job to its end, and bringing home all that it leaves: curve, checkpoints, the model's name."""

from __future__ import annotations

import math
import shutil
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.api.connection import is_loopback
from tunelint.train.api.curve import Curve
from tunelint.train.api.explain import explain_job
from tunelint.train.api.insist import FIRST_PAUSE, LONGEST_PAUSE, Session, checked, insist, listed
from tunelint.train.events import EvalEvent, Event, MessageEvent, State, StateEvent, TrainEvent
from tunelint.train.files import write_json

ENDS = frozenset({"succeeded", "failed", "cancelled"})
"""Any other status, known or not, means that the job goes on: providers add words ("pausing", "paused")."""
VANISHED_AFTER = 3
VALUES = "remote_curve.json"


class Watch:
    """One process's watch over a job."""

    def __init__(self, session: Session, job_id: str) -> None:
        self.session, self.job_id = session, job_id
        self.jobs = session.client.fine_tuning.jobs
        self.values = session.folder.path / VALUES
        self.curve = Curve()
        self.curve.load(self.values)
        self.seen = self.curve.events
        self.checkpoints: dict[int, str] = {}
        self.best = min((point["eval_loss"] for point in self.curve.points() if "eval_loss" in point), default=math.inf)

    def run(self) -> Iterator[Event]:
        """Yield events until the job has ended. Raises TunelintError where it failed or is gone."""
        pause, last = FIRST_PAUSE, ""
        longest = FIRST_PAUSE if is_loopback(self.session.connection.host) else LONGEST_PAUSE  # nobody is bothered on this machine
        while True:
            job = yield from self._job()
            status = str(job.status)
            self.curve.epochs = _epochs(job) or self.curve.epochs
            if status != last:
                last, pause = status, FIRST_PAUSE
                self.session.note(status=status)
                yield from self._state(status)
            yield from self._collect(all_pages=status in ENDS)
            if status in ENDS:
                yield from self._end(job, status)
                return
            self.session.clock.sleep(pause)
            pause = min(pause * 1.5, longest)

    def _job(self) -> Generator[Event, None, Any]:
        import openai

        for look in range(VANISHED_AFTER):
            try:
                call = lambda: checked(self.jobs.retrieve(self.job_id), "id", "status")  # noqa: E731
                return (yield from insist(self.session, "Asking for the job", call, (openai.NotFoundError,)))
            except openai.NotFoundError:
                if look < VANISHED_AFTER - 1:
                    self.session.clock.sleep(LONGEST_PAUSE / 3)
        raise TunelintError(
            f"{self.session.connection.host} no longer knows the job {self.job_id}: it was deleted there, or the key is another "
            f"project's. {len(self.curve.points()):,} points of its curve are kept in {self.session.folder.path}."
        )

    def _state(self, status: str) -> Iterator[Event]:
        if status in ENDS:
            return
        state: State = "training" if status == "running" else "waiting"
        self.session.folder.update(state=state)
        yield StateEvent(state, f"{status.replace('_', ' ')}, job {self.job_id}")

    def _collect(self, all_pages: bool) -> Iterator[Event]:
        """Take new events and checkpoints. At the end every page is read, since events may arrive late and out of order."""
        events = yield from insist(self.session, "Asking for events", lambda: self._events(all_pages))
        told = []
        for event in sorted(events, key=lambda event: event.get("created_at") or 0):
            self.curve.add_event(event)
            if event.get("id") not in self.seen:
                self.seen.add(str(event.get("id")))
                told.append(event)
        listed_now: dict[int, str] = {}
        for checkpoint in (yield from insist(self.session, "Asking for checkpoints", self._checkpoints)):
            self.curve.add_checkpoint(checkpoint)
            step, name = checkpoint.get("step_number"), checkpoint.get("fine_tuned_model_checkpoint")
            if isinstance(step, int) and name:
                listed_now[step] = str(name)
        self._keep_checkpoints(listed_now)
        self._write()
        yield from self._messages(told)
        yield from self._news()

    def _events(self, all_pages: bool) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        page = listed(lambda: self.jobs.list_events(self.job_id, limit=100))
        while True:
            items = [event.model_dump() for event in page.data or ()]
            new = {str(item.get("id")): item for item in items if str(item.get("id")) not in found}
            found.update(new)
            # A page without anything new ends it too: a service that ignores `after` would give the same page for ever.
            known = not all_pages and all(key in self.seen for key in new)
            if not new or known or not page.has_next_page():
                return list(found.values())
            page = listed(page.get_next_page)

    def _checkpoints(self) -> list[dict[str, Any]]:
        import openai

        found: dict[str, dict[str, Any]] = {}
        try:
            page = listed(lambda: self.jobs.checkpoints.list(self.job_id, limit=100))
            while True:
                new = {str(item.id): item.model_dump() for item in page.data or () if str(item.id) not in found}
                found.update(new)
                if not new or not page.has_next_page():
                    return list(found.values())
                page = listed(page.get_next_page)
        except (openai.NotFoundError, openai.BadRequestError):
            return list(found.values())  # a service without this endpoint

    def _keep_checkpoints(self, listed_now: dict[int, str]) -> None:
        """Note the checkpoints that the service has; one that it has let go (OpenAI keeps three) is of no use any more."""
        place = self.session.folder.checkpoints
        for step, name in listed_now.items():
            if self.checkpoints.get(step) != name:
                own = place / f"checkpoint-{step}"
                own.mkdir(parents=True, exist_ok=True)
                write_json(own / "remote.json", {"model": name, "step": step, "base_url": self.session.connection.base_url})
        for gone in place.glob("checkpoint-*"):
            if gone.name not in {f"checkpoint-{step}" for step in listed_now}:
                shutil.rmtree(gone)
        self.checkpoints = listed_now

    def _write(self) -> None:
        self.curve.save(self.values)
        self.curve.write(self.session.folder.metrics.path)
        evals = [point for point in self.curve.points() if "eval_loss" in point and math.isfinite(point["eval_loss"])]
        best = min(evals, key=lambda point: point["eval_loss"], default=None)
        self.session.folder.update(
            checkpoints=sorted(self.checkpoints),
            best={key: best[key] for key in ("step", "epoch", "eval_loss")} if best else None,
            progress={"step": self.curve.last_step(), "total_steps": self.curve.total, "epoch": None},
        )

    def _messages(self, events: list[dict[str, Any]]) -> Iterator[Event]:
        for event in events:
            text = self.session.connection.redact(str(event.get("message") or ""))
            if event.get("type") != "metrics" and text and not text.lower().startswith("step "):
                yield MessageEvent(text, "warning" if event.get("level") in ("warn", "error") else "info")

    def _news(self) -> Iterator[Event]:
        for point in self.curve.news():
            step, epoch = point["step"], point["epoch"] or 0.0
            if "eval_loss" in point:
                better = point["eval_loss"] < self.best
                self.best = min(self.best, point["eval_loss"])
                yield EvalEvent(step, self.curve.total, epoch, point["eval_loss"], better)
            else:
                yield TrainEvent(step, self.curve.total, epoch, point["loss"])

    def _end(self, job: Any, status: str) -> Iterator[Event]:
        yield from self._result_files(job)
        if self.curve.total is None and status == "succeeded":
            self.curve.total = self.curve.last_step() or None
        self._write()
        yield from self._news()
        if self.curve.only_batches:
            yield MessageEvent("The service measured the eval file in single batches only; overfitting cannot be told from that.", "warning")
        folder = self.session.folder
        if status == "failed":
            reason = explain_job(job.error, folder, self.session.connection)
            folder.update(state="failed", error=reason)
            yield StateEvent("failed", reason)
            raise TunelintError(f"The job {self.job_id} failed at {self.session.connection.host}: {reason}")
        if status == "cancelled":
            folder.update(state="cancelled")
            yield StateEvent("cancelled", f"the job {self.job_id} was cancelled")
            return
        name = str(job.fine_tuned_model or "")
        if name:
            folder.model.mkdir(exist_ok=True)
            write_json(folder.model / "remote.json", {"model": name, "base_url": self.session.connection.base_url})
        tokens = getattr(job, "trained_tokens", None)
        price = self.session.plan.options.get("price")
        cost = round(tokens * float(price) / 1e6, 4) if tokens and price else None
        self.session.note(fine_tuned_model=name or None, trained_tokens=tokens)
        folder.update(state="succeeded", cost=cost, kept_step=self.curve.last_step() or None)
        yield StateEvent("succeeded", f"fine-tuned model {name}" if name else "")

    def _result_files(self, job: Any) -> Iterator[Event]:
        """Fill gaps of the curve from the result file. It may be gone; the events have the same numbers then."""
        import openai

        gone = (openai.NotFoundError, openai.BadRequestError, openai.PermissionDeniedError)
        for file_id in getattr(job, "result_files", None) or ():
            fetch = partial(_content, self.session.client, file_id)
            try:
                content = yield from insist(self.session, "Fetching the result file", fetch, gone)
            except gone:
                yield MessageEvent(f"The result file {file_id} cannot be fetched; the curve is that of the events.", "warning")
                continue
            if not self.curve.add_result_file(content):
                yield MessageEvent(f"The result file {file_id} holds no metrics; the curve is that of the events.", "warning")


def _content(client: Any, file_id: str) -> bytes:
    content: bytes = client.files.content(file_id).read()
    return content


def _epochs(job: Any) -> int | None:
    """Return the number of epochs that the service has settled on, None where it says "auto" or nothing."""
    method = getattr(job, "method", None)
    kind = getattr(method, str(getattr(method, "type", "")), None)
    for holder in (getattr(kind, "hyperparameters", None), getattr(job, "hyperparameters", None)):
        value = getattr(holder, "n_epochs", None)
        if isinstance(value, int):
            return value
    return None
