"""`tunelint index build` and `lint --against`: new data against a train set, an index, a benchmark."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from tests_rows import chat

WORDS = [f"{stem}{ending}" for stem in ("mar", "tol", "bes", "quin", "dray", "fen", "lop", "gav") for ending in ("a", "ing", "ed", "ic", "or", "est")]


def sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(words))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """old.jsonl with 80 rows; new.jsonl: a copy, a near copy, a shared prompt, a near prompt, a question in a template, fresh rows."""
    draw = random.Random(3)
    old = [(sentence(draw, 20), sentence(draw, 30)) for _ in range(80)]
    (tmp_path / "old.jsonl").write_text("".join(chat(*row) + "\n" for row in old))
    new = [
        json.dumps({**json.loads(chat(*old[5])), "id": 9}),
        chat(old[11][0], old[11][1] + " more"),
        chat(old[23][0], sentence(draw, 30)),
        chat(old[42][0] + " please", sentence(draw, 30)),
        chat(sentence(draw, 40) + " " + old[60][0] + " " + sentence(draw, 40), sentence(draw, 30)),
        *(chat(sentence(draw, 20), sentence(draw, 30)) for _ in range(60)),
    ]
    (tmp_path / "new.jsonl").write_text("".join(line + "\n" for line in new))
    return tmp_path


def found(ran) -> list[tuple]:
    return [(item["line"], item["code"], item["related"][0]["path"], item["related"][0]["line"]) for item in ran.json["findings"]]


LEAKS = ("--select", "LEAK", "--format", "json")
EXPECTED = [(1, "LEAK001", "old.jsonl", 6), (2, "LEAK003", "old.jsonl", 12), (3, "LEAK002", "old.jsonl", 24), (4, "LEAK003", "old.jsonl", 43)]


def test_new_data_against_a_train_file_and_against_its_index(tunelint, data):
    by_file = tunelint("lint", "new.jsonl", "--against", "old.jsonl", *LEAKS)
    assert found(by_file) == EXPECTED
    assert by_file.code == 1  # an exact leak is an error
    assert "passages and rewordings only between splits of one run" in by_file.err
    built = tunelint("index", "build", "old.jsonl", "-o", "old.npz")
    assert built.code == 0
    assert "80 records" in built.out
    assert tunelint("lint", "new.jsonl", "--against", "old.npz", *LEAKS).json["findings"] == by_file.json["findings"]


def test_the_split_of_the_new_data_does_not_matter(tunelint, data):
    (data / "new.jsonl").rename(data / "new_test.jsonl")
    ran = tunelint("lint", "new_test.jsonl", "--against", "old.jsonl", *LEAKS)
    assert found(ran) == EXPECTED
    assert ran.json["leakage"]["leaked_records"] == 4


def test_train_records_in_an_old_set_are_no_leak_of_the_eval_split(tunelint, data):
    (data / "fresh_eval.jsonl").write_text(chat("What else is there?", "Nothing at all.") + "\n")
    ran = tunelint("lint", "new.jsonl", "fresh_eval.jsonl", "--against", "old.jsonl", *LEAKS)
    assert len(ran.json["findings"]) == 4
    assert ran.json["leakage"]["leaked_records"] == 0


def test_the_file_compared_with_is_not_linted(tunelint, data):
    assert [file["path"] for file in tunelint("lint", ".", "--against", "old.jsonl", *LEAKS).json["files"]] == ["new.jsonl"]


def test_a_benchmark_is_named_also_where_its_question_stands_inside(tunelint, data):
    assert tunelint("index", "build", "old.jsonl", "-o", "bench.npz", "--benchmark", "OldBench").code == 0
    ran = tunelint("lint", "new.jsonl", "--against", "bench.npz", "--fail-on", "warning", *LEAKS)
    assert ran.code == 1
    assert [(line, code, path) for line, code, path, _ in found(ran)] == [(line, "LEAK007", "bench.npz") for line in (1, 2, 3, 4, 5)]
    messages = [item["message"] for item in ran.json["findings"]]
    assert messages[0] == "Record stands in OldBench (old.jsonl:6)."
    assert messages[4] == "Record contains a question of OldBench (old.jsonl:61), 100% alike."
    assert ran.json["findings"][0]["related"][0]["record"] == tunelint_digest(data / "old.jsonl", 6)


def test_a_data_file_is_a_benchmark_by_its_name(tunelint, data):
    tunelint("index", "build", "old.jsonl", "-o", "bench.npz")
    by_file = tunelint("lint", "new.jsonl", "--against", "Old=old.jsonl", *LEAKS).json["findings"]
    by_index = tunelint("lint", "new.jsonl", "--against", "Old=bench.npz", *LEAKS).json["findings"]
    assert [item["message"] for item in by_file] == [item["message"] for item in by_index]
    assert {item["code"] for item in by_file} == {"LEAK007"}
    assert [file["path"] for file in tunelint("lint", ".", "--against", "Old=old.jsonl", *LEAKS).json["files"]] == ["new.jsonl"]


def tunelint_digest(path: Path, line: int) -> str:
    from tunelint.findings import record_digest

    return record_digest(json.loads(path.read_text().splitlines()[line - 1]))


def test_a_question_with_some_words_changed_is_still_contained(tunelint, data):
    words = json.loads((data / "old.jsonl").read_text().splitlines()[7])["messages"][0]["content"].split()
    words[2] = "other"  # 3 of 18 shingles are gone
    draw = random.Random(9)
    rows = [chat(sentence(draw, 50) + " " + " ".join(words), "Yes."), chat(sentence(draw, 50) + " " + " ".join(words[:9]), "Yes.")]
    (data / "one.jsonl").write_text("".join(row + "\n" for row in rows))
    tunelint("index", "build", "old.jsonl", "-o", "bench.npz", "--benchmark", "B")
    findings = tunelint("lint", "one.jsonl", "--against", "bench.npz", *LEAKS).json["findings"]
    assert [(item["line"], item["score"]) for item in findings] == [(1, pytest.approx(15 / 18, abs=1e-3))]


def test_any_number_of_processes_gives_the_same(tunelint, data):
    tunelint("index", "build", "old.jsonl", "-o", "bench.npz", "--benchmark", "B")
    one = tunelint("lint", "new.jsonl", "--against", "bench.npz", "--against", "old.jsonl", "--jobs", 1, *LEAKS).json
    two = tunelint("lint", "new.jsonl", "--against", "old.jsonl", "--against", "bench.npz", "--jobs", 2, *LEAKS).json
    assert one["findings"] == two["findings"]
    assert len(one["findings"]) == 9


def test_an_index_holds_no_text_and_is_the_same_twice(tunelint, data):
    tunelint("index", "build", "old.jsonl", "-o", "one.npz")
    tunelint("index", "build", "old.jsonl", "-o", "two.npz")
    saved = (data / "one.npz").read_bytes()
    assert saved == (data / "two.npz").read_bytes()
    assert any(word in (data / "old.jsonl").read_text() for word in WORDS)
    assert not [word for word in WORDS if len(word) > 4 and word.encode() in saved]


def test_an_index_that_cannot_be_used_is_refused(tunelint, data):
    tunelint("index", "build", "old.jsonl", "-o", "old.npz")
    assert "exists; give --overwrite" in tunelint("index", "build", "old.jsonl", "-o", "old.npz").err
    assert tunelint("index", "build", "old.jsonl", "-o", "old.npz", "--overwrite").code == 0
    ran = tunelint("index", "build", "old.jsonl", "-o", "new.jsonl", "--overwrite")
    assert (ran.code, "is no index" in ran.err) == (2, True)
    saved = (data / "old.npz").read_bytes()
    (data / "cut.npz").write_bytes(saved[: len(saved) // 2])
    with np.load(data / "old.npz") as arrays:
        columns = dict(arrays)
    np.savez(data / "short.npz", **{**columns, "prompt_column": columns["prompt_column"][:-1]})
    np.savez(data / "foreign.npz", a=np.arange(3))
    for name in ("cut.npz", "short.npz", "foreign.npz"):
        ran = tunelint("lint", "new.jsonl", "--against", name)
        assert (ran.code, "is no index of tunelint, or damaged" in ran.err) == (2, True), name
    about = json.loads(bytes(columns["tunelint"])) | {"version": 99}
    np.savez(data / "later.npz", **{**columns, "tunelint": np.frombuffer(json.dumps(about).encode(), np.uint8)})
    assert "version 99" in tunelint("lint", "new.jsonl", "--against", "later.npz").err
    assert "no such file" in tunelint("lint", "new.jsonl", "--against", "nowhere.npz").err
    (data / "tunelint.toml").write_text('ignore-fields = ["tag"]\n')
    assert "ignore-fields" in tunelint("lint", "new.jsonl", "--against", "old.npz").err


def test_gsm8k_stands_in_its_own_variants(tunelint, corpora):
    tunelint("index", "build", corpora / "gsm8k/test.jsonl", "-o", "gsm8k.npz", "--benchmark", "GSM8K")
    report = tunelint("lint", corpora / "gsm8k/test_socratic.jsonl", "--against", "gsm8k.npz", "--select", "LEAK007", "--format", "json").json
    assert report["summary"]["by_rule"] == {"benchmark-contamination": 1319}
    report = tunelint("lint", corpora / "gsm8k/train.jsonl", "--against", "gsm8k.npz", "--select", "LEAK007", "--format", "json").json
    assert sum(report["summary"]["by_rule"].values()) <= 3
