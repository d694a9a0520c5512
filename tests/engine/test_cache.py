"""The cache changes no byte of a report, whatever was linted before, and never gets in the way."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests_rows import chat
from tunelint.api import Settings, accept, active_rules, ignored_fields, run_parameters
from tunelint.engine import run as engine_run
from tunelint.engine.cache import identity, scan, segment, store
from tunelint.engine.result import Report
from tunelint.engine.run import check
from tunelint.engine.scan import ScanPlan
from tunelint.records.discover import discover
from tunelint.rulebook import load_rulebook, parse_cases
from tunelint.tokens.context import token_context
from tunelint.tokens.huggingface import FolderCounter

FIXTURES = Path(__file__).parents[1] / "tokens/fixtures"

SECRET = "sk-proj-" + "".join(random.Random(5).choices("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=48))


@pytest.fixture(autouse=True)
def _small_data_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine_run, "CACHE_FROM", 0)
    monkeypatch.chdir(tmp_path)


def report_of(paths: list[str], cache: Path | str | None, own: Settings | None = None, chunk_size: int = 4 << 20) -> tuple[str, Report]:
    """Lint and return everything that a report says, as text, and the report."""
    own = own or Settings(jobs=1)
    inputs, rules = discover(paths), active_rules(own, load_rulebook(own.rules_dirs))
    report = check(
        inputs, rules, jobs=own.jobs, fail_on="never", target=own.target, ignore_fields=ignored_fields(own),
        parameters=run_parameters(own, inputs, rules), chunk_size=chunk_size, cache_dir=None if cache is None else str(cache),
    )  # fmt: skip
    report.extras["rules"] = tuple(rules)
    notes = report.extras["cache"]
    accepted = accept(report, own)
    return repr((replace(accepted, extras={}), [finding.edit for finding in accepted.findings])), replace(report, extras={"cache": notes})


def known(report: Report) -> tuple[int, int]:
    """How many rows were known, and of how many."""
    words = report.extras["cache"][-1].split()
    return int(words[1].replace(",", "")), int(words[3].replace(",", ""))


def pool() -> list[bytes]:
    """Lines of every kind: all of the rule pages' cases, records over several lines, broken ones, blanks."""
    lines: set[bytes] = set()
    for rule in load_rulebook():
        for case in parse_cases(rule.text, rule.source):
            for name, data in case.files.items():
                if name.endswith(".jsonl"):
                    lines.update(data.split(b"\n")[:12])
    made = [
        b"", b"  \t", b"[1, 2]", b"null", b'{"messages": [', b']}', b'{"a": {"b": 1}', b"}", b'{"role": "user", "content": "inner"},',
        b'{"prompt": "p", "completion": "c"}', b'{"text": "a \xe2\x80\xa8 b"}', b'{"text": "\\ud800"}', b'{"text": "x", "n": NaN}',
        b'{"n": 123456789012345678901234567890, "text": "big"}', b'{"text": "a", "text": "b"}', b'\xff\xfe{"text": 1}',
        chat("My key?", f"Use {SECRET} for that.").encode(), chat(f"Put {SECRET} there", "Done that.").encode(),
        chat("Mend " + "caf\u00c3\u00a9 " * 60, "Mended " + "na\u00c3\u00afve " * 80).encode(), b'{"k": 1.0, "prompt": "p", "completion": " c"}\r',
    ]  # fmt: skip
    return [*sorted(lines), *made]


POOL = pool()
PRETTY = json.dumps({"messages": [{"role": "user", "content": "over"}, {"role": "assistant", "content": "lines"}]}, indent=1).encode()


def data_sets() -> st.SearchStrategy[list[list[bytes]]]:
    """Two versions of a file's lines: the second has lines added, taken away and moved."""
    sums = st.integers(0, 40).map(lambda n: chat(f"How much is {n} and {n}?", f"It is {2 * n}.").encode())
    line = st.one_of(st.integers(0, len(POOL) - 1).map(POOL.__getitem__), sums, st.just(PRETTY))
    lines = st.lists(line, min_size=1, max_size=30)

    def edited(first: list[bytes]) -> st.SearchStrategy[list[list[bytes]]]:
        kept = st.lists(st.sampled_from(first), max_size=len(first) + 5)
        grown = st.one_of(st.tuples(kept, lines), st.tuples(lines, st.just(first)))
        second = st.one_of(grown.map(lambda parts: parts[0] + parts[1]), st.permutations(first))
        return second.map(lambda lines: [first, list(lines)])

    return lines.flatmap(edited)


