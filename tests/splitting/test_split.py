"""`tunelint split`: nothing straddles, sizes hold, records stay as they are, the draw does not depend on order."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests_rows import chat
from tunelint.pipeline import read_rows
from tunelint.records.discover import discover
from tunelint.records.reader import read_records

NOUNS = [
    "kettle", "bridge", "lantern", "harbour", "violin", "glacier", "orchard", "compass", "furnace", "meadow", "turbine", "anchor", "pebble",
]  # fmt: skip
VERBS = ["mend", "carry", "weigh", "paint", "trade", "store", "launch", "borrow", "polish", "repair", "measure", "bury", "sketch", "rent", "insure"]


def sentence(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(NOUNS if number % 2 else VERBS) + str(draw.randrange(900)) for number in range(words))


def rows(count: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [chat(sentence(draw, 9) + "?", sentence(draw, 25)) for _ in range(count)]


def write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def sides(folder: Path) -> tuple[list[str], list[str]]:
    return tuple((folder / name).read_text(encoding="utf-8").splitlines() for name in ("train.jsonl", "eval.jsonl"))


def planted(seed: int = 2) -> tuple[list[str], list[list[int]]]:
    """Rows with every kind of tie, and which rows are tied."""
    draw = random.Random(seed)
    lines, ties = rows(300, seed), []
    for number in range(0, 60, 2):
        record = json.loads(lines[number])
        question, answer = record["messages"][0]["content"], record["messages"][1]["content"]
        passage = sentence(draw, 60)
        copies = {
            0: [json.dumps({"messages": record["messages"], "id": number})],
            1: [chat(question, sentence(draw, 25))],
            2: [chat(question, answer + " indeed"), chat(question, answer + " indeed, truly")],
            3: [chat(question[:-1] + " now?", sentence(draw, 25))],
        }
        kind = number // 2 % 5
        if kind == 4:
            lines[number] = chat(sentence(draw, 5) + " " + passage, sentence(draw, 9))
            more = [chat(sentence(draw, 5) + " " + passage, sentence(draw, 9))]
        else:
            more = copies[kind]
        ties.append([number, *range(len(lines), len(lines) + len(more))])
        lines += more
    return lines, ties


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_is_tied_straddles(tunelint, tmp_path, seed):
    lines, ties = planted()
    write(tmp_path / "data.jsonl", lines)
    ran = tunelint("split", "data.jsonl", "-o", "out", "--eval-share", "0.3", "--seed", seed)
    assert ran.code == 0, ran.err
    train, evaluation = sides(tmp_path / "out")
    assert sorted(train + evaluation) == sorted(lines)
    assert abs(len(evaluation) - 0.3 * len(lines)) <= 1
    for tied in ties:
        assert len({lines[index] in evaluation for index in tied}) == 1, [lines[index] for index in tied]
    assert "near-leak 0" in ran.out
    assert "exact-leak 0" in ran.out
    report = tunelint("lint", "out", "--select", "LEAK001,LEAK002,LEAK003,LEAK008", "--format", "json").json
    assert report["findings"] == []
    assert {file["split"]: file["records"] for file in report["files"]} == {"train": len(train), "eval": len(evaluation)}


def test_a_random_split_of_the_same_rows_leaks(tunelint, tmp_path):
    """The rows above do test something."""
    lines, _ = planted()
    random.Random(0).shuffle(lines)
    write(tmp_path / "train.jsonl", lines[100:])
    write(tmp_path / "eval.jsonl", lines[:100])
    found = Counter(item["code"] for item in tunelint("lint", ".", "--select", "LEAK", "--format", "json").json["findings"])
    assert {"LEAK001", "LEAK002", "LEAK003"} <= set(found)


def test_the_order_and_number_of_files_do_not_matter(tunelint, tmp_path):
    lines, _ = planted()
    write(tmp_path / "all.jsonl", lines)
    shuffled = random.Random(5).sample(lines, len(lines))
    write(tmp_path / "b.jsonl", shuffled[:70])
    write(tmp_path / "a.jsonl", shuffled[70:])
    assert tunelint("split", "all.jsonl", "-o", "one", "--seed", 3).code == 0
    assert tunelint("split", "b.jsonl", "a.jsonl", "-o", "two", "--seed", 3).code == 0
    assert tunelint("split", "all.jsonl", "-o", "other", "--seed", 4).code == 0
    one, two, other = (set(sides(tmp_path / name)[1]) for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_labels_keep_their_shares(tunelint, tmp_path):
    draw = random.Random(4)
    labels = ["refund"] * 600 + ["billing"] * 300 + ["other"] * 100
    write(tmp_path / "data.jsonl", [chat(sentence(draw, 12), label) for label in labels])
    ran = tunelint("split", "data.jsonl", "-o", "out")
    assert "stratified by short answers" in ran.err
    found = Counter(json.loads(line)["messages"][-1]["content"] for line in sides(tmp_path / "out")[1])
    assert found == {"refund": 60, "billing": 30, "other": 10}


def test_a_label_key_is_kept_to(tunelint, tmp_path):
    draw = random.Random(4)
    lines = [json.dumps({"prompt": sentence(draw, 12), "completion": sentence(draw, 9), "info": {"kind": "ab"[n % 10 == 0]}}) for n in range(400)]
    write(tmp_path / "data.jsonl", lines)
    ran = tunelint("split", "data.jsonl", "-o", "out", "--stratify-by", "info.kind", "--eval-records", 50)
    assert ran.code == 0
    assert Counter(json.loads(line)["info"]["kind"] for line in sides(tmp_path / "out")[1]) == {"a": 45, "b": 5}
    assert "no record has the key 'kind'" in tunelint("split", "data.jsonl", "-o", "x", "--stratify-by", "kind").err


@pytest.mark.parametrize("arguments", [[], ["--group-by", "metadata.doc_id"]])
def test_group_ids_never_straddle(tunelint, tmp_path, arguments):
    draw = random.Random(6)
    lines = [
        json.dumps({"prompt": sentence(draw, 12), "completion": sentence(draw, 9), "metadata": {"doc_id": draw.randrange(60)}}) for _ in range(300)
    ]
    write(tmp_path / "data.jsonl", lines)
    ran = tunelint("split", "data.jsonl", "-o", "out", *arguments)
    assert ran.code == 0
    assert "groups by metadata.doc_id" in ran.err
    train, evaluation = ({json.loads(line)["metadata"]["doc_id"] for line in side} for side in sides(tmp_path / "out"))
    assert train
    assert evaluation
    assert not train & evaluation
    assert tunelint("split", "data.jsonl", "-o", "loose", "--group-by", "none").code == 0
    train, evaluation = ({json.loads(line)["metadata"]["doc_id"] for line in side} for side in sides(tmp_path / "loose"))
    assert train & evaluation


def test_sizes_that_clusters_do_not_allow_are_said(tunelint, tmp_path):
    lines = [line for line in rows(20) for _ in range(7)]
    write(tmp_path / "data.jsonl", lines)
    ran = tunelint("split", "data.jsonl", "-o", "out", "--eval-records", 10)
    assert ran.code == 0
    assert "eval has 7 records, not 10" in ran.err
    write(tmp_path / "mixed.jsonl", [line for number, line in enumerate(rows(40)) for _ in range(5 + 2 * (number % 2))])
    ran = tunelint("split", "mixed.jsonl", "-o", "exact", "--eval-records", 24)
    assert ran.code == 0
    assert "no choice" not in ran.err
    assert len(sides(tmp_path / "exact")[1]) == 24  # 5 + 5 + 7 + 7, whatever comes first in the draw


def test_records_that_all_hang_together_are_not_split(tunelint, tmp_path):
    write(tmp_path / "data.jsonl", rows(1) * 30)
    ran = tunelint("split", "data.jsonl", "-o", "out")
    assert ran.code == 2
    assert "30 of 30 records hang together (30 by exact copies); clean the data first" in ran.err
    assert "--group-by" not in ran.err


def test_what_ties_all_records_is_said(tunelint, tmp_path):
    draw = random.Random(8)
    lines = [json.dumps({"prompt": "Tell me something new about it", "completion": sentence(draw, 9), "user_id": n % 3}) for n in range(30)]
    write(tmp_path / "prompts.jsonl", lines)
    ran = tunelint("split", "prompts.jsonl", "-o", "out", "--group-by", "user_id")
    assert ran.code == 2
    assert "30 of 30 records hang together (30 by equal prompts); clean the data first" in ran.err
    assert "--group-by" not in ran.err
    write(tmp_path / "groups.jsonl", [json.dumps({"prompt": sentence(draw, 12), "completion": sentence(draw, 9), "user_id": 7}) for _ in range(30)])
    ran = tunelint("split", "groups.jsonl", "-o", "out", "--group-by", "user_id")
    assert ran.code == 2
    assert "30 of 30 records hang together by their group ids (user_id); give --group-by with other keys, or --group-by none" in ran.err
    assert tunelint("split", "groups.jsonl", "-o", "out", "--group-by", "none").code == 0


def test_a_folder_that_is_not_empty_is_refused(tunelint, tmp_path):
    write(tmp_path / "data.jsonl", rows(30))
    assert tunelint("split", "data.jsonl", "-o", "out").code == 0
    ran = tunelint("split", "data.jsonl", "-o", "out")
    assert ran.code == 2
    assert "--overwrite" in ran.err
    assert tunelint("split", "data.jsonl", "-o", "out", "--overwrite", "--seed", 1).code == 0
    ran = tunelint("split", "out/train.jsonl", "-o", "out", "--overwrite")
    assert ran.code == 2
    assert "would be overwritten" in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--eval-records", "30"], "leave none to train on"),
        (["--eval-share", "1.5"], "range"),
        ([], "Missing option"),
        (["--group-by", "nokey"], "no record has the key"),
    ],
)
def test_what_cannot_be_done_is_said(tunelint, tmp_path, arguments, says):
    write(tmp_path / "data.jsonl", rows(30))
    ran = tunelint("split", "data.jsonl", *(["-o", "out"] if arguments else []), *arguments)
    assert ran.code == 2
    assert says in ran.err


def test_bytes_stay_and_what_is_no_record_is_left_out(tunelint, tmp_path):
    lines = [line.encode() for line in rows(40)]
    lines[3] = b'{ "prompt" : "caf\\u00e9 number 1.0e2",  "completion":"\xc3\xa9t\xc3\xa9" }'
    (tmp_path / "data.jsonl").write_bytes(b"\n".join([*lines[:20], b"{broken", b"", *lines[20:]]))
    (tmp_path / "more.json").write_bytes(b'[\n {"prompt": "one",\n  "completion": "two"},\n {"prompt": "three", "completion": "four"}\n]')
    ran = tunelint("split", "data.jsonl", "more.json", "-o", "out")
    assert ran.code == 0
    assert "in neither file: 1 line" in ran.err
    assert "1 record ran over several lines" in ran.err
    written = [line for name in ("train.jsonl", "eval.jsonl") for line in (tmp_path / "out" / name).read_bytes().splitlines()]
    assert len(written) == 42
    assert set(lines) < set(written)


def test_a_later_lint_knows_the_splits_and_does_not_count_rows_twice(tunelint, tmp_path):
    write(tmp_path / "data.jsonl", rows(60))
    assert tunelint("split", "data.jsonl", "-o", "out").code == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    assert [(item["split"], item["records"]) for item in manifest["outputs"]] == [("train", 54), ("eval", 6)]
    assert manifest["inputs"][0]["sha256"] == hashlib.sha256((tmp_path / "data.jsonl").read_bytes()).hexdigest()
    assert [file["path"] for file in tunelint("lint", ".", "--format", "json").json["files"]] == ["data.jsonl"]


def test_standard_input(tunelint, tmp_path):
    ran = tunelint("split", "-", "-o", "out", stdin="".join(line + "\n" for line in rows(50)).encode())
    assert ran.code == 0
    assert len(sides(tmp_path / "out")[1]) == 5


def test_what_the_proof_finds_is_put_together(tunelint, tmp_path, monkeypatch):
    """Were a tie missed, the linter's findings would mend the split."""
    lines, _ = planted()
    write(tmp_path / "data.jsonl", lines)
    monkeypatch.setattr("tunelint.splitting.files.clusters_of", lambda material, groups, limits: np.arange(len(material)))
    ran = tunelint("split", "data.jsonl", "-o", "out", "--eval-share", "0.3")
    assert ran.code == 0
    assert "exact-leak 0, shared-prompt 0, near-leak 0" in ran.out
    monkeypatch.setattr("tunelint.splitting.files.ROUNDS", 1)
    ran = tunelint("split", "data.jsonl", "-o", "out", "--eval-share", "0.3", "--overwrite")
    assert ran.code == 1
    assert "not leak-proof" in ran.err


def test_a_training_run_without_eval_files_carves_by_the_same_rules(tmp_path):
    lines, ties = planted()
    write(tmp_path / "train.jsonl", lines)
    inputs = discover([], [str(tmp_path / "train.jsonl")])
    rows_of_run = read_rows(inputs, carve=True, seed=1)
    assert len(rows_of_run.eval) == round(0.1 * len(lines))
    assert len(rows_of_run.train) + len(rows_of_run.eval) == len(lines)
    carved = {row.digest for row in rows_of_run.eval}
    digests = [record.digest for record in read_records(str(tmp_path / "train.jsonl"))]
    for tied in ties:
        assert len({digests[index] in carved for index in tied}) == 1
    again = read_rows(inputs, carve=True, seed=2)
    assert {row.digest for row in again.eval} != carved
