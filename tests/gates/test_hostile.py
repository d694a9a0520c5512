"""Files that attack their reader, and files that are not there yet."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from tests_rows import chat
from tunelint.records import sources


def packed(kind: str, data: bytes) -> bytes:
    """One member (gzip), stream (bzip2, xz) or frame (zstandard); one file may hold many of them."""
    if kind == "zst":
        return zstandard.ZstdCompressor(level=3).compress(data)
    return {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[kind](data)


def pack(path: Path, head: bytes, unit: bytes, times: int) -> None:
    """Write an archive of one unit many times over, as its name says."""
    kind = path.suffix[1:]
    one = packed(kind, unit)
    with path.open("wb") as file:
        file.write(packed(kind, head))
        for _ in range(times):
            file.write(one)


BOMBS = {
    "line.jsonl": (b'{"text": "', b"a" * (1 << 20)),
    "rows.jsonl": (b"", b'{"text": "a"}\n' * (1 << 16)),
    "list.json": (b"[", b'{"text": "a"},' * (1 << 16)),
    "table.csv": (b"prompt,completion\n", b"q,a\n" * (1 << 17)),
    "deep.jsonl": (b"", b"[" * (1 << 20)),
}


@pytest.mark.parametrize("name", [*(f"{name}.gz" for name in BOMBS), "line.jsonl.bz2", "line.jsonl.xz", "line.jsonl.zst", "rows.jsonl.zst"])
def test_a_bomb_is_read_only_so_far(tunelint, tmp_path, monkeypatch, name):
    monkeypatch.setattr(sources, "MOST_UNPACKED", 1 << 20)
    head, unit = BOMBS[name.rpartition(".")[0]]
    pack(tmp_path / name, head, unit, 32)
    ran = tunelint("lint", name, "--select", "JSN", "--format", "json")
    assert ran.code == 1, ran.err
    [bomb] = [finding for finding in ran.json["findings"] if finding["name"] == "unreadable-compression"]
    assert bomb["message"].startswith("File unpacks to more than 50 times its size; it was read up to ")
    [file] = ran.json["files"]
    assert file["bytes"] == (tmp_path / name).stat().st_size
    assert file["records"] < 32 * unit.count(b"\n") or unit.count(b"\n") < 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_a_bomb_of_gigabytes_takes_megabytes(tmp_path, kind):
    pack(tmp_path / f"train.jsonl.{kind}", b'{"text": "', b"a" * (64 << 20), 100)
    # Not ru_maxrss, which begins with what the process that started this one takes up.
    script = (
        "import resource, sys; from tunelint.cli.main import main; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30));"
        "code = main(sys.argv[1:]); print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], code)"
    )
    arguments = ["lint", f"train.jsonl.{kind}", "--scope", "record", "-q"]
    ran = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
    kilobytes, code = ran.stdout.splitlines()[-1].split()
    assert code == "1", ran.stderr
    assert "unreadable-compression" in ran.stdout
    assert int(kilobytes) < 1_000_000


def test_ordinary_repetitive_archives_are_read_whole(tunelint, tmp_path):
    rows = "".join(chat(f"Question {i % 7}?", "The same long answer as ever, word for word. " * 20) + "\n" for i in range(3_000))
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    assert tunelint("lint", "train.jsonl.gz", "--format", "json", "--select", "JSN").json["summary"]["by_rule"] == {}


def test_names_and_fields_of_any_kind_reach_no_terminal_raw(tunelint, tmp_path):
    name = "tr\x1b[31main\u202e.jsonl"
    (tmp_path / name).write_text(json.dumps({"messages": [{"ro\x1ble": "user", "\u202e": 1}]}) + "\n{broken\n")
    for form in ("full", "concise", "json", "sarif", "junit", "github", "gitlab", "rdjson", "markdown", "html"):
        ran = tunelint("lint", name, "--format", form)
        assert ran.code == 1
        assert not set("\x1b\u202e") & set(ran.out + ran.err), form


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_members_larger_than_a_block_follow_one_another(kind, tmp_path):
    """With zeros behind them, as tape tools leave; each member ends in the middle of what is read at a time."""
    rows = [("".join(chat(f"Question {n}-{i}?", "The same answer. " * 30) + "\n" for i in range(9_000))).encode() for n in range(3)]
    (tmp_path / f"train.jsonl.{kind}").write_bytes(b"".join(packed(kind, part) for part in rows) + b"\0" * 100_000)
    source = sources.Source(str(tmp_path / f"train.jsonl.{kind}"))
    assert hashlib.sha256(b"".join(source.blocks())).digest() == hashlib.sha256(b"".join(rows)).digest()
    assert source.fault is None


def test_data_that_dvc_or_lfs_has(tunelint, tmp_path):
    pointer = "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 12\n  hash: md5\n  path: train.jsonl\n"
    (tmp_path / "train.jsonl.dvc").write_text(pointer)
    for arguments in (["train.jsonl"], ["tr*.jsonl"], ["--train", "train.jsonl"]):
        ran = tunelint("lint", *arguments)
        assert (ran.code, "dvc pull" in ran.err) == (2, True), ran.err
    ran = tunelint("lint", "train.jsonl.dvc", "--format", "json", "--ignore", "SIZE")
    assert [finding["name"] for finding in ran.json["findings"]] == ["lfs-pointer"]
    (tmp_path / "eval.jsonl").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n")
    ran = tunelint("lint", "eval.jsonl", "--format", "json", "--ignore", "SIZE")
    assert (ran.code, [finding["name"] for finding in ran.json["findings"]]) == (0, ["lfs-pointer"])
    assert tunelint("clean", "eval.jsonl").code in (0, 1)
    assert (tmp_path / "cleaned/eval.jsonl").read_bytes() == (tmp_path / "eval.jsonl").read_bytes()
