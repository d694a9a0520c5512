"""The thread that trains, without training: whose death counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from train.train_rows import support_rows
from tunelint.train import Plan, RunFolder
from tunelint.train.files import exclusive_lock
from tunelint.train.server import worker as workers
from tunelint.train.server.runner import Runner
from tunelint.train.server.store import Store

pytest.importorskip("starlette")


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a worker end at once and settle it: returns the job."""
    store = Store(tmp_path)
    job = {
        "id": "ftjob-1", "created_at": 1, "model": "tiny", "training_file": "file-1", "seed": 0, "metadata": {}, "status": "running",
        "method": {"type": "supervised", "supervised": {"hyperparameters": {}}},
    }  # fmt: skip
    store.insert("jobs", job)
    folder = RunFolder.create(Plan(support_rows(2, 1), run_dir=store.run_path("ftjob-1")))
    runner = Runner(store, {})
    ends = [sys.executable, "-c", "raise SystemExit(2)"]
    popen = subprocess.Popen

    def settle() -> dict[str, Any]:
        monkeypatch.setattr(workers.subprocess, "Popen", lambda arguments, **more: popen(ends, **more))
        with monkeypatch.context() as early:
            early.setattr(workers, "is_locked", lambda path: False)  # looked just before the other took the lock
            worker = workers.Worker(folder.path)
        assert worker._process is not None
        worker._process.wait(60)
        runner._settle(runner._job("ftjob-1"), folder, worker)
        return runner._job("ftjob-1")

    settle.folder = folder
    yield settle
    store.close()


def test_a_worker_that_died_is_counted_and_given_up_at_the_third(settled):
    assert [settled()["deaths"] for _ in range(3)] == [1, 2, 3]
    job = settled()
    assert job["status"] == "failed"
    assert job["error"]["code"] == "worker_died"


def test_a_worker_that_came_second_is_no_death(settled):
    """The server was killed just after it had started a worker, which had not locked the run when the next server looked."""
    with exclusive_lock(settled.folder.path / ".lock"):
        for _ in range(4):
            job = settled()
    assert job["deaths"] == 0
    assert job["status"] == "running"
