"""tunelint diff: rows by what they hold, edits by what is left of them, findings that came and went."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests_rows import chat
from tunelint.api import lint
from tunelint.fixes.versions import compare_versions

TOPICS = [f"part{letter}" for letter in "abcdefghijklmnop"]
ROWS = [
    chat(f"How do I mend the {TOPICS[i % 16]} of machine {i}?", f"Turn screw {i * 13}, then clean the {TOPICS[(i * 5 + 3) % 16]} with care.")
    for i in range(40)
]


def write(folder: str, train: list[str], evaluation: list[str] | None = None) -> None:
    Path(folder).mkdir(exist_ok=True)
    (Path(folder) / "train.jsonl").write_text("\n".join(train) + "\n")
    if evaluation is not None:
        (Path(folder) / "eval.jsonl").write_text("\n".join(evaluation) + "\n")


def edited(row: str, index: int, text: str) -> str:
    value = json.loads(row)
    value["messages"][index]["content"] = text
    return json.dumps(value)


def test_added_removed_edited_moved_and_the_gate(tunelint, tmp_path):
    extra = [chat("What is a brand new question?", "This is its answer."), chat("One with a fault?", "")]
    new = [*ROWS[3:30], edited(ROWS[30], 1, "Other answer."), edited(ROWS[31], 0, "Asked in quite another way, is it?"), *ROWS[32:38], *extra]
    new[0] = new[0].replace('": "', '":"')
    random.Random(4).shuffle(new)
    write("a", ROWS[:38], ROWS[38:])
    write("b", new, [*ROWS[38:], ROWS[0]])
    ran = tunelint("diff", "a", "b", "--format", "json", "--ignore", "SIZE,DUP,LEAK,TEXT")
    diff = ran.json
    rows = diff["rows"]
    assert ran.code == 1
    assert [f["name"] for f in diff["findings"]["new"]] == ["empty-content"]
    assert (rows["same"], len(rows["added"]), len(rows["removed"])) == (35, 2, 2)
    assert [(item["before"]["line"], item["matched_by"]) for item in rows["edited"]] == [(31, "same prompt"), (32, "same answer")]
    assert [(item["before"]["path"], item["after"]["path"]) for item in rows["moved"]] == [("a/train.jsonl", "b/eval.jsonl")]
    assert sorted(item["line"] for item in rows["removed"]) == [2, 3]
    text = tunelint("diff", "a", "b", "--ignore", "SIZE,DUP,LEAK,TEXT").out
    assert "2 added, 2 removed, 2 edited, 1 moved to the other split, 35 same" in text
    assert "+…" in text
    assert tunelint("diff", "b", "a", "--ignore", "SIZE,DUP,LEAK,TEXT").code == 0
    assert tunelint("diff", "a", "nowhere").code == 2


def test_ids_and_words_recognise_edited_rows(tunelint, tmp_path):
    old = [json.dumps({**json.loads(row), "id": number}) for number, row in enumerate(ROWS[:5])] + [ROWS[6]]
    rewritten = json.dumps({"id": 2, "messages": json.loads(chat("Nothing is as before?", "Not one word."))["messages"]})
    worded = chat("So how do I mend the cable of machine 6?", "Turn screw 78, then clean the valve with much care.")
    write("a", old)
    write("b", [*old[:2], *old[3:5], rewritten, worded])
    diff = tunelint("diff", "a", "b", "--format", "json").json
    assert [item["matched_by"] for item in diff["rows"]["edited"]] == ["same id", "similar words"]
    assert not diff["rows"]["added"] + diff["rows"]["removed"]


def test_another_order_changes_nothing(tunelint, tmp_path):
    rows = [*ROWS, ROWS[3], ROWS[3], ROWS[9].replace("with care", "with great care"), "{broken", "", chat("x", "")]
    write("a", rows)
    random.Random(1).shuffle(rows)
    write("b", rows)
    assert tunelint("diff", "a", "b", "--fail-on", "note").out.splitlines()[-1] == "findings  0 new, 0 gone"


def test_nothing_long_or_secret_is_printed(tunelint, tmp_path):
    key = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    write("a", [chat("Say a lot?", "x " * 3000)])
    write("b", [chat("Say a lot?", "x " * 1500 + key + " y" * 2000)])
    out = tunelint("diff", "a", "b").out
    assert key[12:] not in out
    assert max(map(len, out.splitlines())) < 400


rows_of = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("uvwxyz")).map(lambda p: chat(p[0] * 3, p[1] * 4)), max_size=12)


@given(rows_of, rows_of)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_accounted_for_once(tmp_path_factory, old, new):
    folder = tmp_path_factory.mktemp("diff")
    reports = []
    for name, rows in (("a", old), ("b", new)):
        write(str(folder / name), rows)
        reports.append(lint(folder / name, select=["DUP001", "TURN"]))
    diff = compare_versions(*reports)
    assert diff.same + len(diff.removed) + len(diff.edited) == len(old)
    assert diff.same + len(diff.added) + len(diff.edited) == len(new)
    assert diff.same == sum(min(old.count(row), new.count(row)) for row in set(old))
    if sorted(old) == sorted(new):
        assert not diff.gone + diff.new


def test_a_format_that_is_not_there(tunelint):
    assert tunelint("diff", "a", "b", "--format", "sarif").code == 2


@pytest.mark.parametrize("most", [0, 1])
def test_max_per_rule(tunelint, tmp_path, most):
    write("a", ROWS)
    write("b", [*ROWS, *[chat(f"New {i}?", "") for i in range(4)]])
    out = tunelint("diff", "a", "b", "--max-per-rule", str(most), "--ignore", "SIZE").out
    assert out.count("empty-content error") == (most or 4)
    assert ("and 3 more" in out) == bool(most)
