"""The reader survives every byte, names each fault at its line, and goes on."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunelint import lint
from tunelint.records import read_records
from tunelint.records.locate import _find_by_walk, escape, find, resolve, walk
from tunelint.records.parse import parse_line

ROWS = [json.dumps({"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}]}) for i in range(20)]


def test_one_of_each_fault_gives_one_finding_each_at_its_line(tunelint, tmp_path):
    lines = [row.encode() for row in ROWS]
    lines[0] = b"\xef\xbb\xbf" + lines[0]
    lines[2] = lines[2].replace(b"q2", b"caf\xe9")
    lines[4] = lines[4].replace(b"q4", b"\\ud83d")
    lines[6] = lines[6][:-1] + b', "score": NaN}'
    lines[8] = b'{"messages": 1, ' + lines[8][1:]
    lines[10] = b""
    lines[12] = b'["a", "list"]'
    lines[14] = lines[14].replace(b"a14", b"")  # a fault of a record: the other rows are still checked
    lines[19] = lines[19][:-9]
    (tmp_path / "train.jsonl").write_bytes(b"\n".join(lines))
    ran = tunelint("lint", "train.jsonl", "--format", "json", "--ignore", "SIZE,SCH005")
    found = [(finding["name"], finding["line"]) for finding in ran.json["findings"]]
    assert found == [
        ("byte-order-mark", 1), ("not-utf8", 3), ("lone-surrogate", 5), ("non-finite-number", 7), ("duplicate-key", 9),
        ("blank-line", 11), ("not-an-object", 13), ("empty-content", 15), ("invalid-json", 20),
    ]  # fmt: skip
    assert ran.code == 1
    assert ran.json["files"][0]["records"] == 16
    assert ran.json["files"][0]["faulty_lines"] == 3


def test_offsets_point_at_the_bytes(tunelint, tmp_path):
    data = "{}\n".replace("{}", ROWS[0]) + ROWS[1].replace("q1", "х" * 5 + "\\ud800") + "\n"
    (tmp_path / "train.jsonl").write_bytes(data.encode())
    finding = next(f for f in tunelint("lint", ".", "--format", "json").json["findings"] if f["name"] == "lone-surrogate")
    start = finding["byte_offset"]
    assert data.encode()[start:].startswith('"ххх'.encode())
    assert finding["column"] == ROWS[1].index('"q1"') + 1
    assert finding["pointer"] == "/messages/0/content"


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", lambda data: zstandard.compress(data))],
)
def test_compressed_files_read_like_plain_ones_and_broken_ones_are_a_finding(tunelint, tmp_path, suffix, pack):
    data = ("\n".join(ROWS) + "\n").encode()
    path = tmp_path / f"train.jsonl{suffix}"
    path.write_bytes(pack(data) + pack(data))  # two members, one after the other
    assert tunelint("lint", path, "--format", "json").json["files"][0]["records"] == 2 * len(ROWS)
    path.write_bytes(pack(data)[:-12])
    report = tunelint("lint", path, "--format", "json")
    assert "unreadable-compression" in report.json["summary"]["by_rule"]
    path.write_bytes(b"this is no archive")
    report = tunelint("lint", path, "--format", "json", "--select", "JSN")
    assert list(report.json["summary"]["by_rule"]) == ["unreadable-compression"]
    assert report.code == 1


def test_a_gzip_bomb_is_read_in_bounded_pieces(tmp_path):
    from tunelint.records.sources import BLOCK, Source

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as stream:
        for _ in range(64):
            stream.write(b" " * (1 << 20))
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(packed.getvalue())
    assert max(len(block) for block in Source(str(path)).blocks()) <= BLOCK


@pytest.mark.parametrize("form", ["array", "pretty array", "pretty objects", "one-line array"])
@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_arrays_and_pretty_printed_objects_are_read_whole(tunelint, tmp_path, form, suffix):
    values = [json.loads(row) for row in ROWS]
    text = {
        "array": "[" + ",\n".join(ROWS) + "]",
        "pretty array": json.dumps(values, indent=2),
        "pretty objects": "\n".join(json.dumps(value, indent=2) for value in values),
        "one-line array": json.dumps(values),
    }[form]
    path = tmp_path / f"train{suffix}"
    path.write_text(text)
    report = tunelint("lint", path, "--format", "json", "--select", "JSN,SCH,TURN").json
    assert report["files"][0]["records"] == len(ROWS)
    expected = {} if suffix == ".json" else {"multi-line-json" if form == "pretty objects" else "json-array-file": 1}
    assert report["summary"]["by_rule"] == expected


def test_records_broken_over_lines_are_said_once_and_still_checked(tunelint, tmp_path):
    broken = ROWS[5].replace("q5", "first line\nsecond line")
    (tmp_path / "train.jsonl").write_text("\n".join([*ROWS[:5], broken, *ROWS[6:10], broken, *ROWS[11:]]) + "\n")
    report = tunelint("lint", "train.jsonl", "--format", "json", "--select", "JSN,SCH,TURN").json
    [finding] = report["findings"]
    assert (finding["name"], finding["line"], finding["end_line"], finding["count"]) == ("multi-line-json", 6, 13, 2)
    assert report["files"][0] | {"records": 20, "faulty_lines": 0} == report["files"][0]


def test_only_line_feeds_end_lines(tunelint, tmp_path):
    row = json.dumps({"messages": [{"role": "user", "content": "a\u2028b\u0085c"}, {"role": "assistant", "content": "x"}]}, ensure_ascii=False)
    (tmp_path / "train.jsonl").write_bytes((row + "\r\n" + ROWS[0] + "\r\n").encode())
    report = tunelint("lint", "train.jsonl", "--format", "json", "--select", "JSN").json
    assert [(f["name"], f["line"]) for f in report["findings"]] == [("unescaped-line-separator", 1)]
    assert report["files"][0]["records"] == 2


def test_csv_rows_have_their_starting_lines(tunelint, tmp_path):
    (tmp_path / "train.csv").write_text('prompt,completion\nq1,"two\nlines"\nq2,\nq3,a3\n')
    report = tunelint("lint", "train.csv", "--format", "json", "--select", "SCH,TURN").json
    assert report["files"][0]["records"] == 3
    assert report["files"][0]["shape"] == "prompt-completion"
    assert [(f["name"], f["line"], f["row"]) for f in report["findings"]] == [("empty-content", 4, 2)]


def test_parquet_rows_have_no_line(tunelint, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"prompt": ["q1", "q2"], "completion": ["a1", ""]}), tmp_path / "train.parquet")
    report = tunelint("lint", ".", "--format", "json", "--select", "SCH,TURN").json
    assert [(f["name"], f["line"], f["row"]) for f in report["findings"]] == [("empty-content", None, 2)]


@given(st.lists(st.binary(max_size=80), max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_can_stop_the_linter(tmp_path, lines):
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"\n".join(lines))
    file = lint(path).files[0]
    split = path.read_bytes().split(b"\n")
    # An array in the file may hold any number of records on one line.
    assert file.records + file.faulty_lines <= sum(bool(line.strip()) for line in split) or b"[" in path.read_bytes()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
        max_leaves=20,
    )
)
@settings(max_examples=300, deadline=None)
def test_a_value_is_parsed_as_the_standard_library_parses_it(value):
    raw = json.dumps({"value": value}).encode()
    parsed = parse_line(raw)
    assert parsed.ok
    assert json.dumps(parsed.value, sort_keys=True) == json.dumps(json.loads(raw), sort_keys=True)
    text = raw.decode()
    for token in walk(text):
        if token.kind in ("string", "number", "literal"):
            spelled = json.loads(text[token.start : token.end])
            assert json.dumps(spelled) == json.dumps(resolve(parsed.value, token.pointer))
            assert find(text, token.pointer) == (token.start, token.end)


_KEYS = st.sampled_from(["a", "b", "c/d", "~e", "0", "01", ""])
_STEPS = st.sampled_from(["a", "b", "c/d", "~e", "0", "1", "01", "", "x"])


@st.composite
def _spelled(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw a JSON text with any spacing, keys that repeat and numbers that Python's floats do not hold."""
    space = st.sampled_from(["", " ", "\n", " \t "])
    kind = draw(st.sampled_from(["scalar", "list", "dict"] if depth else ["scalar"]))
    if kind == "scalar":
        return draw(st.sampled_from(['"a"', '"\\"]},{"', "1e999", "-0", "NaN", "-Infinity", "true", "null", '"\\ud83d"', "9" * 5_000, '"\t"']))
    items = draw(st.lists(_spelled(depth=depth - 1), max_size=3))
    if kind == "dict":
        items = [f"{json.dumps(draw(_KEYS))}{draw(space)}:{draw(space)}{item}" for item in items]
    left, right = "{}" if kind == "dict" else "[]"
    return draw(space) + left + draw(space) + f"{draw(space)},{draw(space)}".join(items) + draw(space) + right + draw(space)


