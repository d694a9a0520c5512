"""Marks inside records: what they accept, what they do not, and that they are no part of the data."""

from __future__ import annotations

import json
from pathlib import Path

from tests_rows import chat
from tunelint.marks import strip_mark

ROWS = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(12)]


def lint(tunelint, *arguments: str):
    return tunelint("lint", "train.jsonl", "--format", "json", *arguments)


def test_a_mark_accepts_its_own_record_by_name_code_or_prefix(tunelint, tmp_path):
    Path("tunelint.toml").write_text('in-record-key = "tunelint"\nignore = ["SIZE"]\n')
    empty = [chat("One?", "", tunelint=["TURN004"]), chat("Two?", "", tunelint=["empty-content", "DUP"]), chat("Three?", "", tunelint=["TURN"])]
    Path("train.jsonl").write_text("\n".join([*ROWS, *empty, chat("Four?", "")]) + "\n")
    report = lint(tunelint).json
    assert [(f["name"], f["line"]) for f in report["findings"]] == [("empty-content", 16)]
    assert report["summary"]["suppressed"] == 3
    assert lint(tunelint, "--isolated", "--select", "TURN004").json["summary"]["by_rule"] == {"empty-content": 4}


def test_a_mark_makes_no_record_another_and_its_key_is_no_stray(tunelint, tmp_path):
    Path("tunelint.toml").write_text('in-record-key = "tunelint"\nignore = ["SIZE"]\n')
    Path("train.jsonl").write_text("\n".join([*ROWS, chat("Question number 3, about topic 21?", "Answer 39.", tunelint=["TEXT"])]) + "\n")
    assert lint(tunelint).json["summary"]["by_rule"] == {"exact-duplicate": 1}
    Path("train.jsonl").write_text("\n".join([*ROWS, chat("Question number 3, about topic 21?", "Answer 39.", tunelint=["DUP001"])]) + "\n")
    assert lint(tunelint).json["summary"]["by_rule"] == {}


def test_a_dotted_key_and_clean_keeps_what_is_marked(tunelint, tmp_path):
    Path("tunelint.toml").write_text('in-record-key = "metadata.lint"\nignore = ["SIZE"]\n')
    marked = chat("One?", "", metadata={"lint": ["empty-content"], "id": 7})
    Path("train.jsonl").write_text("\n".join([*ROWS, "", "{broken", marked, chat("Two?", "")]) + "\n")
    tunelint("clean", "train.jsonl")
    assert Path("cleaned/train.jsonl").read_text().splitlines() == [*ROWS, marked]


def test_an_unknown_rule_in_a_mark_is_reported_once_a_file(tunelint, tmp_path):
    Path("tunelint.toml").write_text('in-record-key = "tunelint"\nignore = ["SIZE"]\n')
    marked = [chat(f"Number {i}?", f"It is {i}.", tunelint=["exact-duplicat"]) for i in range(3)]
    Path("train.jsonl").write_text("\n".join([*ROWS, *marked]) + "\n")
    [finding] = lint(tunelint).json["findings"]
    assert (finding["code"], finding["line"], finding["count"]) == ("CFG001", 13, 3)
    assert "did you mean 'exact-duplicate'" in finding["message"]


def test_strip_mark_takes_out_the_mark_and_nothing_else():
    for key, value, stripped in (
        ("tunelint", {"a": 1, "tunelint": ["X"], "b": 2}, {"a": 1, "b": 2}),
        ("metadata.lint", {"metadata": {"lint": "X", "id": 1}, "a": 1}, {"metadata": {"id": 1}, "a": 1}),
        ("metadata.lint", {"metadata": {"lint": "X"}, "a": 1}, {"a": 1}),
        ("tunelint", {"tunelint": 5, "a": 1}, {"tunelint": 5, "a": 1}),
        ("x.y.z", {"x": {"y": 1}}, {"x": {"y": 1}}),
    ):
        before = json.dumps(value)
        assert json.dumps(strip_mark(value, key)) == json.dumps(stripped)
        assert json.dumps(value) == before
