"""The application: routes, errors, beginning and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tunelint.train.server import chat, files, jobs, models, uploads
from tunelint.train.server.chat import Talker
from tunelint.train.server.guard import Guard
from tunelint.train.server.problems import Problem
from tunelint.train.server.runner import Runner
from tunelint.train.server.state import ServerState, ServeSettings
from tunelint.train.server.store import Store

_JOBS = "/v1/fine_tuning/jobs"
ROUTES = [
    Route("/v1/files", files.create, methods=["POST"]),
    Route("/v1/files", files.index, methods=["GET"]),
    Route("/v1/files/{id}", files.show, methods=["GET"]),
    Route("/v1/files/{id}", files.delete, methods=["DELETE"]),
    Route("/v1/files/{id}/content", files.content, methods=["GET"]),
    Route("/v1/uploads", uploads.create, methods=["POST"]),
    Route("/v1/uploads/{id}/parts", uploads.add_part, methods=["POST"]),
    Route("/v1/uploads/{id}/complete", uploads.complete, methods=["POST"]),
    Route("/v1/uploads/{id}/cancel", uploads.cancel, methods=["POST"]),
    Route(_JOBS, jobs.create, methods=["POST"]),
    Route(_JOBS, jobs.index, methods=["GET"]),
    Route(f"{_JOBS}/{{id}}", jobs.show, methods=["GET"]),
    Route(f"{_JOBS}/{{id}}/events", jobs.events, methods=["GET"]),
    Route(f"{_JOBS}/{{id}}/checkpoints", jobs.checkpoints, methods=["GET"]),
    Route(f"{_JOBS}/{{id}}/cancel", jobs.cancel, methods=["POST"]),
    Route(f"{_JOBS}/{{id}}/pause", jobs.pause, methods=["POST"]),
    Route(f"{_JOBS}/{{id}}/resume", jobs.resume, methods=["POST"]),
    Route("/v1/models", models.index, methods=["GET"]),
    Route("/v1/models/{id:path}", models.show, methods=["GET"]),
    Route("/v1/models/{id:path}", models.delete, methods=["DELETE"]),
    Route("/v1/chat/completions", chat.complete, methods=["POST"]),
]


def build_app(settings: ServeSettings) -> Starlette:
    """Return the ASGI application; the background threads live from its startup to its shutdown."""
    store = Store(settings.folder)
    runner = Runner(store, settings.models)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        runner.start()
        yield
        runner.stop()
        store.close()

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Guard, token=settings.token, max_upload=settings.max_upload)],
        exception_handlers={Problem: _problem, HTTPException: _http, Exception: _internal},
        lifespan=lifespan,
    )
    app.state.tunelint = ServerState(settings, store, runner, Talker())
    return app


async def _problem(request: Request, error: Any) -> Response:
    return JSONResponse(error.to_json(), error.status)


async def _http(request: Request, error: Any) -> Response:
    """Starlette's own refusals: no such route, a form that cannot be read."""
    return JSONResponse(Problem(error.status_code, str(error.detail)).to_json(), error.status_code, headers=error.headers)


async def _internal(request: Request, error: Exception) -> Response:
    return JSONResponse(Problem(500, f"internal error: {type(error).__name__}").to_json(), 500)
