"""Calls that survive a bad network: what may be tried again is, with growing pauses, up to a limit.

All parts of the backend are generators of events: `result = yield from insist(session, ...)`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tunelint.errors import TunelintError
from tunelint.train.api.connection import Connection
from tunelint.train.api.explain import NO_MONEY, explain_call
from tunelint.train.events import Event, MessageEvent
from tunelint.train.plan import Plan
from tunelint.train.runs import RunFolder

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
MAX_OFFLINE = 24 * 3600.0
T = TypeVar("T")


class Clock(Protocol):
    """Time, replaced in tests."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class RealClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class GarbledError(Exception):
    """A success whose body is not what the API promises: a proxy's page, an answer cut short."""


@dataclass
class Session:
    """What the parts share: the run, how to reach the service, the clock."""

    folder: RunFolder
    plan: Plan
    connection: Connection
    clock: Clock
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.connection.client()

    @property
    def max_offline(self) -> float:
        """Seconds without an answer after which this process gives up; the job at the service goes on."""
        return float(self.plan.options.get("max_offline") or MAX_OFFLINE)

    @property
    def api(self) -> dict[str, Any]:
        """What run.json says about the run at the service."""
        return dict(self.folder.read().get("api") or {})

    def note(self, **changes: Any) -> None:
        """Change what run.json says about the run at the service."""
        self.folder.update(api={**self.api, **changes})


def is_transient(error: Exception) -> bool:
    """Whether trying again later may help: no connection, time-outs, an overloaded or broken server."""
    import openai

    if isinstance(error, openai.APIStatusError):
        if str(error.code or "") in NO_MONEY:
            return False
        return error.status_code in (408, 409, 425, 429) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError | openai.APIResponseValidationError | GarbledError | json.JSONDecodeError)


def pause_of(error: Exception, pause: float) -> float:
    """Return how long to wait: as long as the server asks for, at least `pause`, at most two minutes."""
    response = getattr(error, "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    return min(max(pause, float(asked)), 120.0) if asked.replace(".", "", 1).isdigit() else pause


def said_by(error: Exception, connection: Connection) -> str:
    """Say in a line, without secrets, what went wrong with a call."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return f"no answer within {connection.timeout:,.0f} s"
    if isinstance(error, openai.APIConnectionError):
        cause = " ".join(str(error.__cause__ or "").split())[:200].rstrip(".")
        return connection.redact(f"no connection to {connection.host}{f' ({cause})' if cause else ''}")
    return connection.redact(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def insist(session: Session, doing: str, call: Callable[[], T], passes: tuple[type[Exception], ...] = ()) -> Generator[Event, None, T]:
    """Return what `call` returns, however often the network fails until then, and say when it is away and back.

    Errors in `passes` are the caller's. Raises TunelintError for a refusal, and after `max_offline` seconds.
    """
    import openai

    began = session.clock.now()
    pause, failures = FIRST_PAUSE, 0
    while True:
        try:
            result = call()
        except passes:
            raise
        except (openai.OpenAIError, GarbledError, json.JSONDecodeError) as error:
            if not is_transient(error):
                raise explain_call(error, session.connection, doing) from error
            offline = session.clock.now() - began
            words = said_by(error, session.connection)
            if offline >= session.max_offline:
                raise TunelintError(
                    f"{doing}: no answer from {session.connection.host} for {offline:,.0f} s ({words}). {_standing(session.api)}; "
                    f"go on: tunelint runs resume {session.folder.id}"
                ) from error
            if not failures:
                yield MessageEvent(f"{doing}: {words}; trying again for up to {session.max_offline / 3600:,.1f} h", "warning")
            failures += 1
            session.clock.sleep(pause_of(error, pause))
            pause = min(pause * 1.5, LONGEST_PAUSE)
            continue
        if failures:
            yield MessageEvent(f"{doing}: answered after {failures} failure{'s' if failures > 1 else ''}, {session.clock.now() - began:,.0f} s")
        return result


def _standing(api: dict[str, Any]) -> str:
    """Say what becomes of the job while nobody looks."""
    if api.get("job"):
        return f"The job {api['job']} goes on there"
    if api.get("create_tried"):
        return "Whether the job was created is not known; going on makes no second one"
    return "No job was created yet"


def checked(value: T, *names: str) -> T:
    """Return the answer where it has the fields that are needed; raises GarbledError for another one."""
    if any(getattr(value, name, None) is None for name in names):
        raise GarbledError(f"the answer has no {', '.join(names)}")
    return value


def listed(call: Callable[[], Any]) -> Any:
    """Return the page that `call` fetches. The client itself trips over an answer that is no JSON object (3.54)."""
    try:
        return checked(call(), "data")
    except (AttributeError, TypeError) as error:
        raise GarbledError("the answer is no list") from error
