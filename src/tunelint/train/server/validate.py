"""The linter as gatekeeper: every upload is linted, and a job on bad data ends before it trains."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tunelint.api import lint
from tunelint.engine.result import Report
from tunelint.errors import TunelintError
from tunelint.findings import Finding, Severity
from tunelint.report.as_json import finding_object, report_object

MOST_FINDINGS = 100
SHOWN = 5


def lint_files(train: Path, evaluation: Path | None = None) -> Report:
    """Lint the files of a job as the local trainer will read them. Raises TunelintError for one that cannot be read."""
    return lint(train=[str(train)], eval=[str(evaluation)] if evaluation else [], target="tunelint", jobs=1)


def upload_verdict(path: Path) -> tuple[str, str]:
    """Return the status of an upload, "processed" or "error", and one sentence on what the linter says.

    An upload does not say what it is for, so one that is bad as a training file is bad only where it is bad as a
    validation file too: eight records are too few to train on, and enough to measure on.
    """
    try:
        report = lint_files(path)
        fit_for_eval = bool(report.errors) and not lint(eval=[str(path)], target="tunelint", jobs=1).errors
    except TunelintError as error:
        return "error", str(error)
    says = f"{_errors(report.errors)} in {sum(file.records for file in report.files):,} records"
    if not report.errors:
        return "processed", f"tunelint: {says}"
    if fit_for_eval:
        return "processed", f"tunelint: 0 errors as a validation file; as a training file {says} ({_counts(report)})"
    return "error", f"tunelint: {says} ({_counts(report)})"


def job_error(report: Report) -> dict[str, Any] | None:
    """Return the `error` of a job on this data, None where it may train.

    Besides OpenAI's code, message and param it holds `report`: the summary and the findings of the linter.
    """
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if not errors:
        return None
    splits: dict[str, str] = {file.path: file.split for file in report.files}
    first = [_line(finding, splits) for finding in errors[:SHOWN]]
    more = f"; and {len(errors) - SHOWN:,} more" if len(errors) > SHOWN else ""
    bad_eval = all(splits.get(finding.path or "") == "eval" for finding in errors)
    return {
        "code": "invalid_validation_file" if bad_eval else "invalid_training_file",
        "param": "validation_file" if bad_eval else "training_file",
        "message": f"The data has {_errors(len(errors))} ({_counts(report)}): {'; '.join(first)}{more}",
        "report": {
            "summary": report_object(report)["summary"],
            "findings": [_without_path(finding, splits) for finding in report.findings[:MOST_FINDINGS]],
        },
    }


def _errors(count: int) -> str:
    return f"{count:,} error{'' if count == 1 else 's'}"


def _counts(report: Report) -> str:
    counts = Counter(finding.name for finding in report.findings if finding.severity is Severity.ERROR)
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def _line(finding: Finding, splits: dict[str, str]) -> str:
    split = splits.get(finding.path or "")
    place = f"{'validation' if split == 'eval' else 'training'} file, line {finding.line}" if finding.line else "the data"
    return f"{place}: {finding.code} {finding.message.rstrip('.')}"


def _without_path(finding: Finding, splits: dict[str, str]) -> dict[str, Any]:
    """The finding as JSON; our paths mean nothing to the client, so the file is named by what it is for."""
    names = {path: "validation_file" if split == "eval" else "training_file" for path, split in splits.items()}
    renamed: dict[str, Any] = _renamed(finding_object(finding), names)
    return renamed


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: names.get(item, item) if key == "path" and isinstance(item, str) else _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list | tuple) else value
