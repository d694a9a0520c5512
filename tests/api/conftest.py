"""A fault server, a clock, and a run that is about to start."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.fault_server import EPOCHS, FaultServer
from api.runs import KEY, FakeClock
from train.train_rows import support_rows
from tunelint.train import Hyperparameters, Plan, RunFolder
from tunelint.train.openai_api import OpenAIBackend


@pytest.fixture
def server() -> Iterator[FaultServer]:
    server = FaultServer()
    yield server
    server.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def run(server: FaultServer, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.setenv("A_HEADER", "tenant-secret-77")
    count = itertools.count()

    def start(**options: Any) -> RunFolder:
        plan = Plan(
            support_rows(12, 1), support_rows(4, 2), model="gpt-x", backend="openai", hyperparameters=Hyperparameters(epochs=EPOCHS),
            run_dir=tmp_path / "runs" / f"run{next(count)}",
            options={"base_url": server.url, "api_key_env": "A_KEY", "headers_env": {"X-Tenant": "A_HEADER"}, **options},
        )  # fmt: skip
        return OpenAIBackend(clock).start(plan)

    return start
