"""Files in UTF-16 and UTF-32 are one finding each, with what to do; UTF-8 with stray NULs is not taken for them."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests_rows import chat
from tunelint import lint

CHATS = "".join(chat(f"What is {word}?", f"Что такое {word}? 😀 Долгий ответ.") + "\n" for word in ("дом", "лес", "море"))
PRETTY = json.dumps([json.loads(line) for line in CHATS.splitlines()], ensure_ascii=False, indent=2)
TABLE = "prompt;completion\nДом?;Лес.\n"
# A key and a text without a single ASCII character, longer than what is looked at: only the brackets and marks tell.
FOREIGN = json.dumps({"問題": "答" * 5000}, ensure_ascii=False)
TEXTS = {"train.jsonl": CHATS, "train.json": PRETTY, "train.csv": TABLE, "foreign.jsonl": FOREIGN, "blank.jsonl": f"\n\n{CHATS}"}
WIDE = ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE", "UTF-16", "UTF-32"]


def message(encoding: str) -> str:
    return f"File is {encoding}, not UTF-8; nothing in it was checked. Convert it: iconv -f {encoding} -t UTF-8."


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("name", TEXTS)
def test_one_finding_says_the_encoding_and_what_to_do(tunelint, name, encoding):
    Path(name).write_bytes(TEXTS[name].encode(encoding))
    ran = tunelint("lint", name, "--format", "json", "--ignore", "SIZE")
    assert ran.code == 1
    assert [(f["code"], f["line"], f["message"]) for f in ran.json["findings"]] == [("JSN003", 1, message(encoding))]
    assert ran.json["files"][0]["records"] == 0


@pytest.mark.parametrize("encoding", WIDE)
def test_what_it_says_to_do_helps(tunelint, encoding):
    if shutil.which("iconv") is None:
        pytest.skip("no iconv here")
    Path("old").write_bytes(CHATS.encode(encoding))
    with open("train.jsonl", "wb") as stream:
        subprocess.run(["iconv", "-f", encoding, "-t", "UTF-8", "old"], stdout=stream, check=True)
    assert Path("train.jsonl").read_text(encoding="utf-8") == CHATS
    assert tunelint("lint", "train.jsonl", "--select", "JSN").code == 0


def test_also_in_an_archive_and_on_standard_input(tunelint):
    data = CHATS.encode("utf-16-le")
    Path("train.jsonl.gz").write_bytes(gzip.compress(data))
    assert message("UTF-16LE") in tunelint("lint", "train.jsonl.gz").out
    assert message("UTF-16LE") in tunelint("lint", "-", stdin=data).out


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16LE"])
def test_fix_and_clean_leave_the_bytes_and_convert_says_so(tunelint, encoding):
    path, data = Path("train.jsonl"), CHATS.encode(encoding)
    path.write_bytes(data)
    assert tunelint("lint", "train.jsonl", "--fix").code == 1
    assert path.read_bytes() == data
    assert tunelint("clean", "train.jsonl").code == 1
    assert Path("cleaned/train.jsonl").read_bytes() == data
    assert f"not read, so not in the output: train.jsonl: {message(encoding)}" in tunelint("convert", "train.jsonl", "--to", "sharegpt").err


def findings(folder: Path, data: bytes) -> list[str]:
    path = folder / "train.jsonl"
    path.write_bytes(data)
    return [f.message for f in lint(str(path), select=("JSN",), scope="record", jobs=1).findings]


def with_nuls(places: list[int]) -> bytes:
    data = bytearray(CHATS.encode())
    for place in places:
        data.insert(place, 0)
    return bytes(data)


@given(st.one_of(st.lists(st.integers(0, 40), max_size=2), st.lists(st.integers(4, 400), max_size=30)))
@settings(max_examples=150, deadline=None)
def test_stray_nuls_in_utf8_are_faults_of_their_lines(tmp_path_factory, places):
    """Two NULs anywhere, or any number of them after the first bytes."""
    found = findings(tmp_path_factory.mktemp("nuls"), with_nuls(places))
    assert not any(text.startswith("File is") for text in found)
    assert len(found) <= len(CHATS.splitlines())
    assert bool(found) == bool(places)


@given(st.integers(1, 200))
@settings(max_examples=20, deadline=None)
def test_nuls_before_the_text_are_a_fault_of_its_first_line(tmp_path_factory, count):
    assert len(findings(tmp_path_factory.mktemp("nuls"), b"\0" * count + CHATS.encode())) == 1


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(WIDE), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_object_is_known_in_any_encoding(tmp_path_factory, key, value, encoding, escape):
    text = json.dumps({key: value.encode("utf-8", "replace").decode()}, ensure_ascii=escape)
    data = text.encode(encoding, "replace")
    assert findings(tmp_path_factory.mktemp("wide"), data) == [message(encoding)]
