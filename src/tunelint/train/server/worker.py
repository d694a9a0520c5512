"""The process that trains one job: started, adopted after a restart of the server, asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tunelint.errors import MissingExtraError
from tunelint.train.files import is_locked


def require_local() -> None:
    """Raise MissingExtraError where the packages of the local backend are not installed; does not import them."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtraError("training and chat on this machine", "local")


class Worker:
    """`python -m tunelint.train.worker RUN_FOLDER` in a session of its own, so that Ctrl-C at the server is not its end.

    A server that was killed leaves its worker behind: the folder's lock tells, and the next server adopts it.
    """

    def __init__(self, run: Path) -> None:
        self._run, self._lock = run, run / ".lock"
        self._process: subprocess.Popen[bytes] | None = None
        if is_locked(self._lock):
            return
        with (run / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tunelint.train.worker", str(run)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether it still works."""
        return self._process.poll() is None if self._process is not None else is_locked(self._lock)

    @property
    def outrun(self) -> bool:
        """Whether another worker has the run: one whose server was killed just after it had started it."""
        return not self.alive and is_locked(self._lock)

    def last_words(self) -> str:
        """Return the last line that it wrote, for the story of its death."""
        try:
            lines = (self._run / "worker.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return lines[-1][:300] if lines else ""

    def stop(self) -> None:
        """Ask it to save a checkpoint and end; asking again is harmless."""
        pid = self._process.pid if self._process is not None else self._owner()
        if pid is None or not self.alive:
            return
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return  # it ended just now

    def _owner(self) -> int | None:
        """The process that holds the lock; it is trusted only while the lock is held."""
        try:
            text = self._lock.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return int(text) if text.isdigit() and int(text) > 1 else None
