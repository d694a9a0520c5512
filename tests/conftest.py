"""Helpers of all tests: the command line in process, rows, the corpora."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The fast suite draws the same examples every time, so that it fails only for who broke something; `make test-slow` searches.
settings.register_profile("same", derandomize=True)
settings.register_profile("searching", print_blob=True)
settings.load_profile("same")


# A test run in the background of a script is started with SIGINT ignored, and hands that on to the programs it interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def tunelint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command line inside a fresh folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", os.environ.get("TUNELINT_TEST_CACHE", str(tmp_path / "cache")))

    def run(*arguments: str | Path, stdin: bytes | None = None) -> Ran:
        from tunelint.cli.main import main

        out, err = io.StringIO(), io.StringIO()
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(argument) for argument in arguments])
        return Ran(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session", autouse=True)
def _shared_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile the rule pages once per session, not once per test."""
    os.environ["TUNELINT_TEST_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def corpora() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is not."""
    folder = os.environ.get("TUNELINT_CORPORA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("TUNELINT_CORPORA is unset: no real data sets here")
    return Path(folder)
