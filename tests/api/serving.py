"""A real `tunelint serve` in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SRC = Path(__file__).parents[2] / "src"
DYING = Path(__file__).parent / "dying.py"


class Served:
    """The server on a port of the loopback; `kill` is SIGKILL, `stop` is polite, and at `dies_at` (see dying.py) it kills itself."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0, dies_at: str | None = None, **environment: str) -> None:
        self.folder = folder
        program = ["-m", "tunelint"] if dies_at is None else [str(DYING), dies_at]
        variables = {**os.environ, "PYTHONPATH": str(SRC), "HF_HUB_OFFLINE": "1", **environment}
        self.process = subprocess.Popen(
            [sys.executable, *program, "serve", "--port", str(port), "--dir", str(folder), *arguments],
            stderr=subprocess.PIPE, text=True, env=variables,
        )  # fmt: skip
        assert self.process.stderr is not None
        self.lines: list[str] = [self.process.stderr.readline()]
        found = re.search(r"serving (http://\S+/v1) ", self.lines[0])
        if found is None:
            self.process.kill()
            raise AssertionError(self.lines[0] + self.process.stderr.read())
        self.url = found[1]
        self.port = int(self.url.rsplit(":", 1)[1].removesuffix("/v1"))
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr or ()), daemon=True)
        self._reader.start()

    def client(self, key: str = "any", **more: Any) -> Any:
        import openai

        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=60, **more)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)
        self._reader.join(10)
        if self.process.stderr is not None:
            self.process.stderr.close()


def ask(served: Served, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
    """One raw request; header names with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def support_jsonl(count: int, seed: int) -> bytes:
    """A chat file of different support dialogues that the linter has no error for."""
    from train.train_rows import support_rows
    from tunelint.train.api.payload import encode

    rows = {row.digest: row for row in support_rows(count * 2, seed)}
    return encode(list(rows.values())[:count], "supervised", "train")
