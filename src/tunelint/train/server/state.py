"""What all handlers of one server share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request

from tunelint.train.plan import SMOLLM2, TINY

if TYPE_CHECKING:
    from tunelint.train.server.chat import Talker
    from tunelint.train.server.runner import Runner
    from tunelint.train.server.store import Store


@dataclass(frozen=True)
class ServeSettings:
    """How to serve. `models` maps the names of base models that clients may train to folders or hub ids: a client names
    no path. `max_upload` is in bytes.
    """

    folder: Path
    token: str | None = None
    models: dict[str, str] = field(default_factory=lambda: {TINY: TINY, SMOLLM2: SMOLLM2})
    max_upload: int = 512_000_000


@dataclass
class ServerState:
    """The parts of a running server."""

    settings: ServeSettings
    store: Store
    runner: Runner
    talker: Talker


def state_of(request: Request) -> ServerState:
    """Return the parts of the server that got the request."""
    state: ServerState = request.app.state.tunelint
    return state
