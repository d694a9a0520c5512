"""--new-from REV: what a git change touched, told by records and not by lines."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from tests_rows import chat

ROWS = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(12)]


@pytest.fixture
def repository(tunelint, tmp_path):
    Path("data").mkdir()
    Path("data/train.jsonl").write_text("\n".join([*ROWS, "{old", chat("Old?", ""), ROWS[2]]) + "\n")
    Path("data/packed.jsonl.gz").write_bytes(gzip.compress(("\n".join([*ROWS, chat("Packed?", "")]) + "\n").encode()))
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one"]):
        subprocess.run(["git", *command], check=True)

    def found(*arguments: str) -> list[tuple[str, int]]:
        ran = tunelint("lint", "data", "--ignore", "SIZE,LEAK", "--format", "json", "--new-from", "HEAD", *arguments)
        return [(finding["name"], finding["line"]) for finding in ran.json["findings"]]

    return found


def test_nothing_is_new_in_an_unchanged_moved_or_reformatted_file(repository):
    assert repository() == []
    Path("data/train.jsonl").write_text("\n".join([chat("Old?", "").replace('": "', '":"'), *ROWS, "{old", ROWS[2]]) + "\n")
    assert repository() == []


def test_new_and_edited_rows_and_further_copies_are_new(repository):
    rows = [*ROWS, "{old", chat("Older?", ""), ROWS[2], "{new", ROWS[2]]
    Path("data/train.jsonl").write_text("\n".join(rows) + "\n")
    assert repository() == [("empty-content", 14), ("invalid-json", 16), ("exact-duplicate", 17)]


def test_an_old_row_is_new_when_its_partner_is(repository):
    Path("data/train.jsonl").write_text("\n".join([chat("Old?", ""), *ROWS, "{old", chat("Old?", ""), ROWS[2]]) + "\n")
    assert ("exact-duplicate", 15) in repository()


def test_compressed_and_new_files(repository):
    Path("data/packed.jsonl.gz").write_bytes(gzip.compress(("\n".join([*ROWS, chat("Packed?", ""), chat("Also?", "")]) + "\n").encode()))
    Path("data/other.jsonl").write_text(chat("Q?", "") + "\n\n")
    assert repository("--ignore", "DUP") == [("empty-content", 1), ("blank-line", 2), ("empty-content", 14)]


def test_without_git_history_it_is_exit_2(repository, tunelint, tmp_path, monkeypatch):
    ran = tunelint("lint", "data", "--new-from", "nonsense")
    assert (ran.code, "git does not know this revision" in ran.err) == (2, True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "t.jsonl").write_text(ROWS[0] + "\n")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(elsewhere)
    assert "is not in a git repository" in tunelint("lint", "t.jsonl", "--new-from", "HEAD").err


def test_fix_leaves_old_rows_alone(repository, tunelint):
    old = Path("data/train.jsonl").read_text()
    Path("data/train.jsonl").write_text(old + ROWS[2] + "\n" + ROWS[4] + "\n")
    tunelint("lint", "data/train.jsonl", "--new-from", "HEAD", "--fix", "--unsafe-fixes")
    assert Path("data/train.jsonl").read_text() == old
