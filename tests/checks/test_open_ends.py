"""TEXT008 on files in which many answers have no mark at their end."""

from __future__ import annotations

import json
from pathlib import Path

from tunelint import lint
from tunelint.findings import Severity

_WHOLE = "The bridge at mile {} was built by monks, and it has carried carts and trains for many years."
_OPEN = "The bridge at mile {} was built by monks, and it has carried carts and trains for many winters"


def write(path: Path, whole: int, unmarked: int) -> str:
    texts = [_WHOLE.format(index) for index in range(whole)] + [_OPEN.format(1000 + index) for index in range(unmarked)]
    path.write_text("".join(json.dumps({"prompt": f"Bridge {n}?", "completion": text}) + "\n" for n, text in enumerate(texts)))
    return str(path)


def test_a_few_open_ends_are_notes_of_their_own(tmp_path: Path) -> None:
    findings = lint([write(tmp_path / "train.jsonl", 300, 4)], select=["TEXT008"]).findings
    assert [(finding.line, finding.severity) for finding in findings] == [(line, Severity.NOTE) for line in range(301, 305)]


def test_many_open_ends_are_one_note(tmp_path: Path) -> None:
    (finding,) = lint([write(tmp_path / "train.jsonl", 300, 15)], select=["TEXT008"]).findings
    assert (finding.line, finding.severity) == (301, Severity.NOTE)
    assert finding.message.startswith("15 of the file's answers end without a mark, where 95.2% end with one")
    assert [related.line for related in finding.related] == [302, 303, 304, 305, 306]
