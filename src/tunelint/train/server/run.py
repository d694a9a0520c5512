"""Opening the door: address, lock, and the web server's life."""

from __future__ import annotations

import socket
from collections.abc import Callable
from importlib.util import find_spec

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.train.api.connection import is_loopback
from tunelint.train.files import LockedError, exclusive_lock
from tunelint.train.server.state import ServeSettings


def serve(settings: ServeSettings, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the base URL once connections are taken. Port 0 is any free one.

    Raises TunelintError where the extra is missing, the address is taken or open to others without a token, or another
    server works in the folder.
    """
    if any(find_spec(name) is None for name in ("starlette", "uvicorn", "python_multipart")):
        raise MissingExtraError("tunelint serve", "serve")
    import uvicorn

    from tunelint.train.server.app import build_app

    if settings.token is None and not is_loopback(host):
        raise TunelintError(f"{host} can be reached from outside: set a token (--token-env NAME), or serve on 127.0.0.1")
    if settings.token is not None and len(settings.token) < 16:
        raise TunelintError("the token has fewer than 16 characters: openssl rand -hex 24 makes a good one")
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(settings.folder / ".lock"), _bound(host, port) as door:
            name = f"[{host}]" if ":" in host else host
            ready(f"http://{name}:{door.getsockname()[1]}/v1")
            config = uvicorn.Config(build_app(settings), log_level="warning", timeout_graceful_shutdown=5)
            uvicorn.Server(config).run(sockets=[door])
    except LockedError as error:
        raise TunelintError(f"another tunelint serve works in {settings.folder}; name another folder with --dir") from error
    except OSError as error:
        raise TunelintError(f"cannot write {settings.folder}: {error.strerror or error}") from error


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise TunelintError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
