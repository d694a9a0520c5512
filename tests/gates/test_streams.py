"""Outputs that end early, are full, closed, or no files at all; and outputs that would destroy what they are about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests_rows import chat

ROWS = "".join(chat(f"Question {i} about topic {i * 7}?", f"Answer {i * 13}, which is longer than the question.") + "\n" for i in range(120))
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="there is no /dev/full here")


@pytest.fixture
def run(tmp_path: Path):
    (tmp_path / "train.jsonl").write_text(ROWS)
    (tmp_path / "bad.jsonl").write_text("{broken\n" * 5000)

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell in which `$T` is tunelint."""
        environment = {**os.environ, "T": f"{sys.executable} -m tunelint"}
        return subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return shell


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("rule --all", 0), ("--help", 0), ("lint train.jsonl --format json --select DUP", 0), ("lint bad.jsonl --select JSN --max-per-rule 0", 1),
        ("convert train.jsonl --to sharegpt -o -", 0),
    ],
)  # fmt: skip
def test_a_reader_that_has_had_enough_does_not_change_the_exit_code(run, command, code):
    done = run(f"$T {command} 2>err | head -1 >/dev/null; echo ${{PIPESTATUS[0]}}; cat err >&2")
    assert done.stdout.strip() == str(code), done.stderr
    assert "Exception ignored" not in done.stderr
    assert "tunelint: " not in done.stderr


@needs_full
@pytest.mark.parametrize("command", ["lint train.jsonl", "rule --all", "--version", "convert train.jsonl --to sharegpt -o -"])
def test_a_full_disk_is_said_in_one_line(run, command):
    done = run(f"$T {command} >/dev/full")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == "tunelint: No space left on device (is standard output full or closed?)"
    assert "internal error" not in done.stderr


@needs_full
def test_nowhere_to_complain_is_no_reason_to_fail(run):
    assert run("$T lint train.jsonl --select DUP 2>/dev/full").returncode == 0
    assert run("$T lint missing.jsonl 2>/dev/full").returncode == 2
    assert run("$T lint train.jsonl --no-such-option 2>/dev/full").returncode == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$T lint train.jsonl --select DUP >&-", 0), ("$T lint train.jsonl --select DUP 2>&-", 0), ("$T lint missing.jsonl 2>&-", 2),
        ("$T lint - <&-", 1), ("$T --help >&- 2>&-", 0),
    ],
)  # fmt: skip
def test_closed_streams_are_no_error(run, line, code):
    done = run(line)
    assert done.returncode == code, done.stderr
    assert "internal error" not in done.stderr


def test_a_report_goes_into_a_pipe_and_through_a_link(tunelint, tmp_path):
    (tmp_path / "train.jsonl").write_text(ROWS)
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()))
    reader.start()
    tunelint("lint", "train.jsonl", "--format", "json:pipe", "--format", "concise")
    reader.join()
    assert json.loads(read[0])["version"] == 1
    assert Path("pipe").is_fifo()
    Path("reports").mkdir()
    Path("latest.json").symlink_to("reports/one.json")
    tunelint("lint", "train.jsonl", "--format", "json:latest.json")
    assert Path("latest.json").is_symlink()
    assert json.loads(Path("reports/one.json").read_text())["version"] == 1
    assert tunelint("lint", "train.jsonl", "--format", "json:reports").code == 2
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_dev_stdout_is_standard_output_and_stays_a_device(run):
    done = run("$T lint train.jsonl --select DUP --format json:/dev/stdout --format concise >out; cat out")
    assert json.loads(done.stdout.splitlines()[0])["version"] == 1


@pytest.mark.parametrize(
    "command",
    [
        ("lint", "train.jsonl", "--format", "json:train.jsonl"), ("lint", ".", "--format", "concise", "--format", "sarif:./train.jsonl"),
        ("stats", "train.jsonl", "--format", "json:train.jsonl"), ("diff", "other.jsonl", "train.jsonl", "--format", "json:train.jsonl"),
        ("tokens", "train.jsonl", "--row", "1", "--format", "html:train.jsonl"), ("baseline", "write", "train.jsonl", "-o", "train.jsonl"),
        ("curves", "train.jsonl", "--format", "json:train.jsonl"),
    ],
)  # fmt: skip
def test_no_report_is_written_over_its_input(tunelint, tmp_path, command):
    (tmp_path / "train.jsonl").write_text(ROWS)
    (tmp_path / "other.jsonl").write_text(ROWS)
    ran = tunelint(*command)
    assert ran.code == 2
    assert "is one of the inputs, and the output would replace it" in ran.err
    assert (tmp_path / "train.jsonl").read_text() == ROWS
