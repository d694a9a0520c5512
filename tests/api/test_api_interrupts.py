"""Ctrl-C at a real terminal (a pty), typed as a user types it: the first detaches, a second one asks."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.fault_server import Fault, FaultServer
from api.serving import SRC
from tests_rows import chat
from tunelint.train import RunFolder

pty = pytest.importorskip("pty")
CTRL_C = b"\x03"
PROGRAM = "import sys; from tunelint.cli import detached, main; detached.SECONDS = float(sys.argv.pop(1)); sys.exit(main.main())"


@pytest.fixture(autouse=True)
def endless(server: FaultServer) -> None:
    server.service.statuses = ["running"]


class Terminal:
    """`tunelint train` with a terminal of its own; `read_until` waits for what is printed."""

    def __init__(self, place: Path, url: str, seconds: float, *more: str) -> None:
        rows = [chat(f"Where is {word}, please?", f"The place called {word} lies over there.") for word in "abcdefghijklmnopqrstuvwxyz"]
        (place / "train.jsonl").write_text("\n".join(rows) + "\n")
        self.run = place / "run"
        self.said = b""
        self.process, self.end = pty.fork()
        if not self.process:
            os.chdir(place)
            os.environ["PYTHONPATH"] = str(SRC)
            arguments = ["train", "train.jsonl", "--no-lint", "--backend", "openai", "--base-url", url, "--model", "m", "--run-dir", "run", *more]
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM, str(seconds), *arguments])

    def read_until(self, text: bytes) -> None:
        deadline = time.monotonic() + 120
        while text not in self.said:
            ready, _, _ = select.select([self.end], [], [], 1)
            try:
                new = os.read(self.end, 4096) if ready else b""
            except OSError:  # Linux: the other side is closed
                raise AssertionError(f"it ended without {text!r}:\n{self.said.decode()}") from None
            self.said += new
            assert time.monotonic() < deadline, f"waited for {text!r}:\n{self.said.decode()}"

    def type(self, keys: bytes) -> None:
        os.write(self.end, keys)

    def ended(self) -> int:
        """Read to the end; return the exit code."""
        try:
            while block := os.read(self.end, 4096):
                self.said += block
        except OSError:
            pass
        os.close(self.end)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def detached(place: Path, server: FaultServer, seconds: float) -> Terminal:
    """A run that was left by the first Ctrl-C."""
    terminal = Terminal(place, server.url, seconds, "--yes")
    terminal.read_until(b"running, job ftjob-1")
    terminal.type(CTRL_C)
    terminal.read_until(b"Go on: tunelint runs resume run. Give it up: tunelint runs cancel run.")
    terminal.read_until(f"Ctrl-C again within {seconds} s".encode())
    return terminal


def test_the_first_detaches(tmp_path, server):
    terminal = detached(tmp_path, server, 1)
    assert terminal.ended() == 130
    assert b"Cancel the job" not in terminal.said
    assert server.service.jobs["ftjob-1"]["status"] == "running"
    assert RunFolder(terminal.run).state == "training"


@pytest.mark.parametrize(("answer", "said", "status"), [(b"y\n", b"run is cancelled", "cancelled"), (b"\n", b"not cancelled; go on with", "running")])
def test_the_second_asks(tmp_path, server, answer, said, status):
    terminal = detached(tmp_path, server, 120)
    terminal.type(CTRL_C)
    terminal.read_until(b"Cancel the job ftjob-1 at http://127.0.0.1")
    terminal.type(answer)
    assert terminal.ended() == 130
    assert said in terminal.said
    assert server.service.jobs["ftjob-1"]["status"] == status
    assert RunFolder(terminal.run).state == ("cancelled" if status == "cancelled" else "training")


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 130), (b"y\n", 0)])
def test_nothing_is_started_before_the_answer(tmp_path, server, answer, code):
    """What is known about the model is said before the question."""
    server.service.statuses, server.service.shutdown = ["succeeded"], "2027-01-14"
    terminal = Terminal(tmp_path, server.url, 1, "--fail-on", "never")
    terminal.read_until(b"warning: the service shuts m down on 2027-01-14")
    terminal.read_until(b"Start this job?")
    assert server.service.calls == ["GET /v1/models/m"]
    terminal.type(answer)
    assert terminal.ended() == code, terminal.said.decode()
    assert len(server.service.jobs) == (code == 0)
    assert (tmp_path / "run").exists() == (code == 0)


def test_a_service_that_is_away_is_no_reason_not_to_ask(tmp_path, server):
    server.service.faults.append(Fault("GET /v1/models/m", "drop"))
    terminal = Terminal(tmp_path, server.url, 1)
    terminal.read_until(b"warning: 127.0.0.1 does not answer now; the job is sent as soon as it does")
    terminal.read_until(b"Start this job?")
    terminal.type(b"n\n")
    assert terminal.ended() == 130


def test_without_a_terminal_nothing_is_asked(tmp_path, server):
    (tmp_path / "train.jsonl").write_text(chat("Where is it?", "Over there, behind the house.") + "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "tunelint", "train", "train.jsonl", "--no-lint", "--no-split", "--backend", "openai", "--base-url", server.url,
         "--model", "m", "--yes", "--run-dir", "run"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SRC)}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said = b""
    while b"running, job ftjob-1" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    while b"runs cancel run" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert b"again" not in said + rest
    assert b"Cancel the job" not in said + rest
    assert process.returncode in (130, -signal.SIGINT)  # the second may come when Python is gone already
    assert server.service.jobs["ftjob-1"]["status"] == "running"
