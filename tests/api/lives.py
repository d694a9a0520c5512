"""`tunelint train` against `tunelint serve`, each in a process of its own: begun, waited for, looked at, and told about."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.serving import SRC, Served
from tunelint.train.files import is_locked


def start(place: Path, url: str, name: str, epochs: int = 5) -> subprocess.Popen[str]:
    """Begin `tunelint train` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tunelint", "train", "train.jsonl", "eval.jsonl", "--backend", "openai", "--base-url", url, "--model", "tiny",
         "--epochs", str(epochs), "--batch-size", "8", "--seed", "3", "--yes", "--run-dir", f"runs/{name}"],
        cwd=place, env={**os.environ, "PYTHONPATH": str(SRC)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def metrics(folder: Path) -> list[tuple[Any, ...]]:
    """The points of a run, rounded as JSON does not need to be, by step and kind."""
    points = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    kinds = [(point["step"], kind, point[kind]) for point in points for kind in ("loss", "eval_loss") if kind in point]
    assert len({(step, kind) for step, kind, _ in kinds}) == len(kinds), "a point is there twice"
    return sorted(kinds)


def job_folder(served: Served) -> Path:
    """The run folder of the server's only job."""
    found = [path for path in (served.folder / "jobs").iterdir() if (path / "run.json").is_file()]
    assert len(found) == 1, "one run is one job"
    return found[0]


def wait_for(condition: Callable[[], bool], served: Served, client: subprocess.Popen[str] | None = None, seconds: float = 400) -> None:
    """Wait, far longer than a crowded machine needs; where it is in vain, say what everybody said last."""
    deadline = time.monotonic() + seconds
    while not condition():
        gone = client is not None and client.poll() is not None
        if gone or time.monotonic() > deadline:
            if client is not None:
                client.kill()
            said = client.communicate()[0] or "" if client is not None else ""
            raise AssertionError(f"{'the client ended' if gone else f'{seconds} s were not enough'}:\n" + story(said, client, served))
        time.sleep(0.05)


def story(out: str, client: subprocess.Popen[str] | None, *servers: Served) -> str:
    """What everybody said last and left behind, for the message of a test that failed; the last server is the one that lives."""
    said = [f"the client ({'none' if client is None else f'exit {client.returncode}'}):", out[-4000:]]
    for served in servers:
        said += [f"the server at {served.url} (exit {served.process.poll()}):", *served.lines[-40:]]
    folder = servers[-1].folder
    found = [path for path in (folder / "jobs").glob("*/*") if path.name in ("worker.log", "run.json", "metrics.jsonl")]
    said += [f"{path}:\n{path.read_text()[-2000:]}" for path in found]
    if (folder / "state.sqlite").is_file():
        with contextlib.closing(sqlite3.connect(folder / "state.sqlite")) as store:
            tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE name IN ('files', 'jobs', 'events')")]
            said += [f"{table}: {row}" for table in tables for row in store.execute(f"SELECT * FROM {table}")]
    return "\n".join(said)


def ended(client: subprocess.Popen[str], *servers: Served, seconds: float = 400) -> str:
    """Wait for the client's end and return what it said."""
    try:
        return client.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        client.kill()
        out = client.communicate()[0]
        raise AssertionError(f"the client did not end within {seconds} s:\n" + story(out, client, *servers)) from None


def steps(served: Served, least: int) -> Callable[[], bool]:
    """A condition: the worker has written so many points."""

    def reached() -> bool:
        found = list((served.folder / "jobs").glob("*/metrics.jsonl"))
        return bool(found) and found[0].read_bytes().count(b"\n") >= least

    return reached


def kill_workers(served: Served) -> None:
    """SIGKILL the processes that hold the lock of one of the server's run folders."""
    for lock in (served.folder / "jobs").glob("*/.lock"):
        if is_locked(lock) and (owner := lock.read_text().strip()):
            os.kill(int(owner), signal.SIGKILL)
            wait_for(lambda lock=lock: not is_locked(lock), served)


def go_on(place: Path, url: str, name: str) -> subprocess.Popen[str]:
    """Resume a run in a process of its own; one that was killed before it had a folder is begun again."""
    if not (place / "runs" / name / "run.json").is_file():
        return start(place, url, name)
    return subprocess.Popen(
        [sys.executable, "-m", "tunelint", "runs", "resume", f"runs/{name}", "--fail-on", "never"], cwd=place,
        env={**os.environ, "PYTHONPATH": str(SRC)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
