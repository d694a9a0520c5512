"""What cannot be read is never left out without a word: the commands that write copies name it, --fix leaves the file alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests_rows import chat

ROWS = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}, which is longer than the question.") for i in range(400)]


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    """An archive of which the second half is missing: its last line is broken, and the rest is gone."""
    packed = gzip.compress("\n".join(ROWS).encode() + b"\n", 1)
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    return path


def test_clean_says_what_it_could_not_read(tunelint, cut_off):
    ran = tunelint("clean", cut_off.name)
    assert ran.code == 1
    assert "not read, so not in the output: train.jsonl.gz: File breaks off: the gzip stream has no end." in ran.err
    assert tunelint("clean", cut_off.name, "-o", "again", "--fail-on", "never").code == 0
    copied = tunelint("clean", cut_off.name, "-o", "copied", "--safe-only")
    assert copied.code == 1
    assert "not in the output" not in copied.err  # nothing to mend: the bytes are copied, and are as bad as they were
    assert Path("copied/train.jsonl.gz").read_bytes() == cut_off.read_bytes()


def test_fix_leaves_a_file_alone_that_it_cannot_read_to_its_end(tunelint, tmp_path):
    packed = gzip.compress(("\n".join([ROWS[0], "", *ROWS[1:]]) + "\n").encode(), 1)
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    before = path.read_bytes()
    ran = tunelint("lint", "train.jsonl.gz", "--fix")
    assert ran.code == 2
    assert "train.jsonl.gz is left as it is, as --fix would drop what could not be read: File breaks off" in ran.err
    assert path.read_bytes() == before


def test_convert_and_split_say_it_too(tunelint, tmp_path, cut_off):
    (tmp_path / "more.jsonl").write_bytes("\n".join(ROWS).encode("utf-16"))
    ran = tunelint("convert", cut_off.name, "more.jsonl", "--to", "sharegpt")
    assert "train.jsonl.gz: File breaks off" in ran.err
    assert "more.jsonl: File is UTF-16" in ran.err
    refused = tunelint("convert", "more.jsonl", "--to", "sharegpt", "--lossless", "-o", "elsewhere")
    assert refused.code == 1
    assert not Path("elsewhere").exists()
    ran = tunelint("split", cut_off.name, "more.jsonl", "-o", "split")
    assert "train.jsonl.gz: File breaks off" in ran.err
    assert "more.jsonl: File is UTF-16" in ran.err
