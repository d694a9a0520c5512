"""lint --fix, --diff, and clean's choices: what is changed, what is kept aside, what is only shown."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests_rows import chat

KEY = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
ODD = '{"messages":[ {"content" :"caf\\u00e9","role":"user"},{"role":"assistant","content":"ok"} ] }'


def rows(number: int) -> list[str]:
    return [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(number)]


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    text = "\n".join([*rows(12), "", ODD, '{"text": "a", "n": NaN}', "{broken", rows(3)[2]]) + "\n"
    whole = b"\xef\xbb\xbf" + text.encode()
    (tmp_path / "train.jsonl").write_bytes(whole)
    return whole


def undo_of(err: str) -> Path:
    return Path(re.search(r"previous bytes: ([^)]+)\)", err)[1])  # type: ignore[index]


def test_fix_mends_in_place_loses_nothing_and_keeps_the_previous_bytes(tunelint, tmp_path, data):
    os.chmod("train.jsonl", 0o640)
    os.rename("train.jsonl", "real.jsonl")
    os.symlink("real.jsonl", "train.jsonl")
    ran = tunelint("lint", "train.jsonl", "--fix", "--format", "concise")
    now = Path("real.jsonl").read_bytes()
    assert now == data[3:].replace(b"\n\n", b"\n")
    assert "fixed train.jsonl: blank-line, byte-order-mark (previous bytes: .tunelint_cache/undo/" in ran.err
    assert undo_of(ran.err).read_bytes() == data
    assert Path(".tunelint_cache/.gitignore").read_text() == "*\n"
    assert Path("train.jsonl").is_symlink()
    assert os.stat("real.jsonl").st_mode & 0o777 == 0o640
    assert ran.code == 1  # what cannot be mended is still there, and only that is reported
    assert "invalid-json" in ran.out
    assert "blank-line" not in ran.out
    again = tunelint("lint", "train.jsonl", "--fix")
    assert "nothing to fix" in again.err
    assert Path("real.jsonl").read_bytes() == now
    assert len(list(Path(".tunelint_cache/undo").iterdir())) == 1


def test_unsafe_fixes_drop_what_the_findings_offer_and_nothing_more(tunelint, tmp_path, data):
    ran = tunelint("lint", "train.jsonl", "--fix", "--unsafe-fixes", "--format", "concise")
    lines = Path("train.jsonl").read_text().splitlines()
    assert rows(3)[2] in lines
    assert lines.count(rows(3)[2]) == 1
    assert "{broken" in lines
    assert ODD in lines
    assert "1 removed" in ran.err
    assert tunelint("lint", "train.jsonl", "--unsafe-fixes").code == 2


def test_diff_shows_and_writes_nothing(tunelint, tmp_path, data):
    Path("train.jsonl").write_bytes(data + chat(f"My key is {KEY}, really", "x" * 5000 + "\x07" + "y" * 5000).encode() + b"\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "cache" not in path.parts}
    ran = tunelint("lint", "train.jsonl", "--diff")
    assert ran.code == 1
    assert ran.out.splitlines()[:2] == ["--- train.jsonl", "+++ train.jsonl (1 edited)"]
    assert "@@ file @@ blank lines are left out" in ran.out
    assert "-…" + "x" * 40 + "\\u0007" + "y" * 40 + "…" in ran.out or "-…" + "x" * 35 in ran.out
    assert KEY[12:] not in ran.out
    full = tunelint("clean", "train.jsonl", "--diff")
    assert "@@ line 16 @@ invalid-json: Line is not JSON" in full.out
    assert "-{broken" in full.out
    assert "@@ line 17 @@ exact-duplicate: Record is a copy of train.jsonl:3." in full.out
    assert max(map(len, full.out.splitlines())) < 400
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "cache" not in path.parts} == before
    Path("train.jsonl").write_text("\n".join(rows(12)) + "\n")
    clean = tunelint("lint", "train.jsonl", "--diff")
    assert (clean.code, clean.out) == (0, "")


def test_nothing_accepted_is_fixed_also_in_later_passes(tunelint, tmp_path):
    Path("eval").mkdir()
    Path("eval/a.jsonl").write_text("\n".join([*rows(12), rows(1)[0], "{broken"]) + "\n")
    Path("train.jsonl").write_text("\n".join([chat("x", "y"), "", "{broken"]) + "\n")
    Path("tunelint.toml").write_text('[per-file-ignores]\n"eval/*.jsonl" = ["DUP", "JSN"]\n')
    before = Path("eval/a.jsonl").read_bytes()
    tunelint("clean", "eval", "train.jsonl")
    assert Path("cleaned/a.jsonl").read_bytes() == before
    assert Path("cleaned/train.jsonl").read_text() == chat("x", "y") + "\n"
    removed = [json.loads(line) for line in Path("cleaned/removed.jsonl").read_text().splitlines()]
    assert [(entry["path"], entry["line"]) for entry in removed] == [("train.jsonl", 3)]


def test_standard_input_and_changed_files_are_refused(tunelint, data, monkeypatch):
    assert "standard input" in tunelint("lint", "-", "--fix", stdin=b"{}\n").err
    from tunelint.fixes import inplace

    monkeypatch.setattr(inplace, "digest_of", lambda path: "other")
    ran = tunelint("lint", "train.jsonl", "--fix")
    assert (ran.code, "has changed while it was checked" in ran.err) == (2, True)
    assert Path("train.jsonl").read_bytes() == data


def test_edits_reach_the_rows_of_tables(tunelint, tmp_path):
    Path("a.csv").write_bytes(f'completion;prompt\r\n"fine; ""really""";My key is {KEY}\r\nx;"two\r\nlines"\r\n'.encode())
    tunelint("clean", "a.csv", "--unsafe-fixes", "--fail-on", "never")
    assert Path("cleaned/a.csv").read_bytes() == b'completion;prompt\r\n"fine; ""really""";My key is [OPENAI_KEY]\r\nx;"two\r\nlines"\r\n'
    assert json.loads(Path("cleaned/manifest.json").read_text())["mended"] == 1
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    messages = [json.loads(chat(*pair))["messages"] for pair in ((f"My key is {KEY}", "a"), ("b", "c"))]
    parquet.write_table(arrow.table({"messages": messages, "blob": [b"\x00\xff", b"\x01"]}), "t.parquet")
    tunelint("clean", "t.parquet", "--unsafe-fixes", "--fail-on", "never", "-o", "out")
    table = parquet.read_table("out/t.parquet")
    assert table.schema == parquet.read_table("t.parquet").schema
    assert table.to_pylist()[0] == {"messages": [{"role": "user", "content": "My key is [OPENAI_KEY]"}, messages[0][1]], "blob": b"\x00\xff"}
    assert table.to_pylist()[1] == {"messages": messages[1], "blob": b"\x01"}


