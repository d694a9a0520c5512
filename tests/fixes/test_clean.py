"""clean: nothing lost, nothing touched that needs no touching, clean twice = clean once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests_rows import chat
from tunelint.api import Settings
from tunelint.findings import raw_digest, record_digest
from tunelint.fixes import clean
from tunelint.fixes.clean import CleanResult
from tunelint.records.chunks import FileFaults, read_chunks
from tunelint.records.discover import discover
from tunelint.records.reader import records_of
from tunelint.records.sources import Source
from tunelint.rulebook import load_rulebook

WORDS = ["alpha", "beta", "gamma", "delta", "Привет", "你好", "42", "x y"]


def digests(path: Path) -> Counter[str]:
    """The records and faulty lines of a file, by digest."""
    found: Counter[str] = Counter()
    for chunk in read_chunks(Source(str(path)), FileFaults()):
        for record in records_of(chunk):
            if record.value is not None:
                found[record.digest] += 1
            else:  # how far a fault reaches depends on what stands around it; its lines stay
                found.update(raw_digest(line) for line in record.raw.split(b"\n") if line.strip())
    return found


def removed(folder: Path, name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in (folder / "removed.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        assert set(entry) >= {"path", "line", "record", "rule", "reason", "twin"}
        assert ("raw" in entry) != ("raw_base64" in entry)
        raw = entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])
        if entry["record"].startswith("raw:"):
            assert raw_digest(raw) == entry["record"]
        else:
            assert record_digest(json.loads(raw, strict=False)) == entry["record"]
        if Path(entry["path"]).name == name:
            broken = entry["record"].startswith("raw:")
            found.update([raw_digest(line) for line in raw.split(b"\n") if line.strip()] if broken else [entry["record"]])
    return found


def more_of_what_it_fixes(result: CleanResult) -> dict[str, tuple[int, int]]:
    """The rules with a fix that have more findings after clean than before: a fix must not make work for a fix."""
    before, after = (Counter(finding.name for finding in report.findings) for report in (result.before, result.after))
    return {rule.name: (before[rule.name], after[rule.name]) for rule in load_rulebook() if rule.fix and after[rule.name] > before[rule.name]}


line = st.one_of(
    st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)).map(lambda pair: chat(*pair).encode()),
    st.sampled_from([
        b"", b"[1]", b"{broken", b'{"messages": []}', chat("q", "").encode(), "caf\xe9".encode("latin-1"),
        chat("u\u2028v", "w").encode(), b'{"a": NaN}', b'{"a": 1, "a": 2}', b'  {"text": "plain"}  ', b'{"text": "x"}\r',
        b'{"messages": [{"role": "user", "content": "w"}, {"role": "assistant", "content": "1", "weight": 1.0}]}',
        b'{"text": "broken\nover lines"}',
    ]),
)  # fmt: skip


modes = st.sampled_from(["default", "safe-only", "unsafe", "fixes"])


@given(st.lists(line, max_size=14), st.lists(line, max_size=5), st.booleans(), modes, st.sampled_from(["first", "longest"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost_and_twice_is_once(tmp_path_factory, train, evaluation, bom, mode, keep):
    folder = tmp_path_factory.mktemp("clean")
    (folder / "train.jsonl").write_bytes((b"\xef\xbb\xbf" if bom else b"") + b"\n".join(train) + b"\n")
    (folder / "eval.jsonl").write_bytes(b"\n".join(evaluation) + b"\n")
    inputs = discover([str(folder / "train.jsonl"), str(folder / "eval.jsonl")])
    result = clean(inputs, folder / "out", Settings(), mode=mode, keep=keep)
    for name in ("train.jsonl", "eval.jsonl"):
        before, after = digests(folder / name), digests(folder / "out" / name)
        gone = removed(folder / "out", name)
        if mode in ("unsafe", "fixes"):  # records may have been edited
            assert sum(before.values()) == sum(after.values()) + sum(gone.values())
        else:
            assert before == after + gone
    if mode == "safe-only":
        assert not (folder / "out" / "removed.jsonl").read_text()
    elif mode != "fixes":
        assert not [f for f in result.after.findings if f.severity == "error" and f.line and not f.code.startswith("SIZE")]
    assert not more_of_what_it_fixes(result)
    again = clean(discover([str(folder / "out")]), folder / "out2", Settings(), mode=mode, keep=keep)
    assert not again.removed
    for name in ("train.jsonl", "eval.jsonl"):
        assert (folder / "out2" / name).read_bytes() == (folder / "out" / name).read_bytes()


def test_untouched_records_stay_as_they_were_and_inputs_are_not_touched(tunelint, tmp_path):
    odd = b'{"messages":[ {"content" :"caf\\u00e9","role":"user"},{"role":"assistant","content":"ok"} ] }\r'
    data = odd + b"\n" + chat("q", "").encode() + b"\n" + odd.replace(b"ok", b"fine") + b"\n"
    (tmp_path / "train.jsonl").write_bytes(data)
    assert tunelint("clean", "train.jsonl", "--fail-on", "never").code == 0
    assert (tmp_path / "cleaned/train.jsonl").read_bytes() == odd + b"\n" + odd.replace(b"ok", b"fine") + b"\n"
    assert (tmp_path / "train.jsonl").read_bytes() == data


def test_leaks_leave_train_never_eval_and_twins_are_named(tunelint, tmp_path):
    rows = [chat(f"What is fact number {i}?", f"Fact {i} is {i * i}.") for i in range(30)]
    (tmp_path / "train.jsonl").write_text("\n".join([*rows, rows[3], rows[3]]) + "\n")
    (tmp_path / "eval.jsonl").write_text("\n".join([rows[3], rows[3], chat("What is fact number 7?", "Something else entirely.")]) + "\n")
    tunelint("clean", ".")
    entries = [json.loads(line) for line in (tmp_path / "cleaned/removed.jsonl").read_text().splitlines()]
    assert [(e["path"], e["line"], e["rule"]) for e in entries] == [
        ("train.jsonl", 4, "exact-leak"), ("train.jsonl", 8, "shared-prompt"), ("train.jsonl", 31, "exact-duplicate"),
        ("train.jsonl", 32, "exact-duplicate"), ("eval.jsonl", 2, "exact-duplicate"),
    ]  # fmt: skip
    leak = next(e for e in entries if e["rule"] == "exact-leak")
    assert (leak["twin"]["path"], leak["twin"]["line"]) == ("eval.jsonl", 1)
    assert len((tmp_path / "cleaned/eval.jsonl").read_text().splitlines()) == 2
    report = tunelint("lint", "cleaned", "--format", "json").json
    assert report["leakage"]["leaked_records"] == 0


def test_the_manifest_names_inputs_and_outputs_by_digest(tunelint, tmp_path):
    (tmp_path / "train.jsonl").write_text("".join(chat(f"q{i}", f"a{i}") + "\n" for i in range(12)) + "{broken\n")
    tunelint("clean", "train.jsonl", "-o", "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert set(manifest) >= {"version", "tool", "settings", "inputs", "outputs"}
    for items, folder, records in ((manifest["inputs"], tmp_path, 12), (manifest["outputs"], tmp_path / "out", 12)):
        [item] = items
        assert item["sha256"] == hashlib.sha256((folder / item["path"]).read_bytes()).hexdigest()
        assert item["records"] == records


def test_a_full_folder_is_refused_and_overwrite_replaces_only_our_files(tunelint, tmp_path):
    (tmp_path / "train.jsonl").write_text(chat("q", "a") + "\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("keep")
    ran = tunelint("clean", "train.jsonl", "-o", "out")
    assert ran.code == 2
    assert "not empty" in ran.err
    assert not (tmp_path / "out/train.jsonl").exists()
    tunelint("clean", "train.jsonl", "-o", "out", "--overwrite")
    assert (tmp_path / "out/mine.txt").read_text() == "keep"
    (tmp_path / "other.jsonl").write_text(chat("q", "a") + "\n")
    tunelint("clean", "other.jsonl", "-o", "out", "--overwrite")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.json", "mine.txt", "other.jsonl", "removed.jsonl"]


def test_compressed_arrays_tables_and_same_names(tunelint, tmp_path):
    rows = [json.dumps({"prompt": f"q{i}", "completion": f"a{i}"}) for i in range(5)]
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress(("\n".join([*rows, rows[0]]) + "\n").encode()))
    (tmp_path / "list.json").write_text(json.dumps([json.loads(row) for row in [*rows, rows[1]]]))
    (tmp_path / "table.csv").write_text('prompt,completion\nr1,"b\n1"\nr2,\nr3,b3\n')
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.jsonl").write_text(chat(f"in {folder}", "x") + "\n" + "{broken\n")
    assert tunelint("clean", "train.jsonl.gz", "-o", "o1", "--fail-on", "never").code == 0
    assert gzip.decompress((tmp_path / "o1/train.jsonl.gz").read_bytes()).decode().splitlines() == rows
    assert tunelint("clean", "list.json", "-o", "o2", "--fail-on", "never").code == 0
    assert json.loads((tmp_path / "o2/list.json").read_text()) == [json.loads(row) for row in rows]
    assert tunelint("clean", "table.csv", "-o", "o3", "--fail-on", "never").code == 0
    assert (tmp_path / "o3/table.csv").read_text() == 'prompt,completion\nr1,"b\n1"\nr3,b3\n'
    assert tunelint("clean", "a", "b", "-o", "o4", "--fail-on", "never").code == 0
    assert (tmp_path / "o4/a/part.jsonl").read_text() != (tmp_path / "o4/b/part.jsonl").read_text()


def test_a_parquet_file_of_which_nothing_is_left_keeps_its_columns(tunelint, tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = arrow.table({"prompt": ["q1"], "completion": [""], "more": arrow.nulls(1), "kind": arrow.array(["x"]).dictionary_encode()})
    parquet.write_table(table, tmp_path / "train.parquet")
    ran = tunelint("clean", "train.parquet", "--fail-on", "never")
    assert ran.code == 0, ran.err
    kept = parquet.read_table(tmp_path / "cleaned/train.parquet")
    assert (kept.num_rows, kept.schema) == (0, table.schema)


def test_parquet_rows_are_taken_out(tunelint, tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"prompt": ["q1", "q2", "q3"], "completion": ["a1", "", "a3"]}), tmp_path / "train.parquet")
    tunelint("clean", "train.parquet")
    assert parquet.read_table(tmp_path / "cleaned/train.parquet").to_pylist() == [
        {"prompt": "q1", "completion": "a1"}, {"prompt": "q3", "completion": "a3"},
    ]  # fmt: skip
