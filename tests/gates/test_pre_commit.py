"""Both hooks in the real pre-commit, which builds an environment of its own from this checkout (minutes)."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests_rows import chat

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (ROOT / ".pre-commit-hooks.yaml").is_file(), reason="needs the checkout")]
GOOD = "".join(chat(f"How does part {i} of machine {i * 7} work?", f"It turns {i * 13} times, then rests.") + "\n" for i in range(1000))
HELD_OUT = "".join(chat(f"What holds wheel {i} in frame {i * 3}?", f"A bolt of size {i}.") + "\n" for i in range(40))


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def hooks(tmp_path_factory) -> Path:
    """A repository with what the hooks are installed from."""
    folder = tmp_path_factory.mktemp("hooks")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("src", "rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "hooks")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    return tmp_path_factory.mktemp("pre-commit")


def pre_commit(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {"PRE_COMMIT_HOME": str(home)}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def project(folder: Path, **files: str) -> Path:
    git(folder, "init", "-q")
    for name, text in {"train.jsonl": GOOD, "eval.jsonl": HELD_OUT, "data.json": "{broken", **files}.items():
        (folder / name).write_text(text)
    (folder / "more.jsonl.gz").write_bytes(gzip.compress(chat("A packed question?", "A packed answer.").encode()))
    (folder / "tunelint.toml").write_text('train = ["train.jsonl"]\neval = ["eval.jsonl"]\n')
    git(folder, "add", ".")
    return folder


def test_the_manifest_is_valid(hooks, home):
    assert pre_commit(hooks, home, "validate-manifest", ".pre-commit-hooks.yaml").returncode == 0
    names = {hook["id"]: hook for hook in yaml.safe_load((hooks / ".pre-commit-hooks.yaml").read_text())}
    assert set(names) == {"tunelint", "tunelint-dataset"}
    assert names["tunelint-dataset"]["pass_filenames"] is False


def test_try_repo_on_good_data(hooks, home, tmp_path):
    ran = pre_commit(project(tmp_path), home, "try-repo", str(hooks), "--all-files", "--verbose")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("Passed") == 2


def test_try_repo_on_bad_data(hooks, home, tmp_path):
    leak = HELD_OUT.splitlines()[3]
    folder = project(tmp_path, **{"train.jsonl": GOOD + leak + "\n{broken\n"})
    ran = pre_commit(folder, home, "try-repo", str(hooks), "--all-files", "--verbose")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    records, dataset = ran.stdout.split("hook id: tunelint-dataset")
    assert "train.jsonl:1002  JSN001 invalid-json  error" in records
    assert "exact-leak" not in records
    assert "data.json" not in records
    assert "more.jsonl.gz" in records
    assert "LEAK001 exact-leak  error" in dataset
    assert "Traceback" not in ran.stdout


def test_good_data_pointers_and_the_environment_built_once(hooks, home, tmp_path):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    folder = project(tmp_path, **{"big.jsonl": pointer})
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=hooks, capture_output=True, text=True, check=True).stdout.strip()
    config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": "tunelint"}, {"id": "tunelint-dataset"}]}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(folder, "add", ".")
    ran = pre_commit(folder, home, "run", "--all-files", "--verbose")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("Passed") == 2
    assert "lfs-pointer" in ran.stdout
    (folder / "train.jsonl").write_text(GOOD.replace('"It turns 13 times, then rests."', '""'))
    git(folder, "add", ".")
    again = pre_commit(folder, home, "run", "--files", "train.jsonl")
    assert again.returncode == 1
    assert "empty-content" in again.stdout
