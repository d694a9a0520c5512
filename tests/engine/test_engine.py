"""The same findings whatever the number of jobs, the size of the chunks and the order of the files; nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests_rows import chat
from tunelint.api import Settings, active_rules, run_parameters
from tunelint.engine.run import check
from tunelint.records.discover import discover
from tunelint.rulebook import load_rulebook


def dirty(folder: Path, rows: int = 400) -> None:
    draw = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("a-train.jsonl", "b-train.jsonl", "eval.jsonl"):
        lines = []
        for index in range(rows):
            number = draw.randrange(rows)
            line = chat(f"What is the {number}th word of chapter {number % 17} of the long book?", f"It is word number {number * 31}.", id=index)
            kind = draw.random()
            if kind < 0.03:
                line = line[: draw.randrange(5, len(line))]
            elif kind < 0.05:
                line = ""
            elif kind < 0.07:
                line = line.replace('"assistant"', '"bot"')
            elif kind < 0.08:
                line = line.replace("chapter", "chap\nter")
            lines.append(line)
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def findings_of(paths: list[str], jobs: int = 1, chunk_size: int = 4 << 20):
    inputs = discover(paths)
    settings = Settings(ignore=("CFG",))
    rules = active_rules(settings, load_rulebook())
    report = check(inputs, rules, jobs=jobs, parameters=run_parameters(settings, inputs, rules), chunk_size=chunk_size)
    return [json.dumps([f.name, f.path, f.line, f.end_line, f.row, f.column, f.byte_offset, f.record, f.message,
        [(r.path, r.line, r.record) for r in f.related]])
        for f in report.findings]


def test_jobs_chunk_size_and_order_of_arguments_change_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dirty(Path("data"))
    names = ["data/a-train.jsonl", "data/b-train.jsonl", "data/eval.jsonl"]
    first = findings_of(names)
    assert len(first) > 100
    assert findings_of(names[::-1]) == first
    assert findings_of(names, chunk_size=5_000) == first
    assert findings_of(names, jobs=3, chunk_size=9_000) == first


def test_findings_are_sorted_and_counted(tunelint, tmp_path):
    dirty(tmp_path / "data", rows=120)
    report = tunelint("lint", "data", "--format", "json").json
    order = [(f["path"] or "", f["line"] or 0, f["code"]) for f in report["findings"]]
    assert order == sorted(order)
    counted: dict[str, int] = {}
    for finding in report["findings"]:
        counted[finding["name"]] = counted.get(finding["name"], 0) + 1
    assert counted == report["summary"]["by_rule"]
    for path in {file["path"] for file in report["files"]}:
        lines = (tmp_path / path).read_bytes().split(b"\n")
        for finding in report["findings"]:
            if finding["path"] == path and finding["record"] and finding["record"].startswith("raw:"):
                assert lines[finding["line"] - 1]


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_process(tmp_path, how):
    line = chat("Where is my parcel? " * 40, "On its way. " * 40) + "\n"
    (tmp_path / "train.jsonl").write_text("".join(line.replace("parcel", f"parcel {i}") for i in range(30_000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "tunelint", "lint", "train.jsonl", "--jobs", "2", "--format", "json:out.json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    workers: list[int] = []
    for _ in range(600):
        workers = _children(process.pid)
        if len(workers) == 2 or process.poll() is not None:
            break
        time.sleep(0.05)
    assert len(workers) == 2, process.stderr.read() if process.poll() is not None else "no workers"
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert b"Traceback" not in err
    for _ in range(200):
        if not any(os.path.exists(f"/proc/{pid}") for pid in workers):
            break
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    assert not (tmp_path / "out.json").exists()


def test_the_api_needs_no_main_guard(tmp_path):
    dirty(tmp_path / "data", rows=30)
    script = tmp_path / "script.py"
    script.write_text("import tunelint\nprint(tunelint.lint('data', jobs=2).records)\n")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50
