"""The machine formats json and jsonl. Their keys are a contract: added to, never renamed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tunelint.engine.result import FileReport, Report
from tunelint.findings import Finding, Severity

_ACTIVE = re.compile("[\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def finding_object(finding: Finding) -> dict[str, Any]:
    """Return a finding as the JSON object of the contract."""
    return {
        "code": finding.code, "name": finding.name, "severity": finding.severity.value, "message": finding.message,
        "help": finding.help, "path": finding.path, "line": finding.line, "end_line": finding.end_line,
        "column": finding.column, "byte_offset": finding.byte_offset, "pointer": finding.pointer, "row": finding.row,
        "record": finding.record, "count": finding.count, "score": finding.score,
        "related": [
            {"path": other.path, "line": other.line, "row": other.row, "record": other.record, "score": other.score}
            for other in finding.related
        ],
        "fix": finding.fix,
    }  # fmt: skip


def file_object(file: FileReport) -> dict[str, Any]:
    """Return a file as the JSON object of the contract."""
    tokens = file.tokens
    return {
        "path": file.path, "split": file.split, "split_reason": file.reason, "shape": file.shape, "records": file.records,
        "faulty_lines": file.faulty_lines, "bytes": file.bytes, "sha256": file.sha256,
        "tokens": None if tokens is None else {
            "counter": tokens.counter, "exact": tokens.exact, "total": tokens.total, "trained": tokens.trained,
            "p50": tokens.p50, "p95": tokens.p95, "max": tokens.max,
        },
    }  # fmt: skip


def report_object(report: Report) -> dict[str, Any]:
    """Return the report as the one JSON object of `--format json`."""
    leakage = report.leakage
    return {
        "version": 1,
        "tool": report.tool,
        "target": report.target,
        "files": [file_object(file) for file in report.files],
        "findings": [finding_object(finding) for finding in report.findings],
        "leakage": None if leakage is None else {
            "eval_records": leakage.eval_records, "leaked_records": leakage.leaked_records, "by_rule": leakage.by_rule,
        },
        "summary": {
            "records": report.records, "errors": report.errors, "warnings": report.warnings,
            "notes": report.count(Severity.NOTE), "by_rule": report.by_rule, "suppressed": report.suppressed,
        },
        "ok": report.ok,
    }  # fmt: skip


def report_from_object(value: dict[str, Any], fail_on: str = "error") -> Report:
    """Return the report that `report_object` wrote (without what JSON does not hold: excerpts, edits)."""
    from tunelint.engine.result import Leakage, TokenSummary
    from tunelint.findings import Related

    files = tuple(
        FileReport(
            file["path"], file["split"], file["shape"], file["records"], file["faulty_lines"], file["bytes"], file["sha256"],
            None if file["tokens"] is None else TokenSummary(**file["tokens"]), file.get("split_reason", ""),
        )
        for file in value["files"]
    )  # fmt: skip
    findings = tuple(
        Finding(
            **{
                **finding,
                "severity": Severity(finding["severity"]),
                "related": tuple(
                    Related(other["path"], other["line"], other["record"], other["score"], other.get("row")) for other in finding["related"]
                ),
            }
        )
        for finding in value["findings"]
    )
    leakage = None if value["leakage"] is None else Leakage(**value["leakage"])
    return Report(files, findings, leakage, value["summary"]["suppressed"], value["target"], fail_on)


def dump(value: Any) -> str:
    """Return JSON text that is always valid UTF-8, and that no terminal, log or line splitter reads as more than text:
    half characters, C1 controls, bidi marks, line separators and `##[command]` are escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text = _ACTIVE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    if "##" in text:
        text = text.replace("##", r"#\u0023")
    return text


def render_json(report: Report) -> Iterator[str]:
    """Yield the report as one JSON object."""
    yield dump(report_object(report))


def render_jsonl(report: Report) -> Iterator[str]:
    """Yield one line per finding."""
    for finding in report.findings:
        yield dump(finding_object(finding))
