"""What stands before every request: the token, the size limit, and no foreign web page."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunelint.train.api.connection import is_loopback
from tunelint.train.server.problems import Problem

SMALL = 8_000_000
"""Bytes that a request other than a file upload may have."""
PART = 64 << 20
"""Bytes that a part of an upload may have, as at OpenAI (https://platform.openai.com/docs/api-reference/uploads/add-part)."""
FORM = 64_000
"""Bytes that a form may have around its file."""

LINGER, PATIENCE = 32_000_000, 2.0
"""Bytes of a refused body that are read all the same, and seconds that the next of them are waited for: a connection that is
closed with bytes unread is reset, and the client never sees why it was refused."""


class TooLargeError(Exception):
    """The body has passed the limit."""


class Guard:
    """ASGI middleware. Without a token only this machine's own programs are served.

    A web page that a user of this machine has open can reach the loopback too: it gives itself away by an Origin header,
    or, after rebinding its own name to 127.0.0.1, by the Host header.
    """

    def __init__(self, app: ASGIApp, token: str | None, max_upload: int) -> None:
        self.app, self.max_upload = app, max_upload
        self.token = token.encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        limit = self._limit(scope)
        problem = self._stranger(headers) or _too_large(headers, limit)
        if problem is not None:
            declared = headers.get("content-length", "0")
            if declared.isdigit() and int(declared) <= LINGER:
                await _drain(receive)
            await _refuse(problem, scope, receive, send)
            return
        seen = 0
        started = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except TooLargeError:
            if started:
                raise
            await _drain(receive)
            await _refuse(_limit(limit), scope, receive, send)

    def _limit(self, scope: Scope) -> int:
        """Return how many bytes the body may have."""
        path = scope["path"].rstrip("/")
        if scope["method"] != "POST":
            return SMALL
        if path.endswith("/files"):
            return self.max_upload + FORM
        return min(self.max_upload, PART) + FORM if path.endswith("/parts") else SMALL

    def _stranger(self, headers: dict[str, Any]) -> Problem | None:
        if self.token is not None:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            # Bytes, because compare_digest takes no other text than ASCII.
            same = hmac.compare_digest(given.strip().encode("utf-8"), self.token)
            return None if scheme.lower() == "bearer" and same else Problem(401, "The token is missing or wrong.", code="invalid_api_key")
        if "origin" in headers:
            return Problem(403, "Web pages are not served without a token.", code="forbidden")
        if not is_loopback(urlsplit(f"//{headers.get('host', '')}").hostname or ""):
            return Problem(403, "Without a token only this machine is served, by the name 127.0.0.1 or localhost.", code="forbidden")
        return None


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(problem.to_json(), problem.status, headers={"connection": "close"})(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Read what is still coming, within bounds, and forget it."""
    seen = 0
    try:
        while seen <= LINGER:
            message = await asyncio.wait_for(receive(), PATIENCE)
            seen += len(message.get("body", b""))
            if not message.get("more_body"):  # also where the client has hung up
                return
    except TimeoutError:
        return  # it declared a body and sends none


def _too_large(headers: dict[str, str], limit: int) -> Problem | None:
    declared = headers.get("content-length", "0")
    if not declared.isdigit():
        return Problem(400, "The Content-Length is no number.")
    return _limit(limit) if int(declared) > limit else None


def _limit(limit: int) -> Problem:
    return Problem(413, f"The request is larger than {limit / 1e6:,.0f} MB.", code="request_too_large")
