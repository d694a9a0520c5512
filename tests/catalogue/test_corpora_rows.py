"""Real data sets: every format is recognised, and what is valid there is no error. Needs TUNELINT_CORPORA."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunelint import lint
from tunelint.findings import Severity

FOLDERS = ("llamafactory_demo", "fireworks_cookbook", "ms_swift_examples", "torchtune_assets", "axolotl_fixtures")
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
# No training data: a registry of data sets, and one object that maps paths to problems.
OTHER_FILES = {"dataset_info.json", "math.json"}
# Real faults: an answer that is empty in a fixture about missing turns.
FAULTS = {("conversation.missingturns.json", "empty-content")}


def files(corpora: Path) -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (corpora / folder).rglob("*") if path.suffix in SUFFIXES)


def test_formats_are_recognised_and_valid_rows_are_no_errors(corpora: Path) -> None:
    found = files(corpora)
    assert len(found) > 30
    unknown, errors = [], []
    for path in found:
        report = lint([str(path)], ignore=["too-few-records"])
        if report.files[0].shape in ("unknown", "mixed"):
            unknown.append(path.name)
        elif path.name not in OTHER_FILES:
            errors += [(path.name, finding.name, finding.line) for finding in report.findings if finding.severity is Severity.ERROR]
    assert set(unknown) == OTHER_FILES
    assert [error for error in errors if error[:2] not in FAULTS] == []


@pytest.mark.parametrize("target", ["openai", "azure", "together", "fireworks"])
def test_a_published_openai_data_set_passes_the_services(corpora: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795305600")  # 2026-11-22, before the end of OpenAI's service
    report = lint([str(corpora / "llmcomp_birds/examples/ft_old_audubon_birds.jsonl")], target=target)
    assert report.errors == 0