@given(_spelled(), st.lists(_STEPS, max_size=4))
@settings(max_examples=400, deadline=None)
def test_a_place_is_found_where_a_walk_over_all_tokens_finds_it(text, steps):
    pointer = "".join(f"/{escape(step)}" for step in steps)
    assert find(text, pointer) == _find_by_walk(text, pointer)


def test_a_place_is_found_below_any_number_of_brackets():
    text = '{"a": ' + "[" * 5_000 + "1" + "]" * 5_000 + ', "b": 2}'
    assert find(text, "/b") == (text.index("2}"), text.index("2}") + 1)


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(), max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_digest_is_that_of_the_canonical_json(value):
    import hashlib

    from tunelint.records.chunks import Chunk
    from tunelint.records.reader import records_of

    def whole(item):
        return int(item) if isinstance(item, float) and item.is_integer() else item

    canonical = json.dumps({k: whole(v) for k, v in value.items()}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    expected = hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    [record] = records_of(Chunk(data=json.dumps(value).encode()))
    assert record.digest == expected


def test_every_file_of_the_corpora_is_read(corpora: Path):
    total = 0
    for path in sorted(corpora.rglob("*")):
        if path.is_file() and "curves" not in path.parts:
            total += sum(1 for _ in read_records(str(path)))
    assert total > 100_000


@pytest.mark.parametrize("nested", ["[" * 1000 + "]" * 1000, '{"a":' * 300 + "1" + "}" * 300, "[" * 200 + "1.5" + "]" * 200])
@pytest.mark.parametrize("around", ['{"messages": %s}', '{"prompt": "q", "completion": "a", "note": %s}', '{"a": NaN, "b": %s}'])
def test_a_line_nested_too_deeply_is_a_fault_of_that_line(tunelint, tmp_path, around, nested):
    (tmp_path / "train.jsonl").write_text("\n".join([ROWS[0], around % nested, ROWS[1]]))
    ran = tunelint("lint", "train.jsonl", "--select", "JSN", "--format", "json")
    assert [(f["name"], f["line"]) for f in ran.json["findings"]] == [("invalid-json", 2)]
    assert "more than 200 levels" in ran.json["findings"][0]["message"]


def test_nested_text_within_a_record_is_worked_with_as_text(tunelint, tmp_path):
    deep = "[" * 900 + "]" * 900
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": ' + deep + "}"}}
    messages = [
        {"role": "user", "content": deep},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": deep},
        {"role": "assistant", "content": f"```json\n{deep}\n```"},
    ]
    record = {"messages": messages, "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}
    (tmp_path / "train.jsonl").write_text("\n".join([ROWS[0], json.dumps(record), "[" * 190 + "]" * 190]))
    ran = tunelint("lint", "train.jsonl", "--format", "json")
    assert ran.code == 1
    assert ran.json["summary"]["records"] == 2
    ran = tunelint("clean", "train.jsonl", "--unsafe-fixes", "--fail-on", "never")
    assert ran.code == 0, ran.err