def test_a_csv_file_that_is_not_utf8_keeps_its_rows_whole(tunelint, tmp_path):
    data = 'prompt,completion\n"é",a1\nq2,\n"übergröße, groß",a3\n'.encode("latin-1")
    Path("t.csv").write_bytes(data)
    tunelint("clean", "t.csv", "--fail-on", "never")
    assert Path("cleaned/t.csv").read_bytes() in (data.replace(b"q2,\n", b""), b"prompt,completion\n")


def test_interactive_asks_per_kind_and_ends_with_the_same_command(tunelint, tmp_path, data):
    Path("train.jsonl").write_bytes(data + chat(f"My key is {KEY}, really", "a").encode() + b"\n")
    answers = {"blank-line": "y", "byte-order-mark": "n", "invalid-json": "y", "exact-duplicate": "n", "secret": "y", "non-finite-number": "y"}
    refused = tunelint("clean", "train.jsonl", "--interactive", stdin=b"n\n" * 20)
    assert refused.code == 1  # the faults are still there
    kinds = re.findall(r"\[\d/\d\] [A-Z]+\d+ ([a-z0-9-]+): ", refused.out)
    assert {"blank-line", "byte-order-mark", "invalid-json", "exact-duplicate", "secret"} <= set(kinds)
    assert Path("cleaned/train.jsonl").read_bytes() == Path("train.jsonl").read_bytes()
    replies = "".join(answers.get(kind, "n") + "\n" for kind in kinds)
    ran = tunelint("clean", "train.jsonl", "--interactive", "-o", "two", stdin=replies.encode())
    assert ran.code == 0  # declined were warnings only
    text = Path("two/train.jsonl").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert b"\n\n" not in text
    assert b"broken" not in text
    assert b"[OPENAI_KEY]" in text
    assert text.count(rows(3)[2].encode()) == 2
    command = re.search(r"^the same without questions: tunelint (.*)$", ran.out, re.M)[1]  # type: ignore[index]
    assert "next: tunelint train two" in ran.out
    Path("two").rename("asked")
    tunelint(*command.split())
    assert Path("two/train.jsonl").read_bytes() == text
    assert tunelint("clean", "train.jsonl", "--interactive", "--unsafe-fixes").code == 2
    stopped = tunelint("clean", "train.jsonl", "--interactive", "-o", "three", stdin=b"")
    assert (stopped.code, Path("three").exists()) == (130, False)