def written(folder: Path, lines: list[bytes], form: str) -> str:
    """Write lines in one of the forms that data comes in."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    path = folder / f"train.{form}"
    data = b"\n".join(lines)
    if form == "jsonl.gz":
        path.write_bytes(gzip.compress(data))
    elif form == "jsonl":
        path.write_bytes(data)
    else:
        values = []
        for line in lines:
            try:
                values.append(json.loads(line))
            except ValueError:
                values.append({"prompt": repr(line), "completion": "as text"})
        if form == "json":
            path.write_text(json.dumps(values), encoding="utf-8")
        else:
            rows = [f'"{json.dumps(value)[1:9]}",{index % 3}\n' for index, value in enumerate(values)]
            path.write_text("prompt,completion\n" + "".join(rows), encoding="utf-8")
    return str(path)


KINDS = [
    Settings(jobs=1), Settings(jobs=1, target="trl"), Settings(jobs=1, target="openai", scope="record"), Settings(jobs=1, pack="strict"),
    Settings(jobs=1, target="axolotl", rules={"truncated-answer": {"max-tokens": 12}}), Settings(jobs=1, ignore_fields=("k",)),
]  # fmt: skip


def same_with_whatever_cache(tmp_path: Path, data: list[list[bytes]], form: str, kind: Settings, small: bool) -> None:
    for lines in data:  # one cache for all examples: it has seen everything
        path = written(tmp_path / "data", lines, form)
        size = 600 if small else 4 << 20
        plain = report_of([path], None, kind, size)[0]
        assert report_of([path], tmp_path / "cache", kind, size)[0] == plain
        assert report_of([path], tmp_path / "cache", kind, size)[0] == plain


EXAMPLES = given(
    data=data_sets(), form=st.sampled_from(["jsonl", "jsonl", "jsonl.gz", "json", "csv"]), kind=st.sampled_from(KINDS), small=st.booleans()
)  # fmt: skip
OF_ONE_CACHE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=25, deadline=None, suppress_health_check=OF_ONE_CACHE)
@EXAMPLES
def test_a_report_is_the_same_with_whatever_cache(tmp_path: Path, **drawn: Any) -> None:
    same_with_whatever_cache(tmp_path, **drawn)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=OF_ONE_CACHE)
@EXAMPLES
def test_a_report_is_the_same_with_whatever_cache_searching(tmp_path: Path, **drawn: Any) -> None:
    same_with_whatever_cache(tmp_path, **drawn)


def chats(first: int, last: int, text: str = "It is {}.") -> list[str]:
    return [chat(f"How much is {n} and {n}, please?", text.format(2 * n)) for n in range(first, last)]


def test_grown_data_is_known_but_for_its_new_rows(tmp_path: Path) -> None:
    old, new = chats(0, 300), chats(300, 330)
    Path("train.jsonl").write_text("\n".join(old) + "\n")
    assert known(report_of(["train.jsonl"], tmp_path / "cache")[1]) == (0, 300)
    assert known(report_of(["train.jsonl"], tmp_path / "cache")[1]) == (300, 300)
    mixed = [*old, *new]
    random.Random(1).shuffle(mixed)
    Path("train.jsonl").write_text("\n".join(mixed) + "\n")
    assert known(report_of(["train.jsonl"], tmp_path / "cache", Settings(jobs=2), 9_000)[1]) == (300, 330)
    Path("b.jsonl").write_text("\n".join(mixed[200:]) + "\n")  # moved to another file, and many workers
    Path("train.jsonl").write_text("\n".join(mixed[:200]) + "\n")
    both, report = report_of(["train.jsonl", "b.jsonl"], tmp_path / "cache", Settings(jobs=2))
    assert known(report) == (330, 330)
    assert both == report_of(["train.jsonl", "b.jsonl"], None)[0]
    assert len(list((tmp_path / "cache/lint").iterdir())) == 2  # 300 rows and 30: too few to write the 300 again


def test_rows_with_secrets_and_long_mendings_are_known_without_being_kept(tmp_path: Path) -> None:
    long = "caf\u00c3\u00a9 and na\u00c3\u00afve " * 40
    rows = [chat("Where is the key?", f"Here: api_key = '{SECRET}'"), chat("Mend this text.", long), *chats(0, 5)]
    Path("train.jsonl").write_text("\n".join(rows), encoding="utf-8")
    plain, _ = report_of(["train.jsonl"], tmp_path / "cache")
    again, report = report_of(["train.jsonl"], tmp_path / "cache")
    assert again == plain
    assert known(report) == (7, 7)
    assert {"secret", "mojibake"} <= {finding.name for finding in report.findings}
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache/lint").iterdir())
    assert SECRET.encode() not in kept
    assert long[:200].encode() not in kept
    assert b"How much is 3" not in kept


PAGE = """---
code: OWN001
severity: warning
scope: record
check: pattern
pattern: {pattern}
field: prompt
message: "Prompt says '{{match}}'."
---
# own-word

