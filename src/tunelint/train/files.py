"""Files that survive a kill at any moment: written whole or not at all; and a lock that dies with its process."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tunelint.errors import TunelintError


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` so that every reader sees the old or the new bytes, never a mixture."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`. Raises TunelintError where it is missing or broken."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise TunelintError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise TunelintError(f"{path} is not valid JSON ({error}); the run folder is damaged.") from error
    if not isinstance(value, dict):
        raise TunelintError(f"{path} holds no JSON object; the run folder is damaged.")
    return value


class LockedError(TunelintError):
    """Another process works on this run."""


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`. The system frees it when the process dies, however it dies.

    Raises LockedError, naming the other process, when it is taken.
    """
    with path.open("a+") as stream:
        if not _lock_soon(stream):
            stream.seek(0)
            owner = stream.read().strip() or "unknown"
            raise LockedError(f"Process {owner} is working on the run in {path.parent}; wait for it or stop it.")
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)
            _unlock(stream)


def _lock_soon(stream: IO[str]) -> bool:
    """Try for half a second: `is_locked` of another process holds the lock for a moment, and must not turn anybody away."""
    for _ in range(10):
        if _try_lock(stream):
            return True
        time.sleep(0.05)
    return _try_lock(stream)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock `path`."""
    try:
        with path.open("r+") as stream:
            if not _try_lock(stream):
                return True
            _unlock(stream)
    except FileNotFoundError:
        return False
    return False


if sys.platform == "win32":
    import msvcrt

    # Windows locks are mandatory for the locked bytes: lock one far behind the process id that others read.
    _FAR = 1 << 20

    def _try_lock(stream: IO[str]) -> bool:
        stream.seek(_FAR)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            stream.seek(0)
        return True

    def _unlock(stream: IO[str]) -> None:
        stream.seek(_FAR)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(stream: IO[str]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(stream: IO[str]) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
