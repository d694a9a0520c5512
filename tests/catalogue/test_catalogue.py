"""Every planted defect is reported at its line by the rule that owns it, and nothing else is; valid rows are silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from defects import CHAT_DEFECTS, DEFECTS, VALID, VALID_ELSEWHERE, Defect

from tunelint import Report, lint
from tunelint.findings import Severity
from tunelint.rulebook import load_rulebook

RULES = {rule.name for rule in load_rulebook()}
# Forty rows are few and stand alone: true of every file here, and not what is asked.
EXPECTED = {"small-dataset", "missing-eval-split", "small-eval-split", "too-few-records"}


@pytest.fixture(autouse=True)
def _fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(files: dict[str, bytes], **settings: str | None) -> Report:
    for name, data in files.items():
        Path(name).write_bytes(data)
    return lint(list(files), **settings)


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_planted_defect(defect: Defect) -> None:
    if defect.rule not in RULES:
        pytest.skip(f"waits for its rule {defect.rule}")
    report = run(defect.files, pack=defect.pack)
    own = report.of_rule(defect.rule)
    assert own, f"{defect.rule} says nothing; found {report.by_rule}"
    if defect.lines is not None:
        assert all(finding.path == defect.path and finding.line in defect.lines for finding in own), [(f.path, f.line) for f in own]
    others = [
        (finding.line, finding.name, finding.message)
        for finding in report.findings
        if finding.severity is not Severity.NOTE and finding.name not in EXPECTED | {defect.rule}
        and not (defect.lines is not None and finding.line in defect.lines)
    ]  # fmt: skip
    assert others == [], "other rows are reported too"


def test_there_are_57_chat_defects() -> None:
    assert len(CHAT_DEFECTS) == 57
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize(
    ("name", "target"), [*((name, None) for name in (*VALID, *VALID_ELSEWHERE)), *((name, "openai") for name in VALID)]
)
def test_valid_rows_are_silent(name: str, target: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795305600")  # 2026-11-22: later the service's end is an error
    rows = {**VALID, **VALID_ELSEWHERE}[name]()
    report = run({"train.jsonl": rows}, target=target)
    loud = [(finding.line, finding.name, finding.message) for finding in report.findings if finding.severity is not Severity.NOTE]
    assert [item for item in loud if item[1] not in EXPECTED] == []
