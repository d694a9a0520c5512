"""A column that stands twice in a table: only one of its values is read, and nothing of the other is lost without a word."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint import lint

KEY = "sk-proj-" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9dE1fG3hI5jK7lM9nO1pQ3"
HEADER = "prompt,completion,completion\n"
TWICE = 'Column "completion" stands more than once; only the last is read.'
ROWS = "".join(f"Why is number {i} so large?,short {i},The number {i} is not large at all.\n" for i in range(30))


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text(HEADER + ROWS)
    return path


def write_parquet(path: str, *columns: tuple[str, list[object]]) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_arrays([arrow.array(cells) for _, cells in columns], names=[name for name, _ in columns]), path)


def found(ran):
    return [(f["code"], f["name"], f["line"], f["message"]) for f in ran.json["findings"] if f["code"].startswith("JSN")]


def test_lint_says_it_once_for_the_file(tunelint, twice):
    ran = tunelint("lint", "train.csv", "--format", "json")
    assert ran.code == 1
    assert found(ran) == [("JSN002", "duplicate-key", 1, TWICE)]
    assert ran.json["files"][0]["records"] == 30
    twice.write_text("\n" + (HEADER + ROWS).replace(",", ";"))
    assert found(tunelint("lint", "train.csv", "--format", "json")) == [("JSN002", "duplicate-key", 2, TWICE)]


def test_a_row_before_the_first_value_that_is_lost_does_not_hide_it(tunelint, tmp_path):
    (tmp_path / "train.csv").write_text(f"note,{HEADER}a,q1,,a1\nb,q2,,a2\nc,q3,lost,a3\n")
    assert found(tunelint("lint", "train.csv", "--format", "json", "--select", "JSN")) == [("JSN002", "duplicate-key", 1, TWICE)]


def test_parquet_files_too(tunelint, tmp_path):
    write_parquet("train.parquet", ("prompt", ["q1", "q2"]), ("completion", ["lost", "gone"]), ("completion", ["a1", "a2"]))
    ran = tunelint("lint", "train.parquet", "--format", "json", "--select", "JSN")
    assert (ran.code, found(ran)) == (1, [("JSN002", "duplicate-key", None, TWICE)])


def test_a_parquet_file_whose_messages_have_a_field_twice_is_a_finding(tunelint, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    message = arrow.StructArray.from_arrays([arrow.array(["user"]), arrow.array(["q"]), arrow.array(["a"])], names=["role", "content", "content"])
    write_parquet("train.parquet", ("id", [1]), ("messages", arrow.ListArray.from_arrays([0, 1], message)))
    ran = tunelint("lint", "train.parquet", "--format", "json", "--select", "JSN")
    message = 'Field "content" stands more than once in the column "messages"; the file was not read.'
    assert (ran.code, found(ran)) == (1, [("JSN002", "duplicate-key", None, message)])
    assert message in tunelint("convert", "train.parquet", "--to", "sharegpt", "-o", "out").err


def test_clean_keeps_both_columns_also_where_it_mends_a_row(tunelint, tmp_path, twice):
    rows = f"Tell me the key.,first,The key is {KEY}\nIs this empty?,kept nowhere,\n"
    twice.write_text(HEADER + ROWS + rows)
    ran = tunelint("clean", "train.csv", "--unsafe-fixes")
    assert ran.code == 1
    assert "left: 1 error" in ran.err
    cleaned = (tmp_path / "cleaned/train.csv").read_text()
    assert cleaned == HEADER + ROWS + "Tell me the key.,first,The key is [OPENAI_KEY]\n"


def test_clean_keeps_both_columns_of_a_parquet_file(tunelint, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet("train.parquet", ("prompt", ["one", "two"]), ("completion", ["first", "other"]), ("completion", [f"It is {KEY}", "plain"]))
    assert tunelint("clean", "train.parquet", "--unsafe-fixes").code == 1
    table = parquet.ParquetFile("cleaned/train.parquet").read()
    assert [column.to_pylist() for column in table.columns] == [["one", "two"], ["first", "other"], ["It is [OPENAI_KEY]", "plain"]]


def test_fix_leaves_the_file_alone(tunelint, twice):
    twice.write_bytes(b"\xef\xbb\xbf" + twice.read_bytes())
    before = twice.read_bytes()
    ran = tunelint("lint", "train.csv", "--fix")
    assert ran.code == 2
    assert f"train.csv is left as it is, as --fix would drop what could not be read: {TWICE[:-1]}" in ran.err
    assert twice.read_bytes() == before


def test_convert_and_split_say_what_is_lost(tunelint, twice):
    assert f"not read, so not in the output: train.csv: {TWICE}" in tunelint("convert", "train.csv", "--to", "sharegpt").err
    refused = tunelint("convert", "train.csv", "--to", "sharegpt", "--lossless", "-o", "elsewhere")
    assert (refused.code, Path("elsewhere").exists()) == (1, False)
    assert f"train.csv: {TWICE}" in tunelint("split", "train.csv", "-o", "split").err


def test_training_without_lint_says_it_too(tunelint, twice):
    assert tunelint("train", "train.csv", "--dry-run").code == 1
    request = ("--backend", "openai", "--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--dry-run")
    ran = tunelint("train", "train.csv", "--no-lint", "--no-split", *request)
    assert ran.code == 0, ran.err
    assert f"not read, so not trained on: train.csv: {TWICE}" in ran.err


def test_convert_says_that_a_key_is_lost_where_the_format_stays(tunelint, tmp_path):
    row = '{"prompt": "q", "completion": "first", "completion": "last", "extra": 1}\n'
    (tmp_path / "train.jsonl").write_text(row)
    ran = tunelint("convert", "train.jsonl", "--to", "prompt-completion", "--drop-extra")
    assert json.loads(Path("converted/train.jsonl").read_text()) == {"prompt": "q", "completion": "last"}
    assert "lost in 1 record: all but the last value of a key that is there twice" in ran.err
    assert "lost" not in tunelint("convert", "train.jsonl", "--to", "prompt-completion", "-o", "again").err
    assert Path("again/train.jsonl").read_text() == row


def test_mending_a_row_below_a_blank_first_line_keeps_its_cells(tunelint, tmp_path):
    (tmp_path / "train.csv").write_text(f"\nprompt,completion\nq1,My key is {KEY}\n")
    tunelint("clean", "train.csv", "--unsafe-fixes", "--fail-on", "never")
    assert (tmp_path / "cleaned/train.csv").read_text() == "\nprompt,completion\nq1,My key is [OPENAI_KEY]\n"


@given(st.lists(st.sampled_from(["a", "b", "", "a "]), min_size=1, max_size=5), st.data())
@settings(max_examples=60, deadline=None)
def test_a_finding_for_each_column_that_loses_a_value_and_for_no_other(tmp_path_factory, names, data):
    row = st.lists(st.sampled_from(["x", "", "y z"]), min_size=len(names), max_size=len(names))
    rows = [cells for cells in data.draw(st.lists(row, min_size=1, max_size=4)) if any(cells)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([[*names, "end"], *([*cells, "."] for cells in rows)])
    path = tmp_path_factory.mktemp("table") / "train.csv"
    path.write_text(text.getvalue())
    messages = [f.message for f in lint(str(path), select=("JSN002",), jobs=1).findings]
    lost = {name for cells in rows for place, name in enumerate(names) if cells[place] and name in names[place + 1 :]}
    assert sorted(messages) == sorted(f"Column {json.dumps(name)} stands more than once; only the last is read." for name in lost)
