"""One run is one job, whatever the network does.

A create call whose answer is lost may have made a job. So run.json says that one was tried before it is, the job carries
the run's own mark in its metadata, and before any second try the service's jobs are searched for that mark. The client's
own retries would send the request again blindly: it sends no Idempotency-Key by itself (openai-python `_base_client.py`).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from tunelint.errors import TunelintError
from tunelint.train.api.explain import explain_call
from tunelint.train.api.insist import FIRST_PAUSE, LONGEST_PAUSE, Session, checked, insist, is_transient, listed, pause_of, said_by
from tunelint.train.api.payload import MARK, job_request
from tunelint.train.events import Event, MessageEvent, StateEvent
from tunelint.train.runs import list_runs

LOOKS = 3
"""How often the mark is searched before a job is taken not to exist: a list may lag behind."""
PAGES = 10
CLOCKS_DIFFER = 300
"""Seconds by which the service's clock may lag behind ours."""


def create_job(session: Session, files: dict[str, str]) -> Generator[Event, None, str]:
    """Return the id of the run's job, created or found. Raises TunelintError where the service refuses it."""
    import openai

    api = session.api
    if api.get("job"):
        return str(api["job"])
    mark = str(api["run"])
    if api.get("create_tried"):
        found = yield from find_job(session, mark)
        if found is not None:
            return _keep(session, found)
    session.folder.update(state="creating")
    yield StateEvent("creating")
    request = job_request(session.plan, files, mark)
    began, pause = session.clock.now(), FIRST_PAUSE
    while True:
        session.note(create_tried=session.api.get("create_tried") or round(time.time()))
        try:
            job = checked(session.client.fine_tuning.jobs.create(**request, extra_headers={"Idempotency-Key": mark}), "id", "status")
            return _keep(session, job)
        except Exception as error:
            if not isinstance(error, openai.OpenAIError) and not is_transient(error):
                raise
            if not is_transient(error):
                session.note(create_tried=None)
                raise explain_call(error, session.connection, "Creating the job") from error
            if session.clock.now() - began >= session.max_offline:
                raise TunelintError(
                    f"The job could not be created at {session.connection.host} within {session.max_offline:,.0f} s; "
                    f"try again: tunelint runs resume {session.folder.id}"
                ) from error
            refused = isinstance(error, openai.RateLimitError)
            words = said_by(error, session.connection)
            yield MessageEvent(f"Creating the job: {words}; " + ("waiting" if refused else "looking whether it was created all the same"), "warning")
            session.clock.sleep(pause_of(error, pause))
            pause = min(pause * 1.5, LONGEST_PAUSE)
        if not refused:
            found = yield from find_job(session, mark)
            if found is not None:
                yield MessageEvent(f"The job was created all the same: {found.id}")
                return _keep(session, found)


def find_job(session: Session, mark: str) -> Generator[Event, None, Any]:
    """Return the job with this run's mark, None where there is none after several looks."""
    for look in range(LOOKS):
        found = yield from insist(session, "Looking for the job", lambda: _search(session, mark))
        if found is not None:
            return found
        if look < LOOKS - 1:
            session.clock.sleep(FIRST_PAUSE * 2**look)
    return None


def _search(session: Session, mark: str) -> Any:
    """Search with the service's filter; one that ignores or refuses the filter gives its recent jobs instead."""
    import openai

    jobs = session.client.fine_tuning.jobs
    try:
        page = listed(lambda: jobs.list(metadata={MARK: mark}, limit=100))
    except (openai.BadRequestError, openai.UnprocessableEntityError):
        page = listed(lambda: jobs.list(limit=100))
    for _ in range(PAGES):
        items = list(page.data or ())
        for job in items:
            if _is_ours(session, job, mark):
                return job
        if not items or not page.has_next_page():
            return None
        page = listed(page.get_next_page)
    return None


def _is_ours(session: Session, job: Any, mark: str) -> bool:
    """Whether the job carries the mark; at a service that keeps no metadata, whether it is new and has our very file."""
    metadata = getattr(job, "metadata", None)
    if metadata:
        return isinstance(metadata, dict) and metadata.get(MARK) == mark
    api = session.api
    created = getattr(job, "created_at", None) or 0
    ours = job.training_file == (api.get("files") or {}).get("train") and created >= api["create_tried"] - CLOCKS_DIFFER
    if not ours:
        return False
    others = [(run.read().get("api") or {}).get("job") for run in list_runs(session.folder.path.parent)]
    return job.id not in others


def _keep(session: Session, job: Any) -> str:
    session.note(job=str(job.id), status=str(job.status))
    session.folder.update(state="waiting")
    return str(job.id)
