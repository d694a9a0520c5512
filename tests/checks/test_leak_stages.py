"""The stages of the leak search through the front door: each eval record gets one finding, by the first stage that holds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunelint import lint

PASSAGE = " ".join(f"word{i}" for i in range(60))
FRAME = "You are the assistant of a small shipping firm; read the note below with care and answer it in one short sentence. Note: {} Answer:"


def write(path: Path, rows: list[tuple[str, str]], **extra: list[Any]) -> None:
    """Chat rows; `extra` adds a key to each."""
    with path.open("w", encoding="utf-8") as stream:
        for place, (prompt, answer) in enumerate(rows):
            turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
            stream.write(json.dumps({"messages": turns, **{key: values[place] for key, values in extra.items()}}) + "\n")


def sentence(chance: random.Random, words: int = 14) -> str:
    """Made-up words, so that two sentences have nothing in common."""
    return " ".join("".join(chance.choice("bdfgklmnprst") + chance.choice("aeiou") for _ in range(3)) for _ in range(words))


def leaks(tunelint: Callable[..., Any], *arguments: str) -> dict[int, list[dict[str, Any]]]:
    """The leak findings of each line of eval.jsonl."""
    report = tunelint("lint", ".", "--isolated", "--select", "LEAK", "--format", "json", *arguments).json
    found: dict[int, list[dict[str, Any]]] = {}
    for finding in report["findings"]:
        found.setdefault(finding["line"], []).append(finding)
    return found


def test_one_finding_an_eval_record(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    chance = random.Random(1)
    base = [(sentence(chance), sentence(chance, 10)) for _ in range(40)]
    long = f"{sentence(chance)} {PASSAGE}"
    write(tmp_path / "train.jsonl", [*base, (long, "short answer")])
    edited = base[2][1].split()
    evals = [
        base[0],  # exact
        (base[1][0].upper(), "something else"),  # shared prompt
        (base[2][0], " ".join([*edited[:-1], "changed"])),  # near, prompt and answer
        (f"{base[3][0]} indeed", "something else again"),  # near, prompt
        (f"What comes next? {PASSAGE}", "no idea"),  # passage
        (sentence(chance), "nothing in common"),
    ]
    write(tmp_path / "eval.jsonl", evals)
    found = leaks(tunelint)
    assert {line: [finding["code"] for finding in findings] for line, findings in found.items()} == {
        1: ["LEAK001"],
        2: ["LEAK002"],
        3: ["LEAK003"],
        4: ["LEAK003"],
        5: ["LEAK004"],
    }
    assert [found[line][0]["related"][0]["line"] for line in range(1, 6)] == [1, 2, 3, 4, 41]


def test_a_rule_that_does_not_run_leaves_its_records_to_the_next(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [(PASSAGE, "yes")])
    write(tmp_path / "eval.jsonl", [(PASSAGE, "yes")])
    assert [finding["code"] for finding in leaks(tunelint, "--ignore", "LEAK001,LEAK003")[1]] == ["LEAK004"]


def half_reworded(text: str, chance: random.Random) -> str:
    """Every third word replaced, the halves swapped."""
    words = [sentence(chance, 1) if i % 3 == 0 else word for i, word in enumerate(text.split())]
    return " ".join(words[len(words) // 2 :] + words[: len(words) // 2])


@pytest.mark.parametrize("framed", [False, True])
def test_rewordings_are_found_inside_a_template_and_out_of_it(tunelint: Callable[..., Any], tmp_path: Path, framed: bool) -> None:
    chance = random.Random(2)
    frame = FRAME if framed else "{}"
    notes = [sentence(chance, 20) for _ in range(100)]
    evals = [sentence(chance, 20) for _ in range(60)]
    leaked = {row: len(notes) + place for place, row in enumerate(range(0, 60, 6))}
    hidden = [half_reworded(evals[row], chance) for row in leaked]
    write(tmp_path / "train.jsonl", [(frame.format(note), sentence(chance, 3)) for note in [*notes, *hidden]])
    write(tmp_path / "eval.jsonl", [(frame.format(note), sentence(chance, 3)) for note in evals])
    found = leaks(tunelint)
    assert {line: finding[0]["code"] for line, finding in found.items()} == {row + 1: "LEAK005" for row in leaked}
    assert {line: finding[0]["related"][0]["line"] for line, finding in found.items()} == {row + 1: t + 1 for row, t in leaked.items()}
    assert all(0 < finding[0]["score"] <= 1 for finding in found.values())


def test_a_template_as_long_as_a_passage_is_none(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    chance = random.Random(3)
    rows = [(f"{PASSAGE} {sentence(chance)}", sentence(chance, 4)) for _ in range(60)]
    write(tmp_path / "train.jsonl", rows[:50])
    write(tmp_path / "eval.jsonl", rows[50:])
    assert leaks(tunelint) == {}


def test_groups_inside_the_metadata(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    chance = random.Random(4)
    rows = [(sentence(chance), sentence(chance)) for _ in range(8)]
    write(tmp_path / "train.jsonl", rows[:5], metadata=[{"thread_id": n} for n in (1, 2, 2, 3, 4)])
    write(tmp_path / "eval.jsonl", rows[5:], metadata=[{"thread_id": n} for n in (2, 5, 9)])
    found = leaks(tunelint)
    assert [finding["code"] for finding in found[1]] == ["LEAK006"]
    assert [partner["line"] for partner in found[1][0]["related"]] == [2, 3]
    assert list(found) == [1]


def test_ids_that_a_table_made_floats(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    """pandas writes a column of integers as floats where one is missing; 2.5 is a measure, no id."""
    chance = random.Random(7)
    rows = [(sentence(chance), sentence(chance)) for _ in range(9)]
    write(tmp_path / "train.jsonl", rows[:6], user_id=[1.0, 2.0, 2.0, 3.0, None, 2.5])
    write(tmp_path / "eval.jsonl", rows[6:], user_id=[2, "3", 2.5])
    found = leaks(tunelint)
    assert {line: [finding["code"] for finding in findings] for line, findings in found.items()} == {1: ["LEAK006"], 2: ["LEAK006"]}
    assert [partner["line"] for partner in found[1][0]["related"]] == [2, 3]


def test_one_prompt_everywhere_costs_one_list_of_partners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a list for each eval record, memory would grow with eval records times train records."""
    chance = random.Random(5)
    train = [("Tell me a story.", sentence(chance)) for _ in range(40)]
    write(tmp_path / "train.jsonl", [*train, ("Tell me a story.", "No."), ("Tell me a story", "No!")])
    write(tmp_path / "eval.jsonl", [("Tell me a story.", answer) for answer in ("Once upon a time.", "Long ago.", "no")])
    monkeypatch.chdir(tmp_path)
    report = lint(".", select=["LEAK002"])
    partners = [finding.details["partners"] for finding in report.findings]
    assert partners[0] is partners[1]
    assert len(partners[0]) == 42
    assert len(partners[2]) == 40, "train records with the same answer are no partners of shared-prompt"
    assert [len(finding.related) for finding in report.findings] == [20, 20, 20]


