"""What the two pre-commit hooks cost on a file of 1,000 rows, after pre-commit has built their environment.

    python benchmarks/hooks.py [--rows 1000] [--rounds 7]

Installs both hooks from this checkout into a pre-commit home of its own (as `pre-commit install-hooks` does for a user; that
takes a minute and is not counted), commits a clean train and eval file, and times `pre-commit run HOOK --all-files` in turn
with a hook that does nothing, which is what pre-commit itself costs. Wall time is what a committer waits; CPU seconds (user and
system, all processes) are what does not depend on the machine's other work. Then one faulty row, to see that the hooks fail.

Measured on two cores that nine other processes wanted too: tunelint 0.62 s CPU (best wall time 1.35 s), tunelint-dataset
1.26 s CPU (best wall time 2.85 s), pre-commit alone 0.15 s CPU (0.39 s).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
HOOKS = ("nothing", "tunelint", "tunelint-dataset")


def row(question: str, answer: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=b", "-c", "user.email=b@example.com", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def make_source(folder: Path) -> str:
    """Make a repository of what the hooks are installed from; returns its revision."""
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("src", "rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "hooks")
    return git(folder, "rev-parse", "HEAD")


def make_project(folder: Path, source: Path, revision: str, rows: int) -> None:
    """Make a repository with clean data, a tunelint.toml and a pre-commit configuration."""
    train = [row(f"How does part {i} of machine {i * 7} work?", f"It turns {i * 13} times, then rests.") for i in range(rows)]
    held_out = [row(f"What holds wheel {i} in frame {i * 3}?", f"A bolt of size {i}.") for i in range(40)]
    (folder / "train.jsonl").write_text("\n".join(train) + "\n")
    (folder / "eval.jsonl").write_text("\n".join(held_out) + "\n")
    (folder / "tunelint.toml").write_text('train = ["train.jsonl"]\neval = ["eval.jsonl"]\n')
    (folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {source}\n  rev: {revision}\n  hooks:\n  - id: tunelint\n  - id: tunelint-dataset\n"
        "- repo: local\n  hooks:\n  - {id: nothing, name: nothing, entry: 'true', language: system}\n"
    )
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "data")


def pre_commit(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") and key != "PYTHONPATH"}
    command = [sys.executable, "-m", "pre_commit", *arguments]
    return subprocess.run(command, cwd=folder, env={**environment, "PRE_COMMIT_HOME": str(home)}, capture_output=True, text=True, check=False)


def timed(folder: Path, home: Path, hook: str) -> tuple[float, float]:
    """Wall and CPU seconds of one hook over all files; ends the program when the hook fails."""
    used, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = pre_commit(folder, home, "run", hook, "--all-files")
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode:
        sys.exit(f"{hook}: {ran.stdout}{ran.stderr}")
    return wall, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, project, home = (Path(folder, name) for name in ("source", "project", "home"))
        source.mkdir()
        project.mkdir()
        make_project(project, source, make_source(source), options.rows)
        start = time.perf_counter()
        built = pre_commit(project, home, "install-hooks")
        if built.returncode:
            sys.exit(built.stdout + built.stderr)
        print(f"environment built in {time.perf_counter() - start:.0f} s")
        times: dict[str, list[tuple[float, float]]] = {hook: [] for hook in HOOKS}
        for number in range(options.rounds + 1):
            for hook in HOOKS:
                one = timed(project, home, hook)
                if number:  # the first run of each compiles the rule pages
                    times[hook].append(one)
        for hook, found in times.items():
            wall, cpu = (median(one[index] for one in found) for index in (0, 1))
            print(f"{hook}: {wall:.2f} s (best {min(found)[0]:.2f}), CPU {cpu:.2f} s, {options.rows:,} rows")
        (project / "train.jsonl").write_text((project / "train.jsonl").read_text() + row("Why?", "") + "\n")
        codes = {hook: pre_commit(project, home, "run", hook, "--all-files").returncode for hook in HOOKS}
        print(f"exit codes with one faulty row: {codes}")
        return 0 if codes == {"nothing": 0, "tunelint": 1, "tunelint-dataset": 1} else 1


if __name__ == "__main__":
    sys.exit(main())