A prompt says a word that ours do not say.

## Why it hurts

It is not ours.

## What to do

Leave it out.
"""
CHANGES = {
    "nothing": {},
    "target": {"target": "openai"},
    "other target": {"target": "mistral"},
    "options": {"rules": {"echoed-prompt": {"from-words": 1}, "near-duplicate": {"threshold": 0.6}}},
    "window": {"target": "trl", "rules": {"truncated-answer": {"max-tokens": 9}}},
    "tokenizer": {"tokenizer": "cl100k_base"},
    "estimate": {"tokenizer": "estimate"},
    "tokenizer folder": {"tokenizer": "./tokenizer", "target": "trl"},
    "ignored fields": {"ignore_fields": ("kind",)},
    "selection": {"select": ("TEXT", "TURN")},
    "scope": {"scope": "record"},
    "own page": {"rules_dirs": ("own",), "extend_select": ("OWN001",)},
}


def test_changed_settings_pages_and_tokenizers_give_what_they_give_without_a_cache(tmp_path: Path) -> None:
    rows = [*chats(0, 40), *chats(20, 45, "Yes."), chat("Say yes.", "Say yes."), chat("A", "B", kind=1), chat("A", "B", kind=2)]
    Path("train.jsonl").write_text("\n".join(rows))
    Path("eval.jsonl").write_text("\n".join(chats(38, 60)))
    own, folder = tmp_path / "own/own-word.md", tmp_path / "tokenizer"
    own.parent.mkdir()
    for turn in range(3):
        own.write_text(PAGE.format(pattern=("please", "much", "please")[turn]))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(FIXTURES / ("chatml", "inst", "chatml")[turn], folder)
        token_context.cache_clear()
        seen = set()
        for name, change in CHANGES.items():
            made = Settings(**{"jobs": 1, **change})
            plain = report_of(["train.jsonl", "eval.jsonl"], None, made)[0]
            cached, report = report_of(["train.jsonl", "eval.jsonl"], tmp_path / "cache", made)
            assert cached == plain, name
            # What was seen before is known again when the page and the folder are again what they were.
            assert known(report)[0] == (0 if turn == 0 or (turn == 1 and name in ("own page", "tokenizer folder")) else 90), name
            seen.add(plain)
        assert len(seen) == len(CHANGES)


def one_run(tmp_path: Path) -> Path:
    """Fill a cache and return its only file."""
    Path("train.jsonl").write_text("\n".join(chats(0, 60)))
    report_of(["train.jsonl"], tmp_path / "cache")
    (file,) = (tmp_path / "cache/lint").iterdir()
    return file


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:500] + bytes([data[500] ^ 1]) + data[501:]


def resigned(data: bytes, old: bytes, new: bytes) -> bytes:
    """Another content under a digest that adds up, as only someone with intent would write it."""
    body = data[:-32].replace(old, new, 1)
    return body + hashlib.sha256(body).digest()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"", "cut": cut, "flipped": flipped, "foreign": lambda data: b"SQLite format 3\0" + data[16:],
    "objects": lambda data: resigned(data, b'"<u8"', b'"|O8"'), "shape": lambda data: resigned(data, b"[60,2]", b"[90,2]"),
    "header": lambda data: resigned(data, b'{"key"', b'["key"'), "length": lambda data: resigned(data, data[-40:-32], b"\xff" * 8),
    "column": lambda data: resigned(data, b'"tokens"', b'"tokenz"'),
    "other settings": lambda data: resigned(data, b'{"key":"', b'{"key":"x'),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_no_good_is_made_anew(tmp_path: Path, damage: str) -> None:
    file = one_run(tmp_path)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    plain = report_of(["train.jsonl"], None)[0]
    cached, report = report_of(["train.jsonl"], tmp_path / "cache")
    assert cached == plain
    assert known(report) == (0, 60)
    assert any("is made anew" in note for note in report.extras["cache"])
    cached, report = report_of(["train.jsonl"], tmp_path / "cache")
    assert cached == plain
    assert known(report) == (60, 60)


def test_hits_that_cannot_be_read_are_found_again(tmp_path: Path) -> None:
    Path("train.jsonl").write_text("\n".join([chat("", "Empty prompt."), *chats(0, 5)]))
    plain = report_of(["train.jsonl"], tmp_path / "cache")[0]
    (file,) = (tmp_path / "cache/lint").iterdir()
    data = file.read_bytes()
    assert data.count(b'[["empty-content"') == 1
    file.write_bytes(resigned(data, b'[["empty-content"', b'[{"empty-content"'))
    cached, report = report_of(["train.jsonl"], tmp_path / "cache")
    assert cached == plain
    assert known(report) == (5, 6)


def test_a_cache_that_cannot_be_written_or_read_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("train.jsonl").write_text("\n".join(chats(0, 60)))
    plain = report_of(["train.jsonl"], None)[0]
    (tmp_path / "file").write_text("no folder")
    cached, report = report_of(["train.jsonl"], tmp_path / "file")
    assert cached == plain
    assert any("nothing is kept in" in note for note in report.extras["cache"])

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(segment.os, "replace", full)
    cached, report = report_of(["train.jsonl"], tmp_path / "cache")
    assert cached == plain
    assert any("No space left on device" in note for note in report.extras["cache"])
    assert list((tmp_path / "cache/lint").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine_run, "CACHE_FROM", 0)
    file = one_run(tmp_path)
    monkeypatch.setattr(store, "read_segment", full)
    cached, report = report_of(["train.jsonl"], tmp_path / "cache")
    assert cached == plain
    assert any("is not readable" in note for note in report.extras["cache"])
    assert file.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permissions_changes_nothing(tmp_path: Path) -> None:
    Path("train.jsonl").write_text("\n".join(chats(0, 60)))
    (tmp_path / "locked").mkdir(mode=0o500)
    cached, report = report_of(["train.jsonl"], tmp_path / "locked/cache")
    assert cached == report_of(["train.jsonl"], None)[0]
    assert any("nothing is kept in" in note for note in report.extras["cache"])


def test_the_cache_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = one_run(tmp_path)
    size = file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    for limit, left in ((5 * size // 2, 2), (size // 2, 0)):
        shutil.rmtree(tmp_path / "cache")
        for age, fields in enumerate([("a",), ("b",), ("c",)]):
            monkeypatch.setattr(scan, "MOST_BYTES", limit)
            report_of(["train.jsonl"], tmp_path / "cache", Settings(jobs=1, ignore_fields=fields))
            for kept in (tmp_path / "cache").glob("lint/*"):
                os.utime(kept, (kept.stat().st_mtime - 3600 * (3 - age),) * 2)
        assert len(list((tmp_path / "cache").glob("lint/*"))) == left


def test_old_and_unfinished_files_go(tmp_path: Path) -> None:
    file = one_run(tmp_path)
    old, unfinished = file.with_name("0" * 32 + "-old.rows"), file.with_name("x.tmp")
    for path, days in ((old, 40), (unfinished, 1)):
        path.write_bytes(b"x")
        os.utime(path, (time.time() - days * 86400,) * 2)
    Path("train.jsonl").write_text("\n".join(chats(0, 70)))
    report_of(["train.jsonl"], tmp_path / "cache")
    names = {path.name for path in file.parent.iterdir()}
    assert old.name not in names
    assert unfinished.name not in names
    assert file.name in names


def test_many_small_additions_end_in_few_files(tmp_path: Path) -> None:
    for rows in range(1, 41):
        Path("train.jsonl").write_text("\n".join(chats(0, rows)))
        report_of(["train.jsonl"], tmp_path / "cache", Settings(jobs=1, select=("TURN",)))
    assert len(list((tmp_path / "cache/lint").iterdir())) <= 6
    assert known(report_of(["train.jsonl"], tmp_path / "cache", Settings(jobs=1, select=("TURN",)))[1]) == (40, 40)


def lint_command(*options: str) -> list[str]:
    code = "import sys; from tunelint.engine import run; run.CACHE_FROM = 0; from tunelint.cli.main import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", code, "lint", "train.jsonl", "--format", "json", "-v", "--fail-on", "never", *options]


def test_processes_share_a_cache(tmp_path: Path) -> None:
    Path("train.jsonl").write_text("\n".join([*chats(0, 200), *chats(100, 150, "No.")]))
    plain = subprocess.run(lint_command("--no-cache"), capture_output=True, check=True)
    assert not Path(".tunelint_cache").exists()
    assert b"cache:" not in plain.stderr
    running = [subprocess.Popen(lint_command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        assert process.communicate()[0] == plain.stdout
    again = subprocess.run(lint_command(), capture_output=True, check=True)
    assert again.stdout == plain.stdout
    assert b"cache: 250 of 250 records were known (.tunelint_cache)" in again.stderr


def test_the_cache_lies_in_the_project_and_is_no_burden_to_it(tmp_path: Path, tunelint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere, project = tmp_path / "elsewhere", tmp_path / "project"
    for folder in (elsewhere, project / "below"):
        folder.mkdir(parents=True)
    (elsewhere / "train.jsonl").write_text("\n".join(chats(0, 60)))
    (project / "tunelint.toml").write_text('ignore = ["CFG"]\n')
    monkeypatch.chdir(project / "below")
    tunelint("lint", elsewhere / "train.jsonl")
    assert [path.name for path in elsewhere.iterdir()] == ["train.jsonl"]
    assert list((project / "below").iterdir()) == []
    cache = project / ".tunelint_cache"
    assert (cache / ".gitignore").read_text() == "*\n"
    assert (cache / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    (project / "tunelint.toml").write_text('cache-dir = "kept/here"\n')
    tunelint("lint", elsewhere / "train.jsonl")
    assert len(list((project / "kept/here/lint").iterdir())) == 1
    tunelint("lint", elsewhere / "train.jsonl", "--isolated")
    assert len(list((project / "below/.tunelint_cache/lint").iterdir())) == 1
    (project / "tunelint.toml").write_text('cache-dir = "."\n')  # never hide a whole project from git
    tunelint("lint", elsewhere / "train.jsonl")
    assert not (project / ".gitignore").exists()
    assert (project / "lint/.gitignore").read_text() == "*\n"
    monkeypatch.setenv("TUNELINT_CACHE_DIR", str(tmp_path / "named"))
    tunelint("lint", elsewhere / "train.jsonl")
    assert len(list((tmp_path / "named/lint").iterdir())) == 1


def test_small_data_needs_no_cache(tmp_path: Path, tunelint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    Path("train.jsonl").write_text("\n".join(chats(0, 100)))
    tunelint("lint", "train.jsonl")
    assert not Path(".tunelint_cache").exists()


def test_clean_and_stats_and_against_say_the_same_with_a_cache(tmp_path: Path, tunelint: Any) -> None:
    rows = [*chats(0, 60), *chats(10, 20), chat("", "Empty."), chat("Trim me ", "caf\u00c3\u00a9 " * 30), "{broken", *chats(60, 90, "No.")]
    Path("train.jsonl").write_text("\n".join(rows), encoding="utf-8")
    Path("new.jsonl").write_text("\n".join(chats(50, 70)), encoding="utf-8")
    for command in (
        ["clean", "train.jsonl", "-o", "out", "--overwrite"], ["stats", "train.jsonl", "--target", "trl", "--format", "json"],
        ["lint", "new.jsonl", "--against", "train.jsonl", "--format", "json"], ["index", "build", "train.jsonl", "-o", "train.npz", "--overwrite"],
    ):  # fmt: skip
        said = []
        for option in (["--no-cache"], [], []):
            ran = tunelint(*command, *option)
            files = {path.name: path.read_bytes() for path in [*Path("out").glob("*.jsonl"), *Path().glob("*.npz")]}
            said.append((ran.code, ran.out, ran.err, files))
        assert said[0] == said[1] == said[2], command
    assert len({path.name.split("-")[0] for path in Path(".tunelint_cache/lint").iterdir()}) >= 3


def test_rules_of_other_packages_switch_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("others_checks_of_words.py").write_text(
        "from pathlib import Path\nfrom tunelint.checks.hit import Hit\n\n"
        "def said(record, options):\n    yield Hit(Path('word').read_text())\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("own").mkdir()
    front, rest = PAGE.split("check: pattern", 1)
    Path("own/own-word.md").write_text(front + "check: others_checks_of_words.said" + rest[rest.index("\n---") :])
    Path("train.jsonl").write_text("\n".join(chats(0, 5)))
    own = Settings(jobs=1, rules_dirs=("own",), extend_select=("OWN001",))
    for word in ("One.", "Another."):
        Path("word").write_text(word)
        _, report = report_of(["train.jsonl"], tmp_path / "cache", own)
        assert sum(finding.message == word for finding in report.findings) == 5
        assert report.extras["cache"] == ["cache: not used: what own-word depends on is not known"]


def test_a_template_that_tells_the_time_ages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter(range(100))

    class Clock:
        @staticmethod
        def now() -> datetime:
            return datetime(2026, 1, 1) + timedelta(hours=next(hours))

    monkeypatch.setattr(identity, "datetime", Clock)
    folder = tmp_path / "tokenizer"
    shutil.copytree(FIXTURES / "chatml", folder)
    keys = []
    for template in ("{{ strftime_now('%Y') }}", '{{ strftime_now("%H") }}', "{{ strftime_now(form) }}"):
        (folder / "chat_template.jinja").write_text(template)
        keys += [identity.settings_key(ScanPlan(), FolderCounter(folder)) for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
