"""The GitHub Action: its steps, run as the runner runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests_rows import chat

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "action.yml").is_file(), reason="needs the checkout")
ROWS = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(12)]


class Runner:
    """As much of a GitHub runner as a composite action of shell steps sees."""

    def __init__(self, workspace: Path, **inputs: str) -> None:
        self.action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        self.workspace = workspace
        self.temp = workspace / ".runner"
        self.temp.mkdir(exist_ok=True)
        self.inputs = {name: item["default"] for name, item in self.action["inputs"].items()} | inputs
        self.files = {name: self.temp / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for path in self.files.values():
            path.write_text("")

    def expanded(self, text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: self.inputs[match[1]], text)

    def step(self, name: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
        [step] = [step for step in self.action["runs"]["steps"] if step.get("id") == name]
        assert "${{" not in step["run"]  # inputs reach a script as variables only: they could hold shell code
        environment = {key: self.expanded(value) for key, value in step.get("env", {}).items()}
        added = [line for line in self.files["GITHUB_PATH"].read_text().splitlines() if line]
        environment |= {name: str(path) for name, path in self.files.items()}
        environment |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.workspace)}
        environment |= {"RUNNER_TEMP": str(self.temp), "GITHUB_ACTION_PATH": str(ROOT)}
        environment |= {"HOME": str(self.temp), "PATH": os.pathsep.join([*added, *([path] if path else []), os.environ["PATH"]])}
        kept = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_", "LANG"))}
        folder = self.workspace / self.expanded(step.get("working-directory", "."))
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], env=kept | environment, cwd=folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text().splitlines())


@pytest.fixture
def here(tmp_path: Path) -> str:
    """A folder with the `tunelint` of this checkout, for the PATH."""
    script = tmp_path / "bin/tunelint"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m tunelint "$@"\n')
    script.chmod(0o755)
    return str(script.parent)


def test_annotations_sarif_summary_and_exit_code(tmp_path, here):
    (tmp_path / "my data").mkdir()
    (tmp_path / "my data/train.jsonl").write_text("\n".join([*ROWS, "{broken", chat("::error::x", "")]) + "\n")
    runner = Runner(tmp_path, paths="my data/train.jsonl\n", args="--ignore SIZE --fail-on error")
    ran = runner.step("lint", here)
    assert ran.returncode == 1, ran.stderr
    assert "::error title=tunelint (JSN001 invalid-json),file=my data/train.jsonl,line=13," in ran.stdout
    assert runner.outputs() == {"sarif-file": "./tunelint.sarif", "exit-code": "1"}
    results = json.loads((tmp_path / "tunelint.sarif").read_text())["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"JSN001", "TURN004"}
    assert "## tunelint: failed" in runner.files["GITHUB_STEP_SUMMARY"].read_text()


def test_a_working_directory_and_nothing_but_annotations(tmp_path, here):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/train.jsonl").write_text("\n".join([*ROWS, chat("q", "")]) + "\n")
    runner = Runner(tmp_path, **{"working-directory": "sub", "sarif-file": "", "summary": "false", "args": "--ignore SIZE --fail-on never"})
    ran = runner.step("lint", here)
    assert ran.returncode == 0
    assert ",file=sub/train.jsonl,line=13," in ran.stdout
    assert runner.outputs() == {"exit-code": "0"}
    assert runner.files["GITHUB_STEP_SUMMARY"].read_text() == ""


def test_what_could_not_be_checked_is_exit_2(tmp_path, here):
    runner = Runner(tmp_path, paths="nowhere.jsonl; touch pwned")
    ran = runner.step("lint", here)
    assert ran.returncode == 2
    assert "no such file or folder: nowhere.jsonl; touch pwned" in ran.stderr
    assert runner.outputs() == {"exit-code": "2"}
    assert not (tmp_path / "pwned").exists()


def test_the_action_is_whole():
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    assert all(item["description"] for item in [*action["inputs"].values(), *action["outputs"].values()])
    used = set(re.findall(r"inputs\.([a-z-]+)", json.dumps(action["runs"])))
    assert used == set(action["inputs"])
    assert all("shell" in step for step in action["runs"]["steps"] if "run" in step)


@pytest.mark.slow
def test_the_install_step_gives_a_working_command(tmp_path):
    (tmp_path / "train.jsonl").write_text("\n".join([*ROWS, "{broken"]) + "\n")
    runner = Runner(tmp_path, paths="train.jsonl")
    installed = runner.step("install")
    assert installed.returncode == 0, installed.stderr
    ran = runner.step("lint")
    assert ran.returncode == 1, ran.stderr
    assert "JSN001" in ran.stdout