def test_clean_drops_every_partner_of_a_shared_list(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    chance = random.Random(6)
    write(tmp_path / "train.jsonl", [("Tell me a story.", sentence(chance)) for _ in range(40)] + [("Sing.", "La."), ("Hum.", "Mm.")])
    write(tmp_path / "eval.jsonl", [("Tell me a story.", sentence(chance)) for _ in range(3)] + [("sing", sentence(chance))])
    tunelint("clean", ".", "--isolated", "-o", "cleaned")
    kept = [json.loads(line)["messages"][0]["content"] for line in (tmp_path / "cleaned/train.jsonl").read_text("utf-8").splitlines()]
    assert kept == ["Hum."]


def test_one_word_20000_times_on_both_sides(tunelint: Callable[..., Any], tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [("Sing.", "la " * 20_000)])
    write(tmp_path / "eval.jsonl", [("Sing a song now please", "la " * 20_000 + "x y z w u v")])
    (finding,) = leaks(tunelint, "--select", "LEAK004")[1]
    assert finding["message"] == "A passage of 20,000 words of this eval record stands in train: train.jsonl:1."


def test_records_that_quote_one_document_share_their_partners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    documents = [sentence(chance, 80) for _ in range(10)]
    rows = [(f"{documents[row % 10]} {sentence(chance, 30)}", sentence(chance, 30)) for row in range(300)]
    write(tmp_path / "train.jsonl", rows[:200])
    write(tmp_path / "eval.jsonl", rows[200:])
    monkeypatch.chdir(tmp_path)
    findings = lint(["train.jsonl", "eval.jsonl"], select=["LEAK004"]).findings
    assert len(findings) == 100
    for finding in findings:
        assert sorted(finding.details["partners"]) == [
            row for row in range(200) if row % 10 == finding.line % 10 - 1 or row % 10 == finding.line % 10 + 9
        ]
        assert len(finding.related) == 20
    assert len({id(finding.details["partners"]) for finding in findings}) == 10


def test_records_of_the_same_few_words_share_their_partners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    rows = [(" ".join(chance.choice("ab") for _ in range(200)) + " a b", "yes") for _ in range(60)]
    write(tmp_path / "train.jsonl", rows[:40])
    write(tmp_path / "eval.jsonl", rows[40:])
    monkeypatch.chdir(tmp_path)
    findings = lint(["train.jsonl", "eval.jsonl"], select=["LEAK003"]).findings
    assert len(findings) == 20
    assert {tuple(sorted(finding.details["partners"])) for finding in findings} == {tuple(range(40))}
    assert len({id(finding.details["partners"]) for finding in findings}) == 1
