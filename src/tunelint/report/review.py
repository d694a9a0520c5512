"""Lines and lists that code review reads: GitHub annotations, GitLab Code Quality, reviewdog's rdjson."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunelint.engine.result import Report
from tunelint.findings import Finding, Related
from tunelint.report.as_json import dump
from tunelint.report.places import HOME, file_of, fingerprints, repository_path, rule_link, rules_of
from tunelint.report.text import place, visible

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_QUALITY = {"error": "critical", "warning": "minor", "note": "info"}
_RDJSON = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def render_github(report: Report) -> Iterator[str]:
    """Yield workflow commands, worst first: a step shows only its first annotations of each level.

    https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
    """
    for finding in sorted(report.findings, key=lambda item: -item.severity.rank):
        keys = {"title": f"tunelint ({finding.code} {finding.name})", "file": repository_path(file_of(finding, report))}
        if finding.line:
            keys["line"] = str(finding.line)
            keys["endLine"] = str(finding.end_line or finding.line)
            if finding.column:
                keys["col"] = str(finding.column)
        listed = ",".join(f"{key}={_property(value)}" for key, value in keys.items())
        yield f"::{_COMMANDS[finding.severity.value]} {listed}::{_data(f'{place(finding)}: {visible(finding.message)}')}"


def _data(text: str) -> str:
    """Escape as the runner's own toolkit does; line ends would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def render_gitlab(report: Report) -> Iterator[str]:
    """Yield a Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""
    yield dump(
        [
            {
                "description": f"{finding.code} {finding.name}: {visible(finding.message)}", "check_name": finding.name, "fingerprint": name,
                "severity": _QUALITY[finding.severity.value],
                "location": {"path": repository_path(file_of(finding, report)), "lines": {"begin": finding.line or 1}},
            }
            for finding, name in zip(report.findings, fingerprints(report.findings), strict=True)
        ]
    )  # fmt: skip


def render_rdjson(report: Report) -> Iterator[str]:
    """Yield one DiagnosticResult: https://github.com/reviewdog/reviewdog/tree/master/proto/rdf. Its columns count bytes."""
    links = {rule.name: rule_link(rule) for rule in rules_of(report)}
    diagnostics = [_diagnostic(finding, report, links.get(finding.name)) for finding in report.findings]
    yield dump({"source": {"name": "tunelint", "url": HOME}, "diagnostics": diagnostics})


def _diagnostic(finding: Finding, report: Report, link: str | None) -> dict[str, Any]:
    location: dict[str, Any] = {"path": repository_path(file_of(finding, report))}
    if finding.line:
        start = {"line": finding.line, **({"column": finding.byte_column} if finding.byte_column else {})}
        location["range"] = {"start": start, **({"end": {"line": finding.end_line}} if finding.end_line else {})}
    diagnostic: dict[str, Any] = {
        "message": visible(finding.message), "location": location, "severity": _RDJSON[finding.severity.value],
        "code": {"value": finding.code, **({"url": link} if link else {})},
    }  # fmt: skip
    if finding.related:
        diagnostic["related_locations"] = [_partner(other) for other in finding.related]
    return diagnostic


def _partner(other: Related) -> dict[str, Any]:
    location: dict[str, Any] = {"path": repository_path(other.path)}
    if other.line:
        location["range"] = {"start": {"line": other.line}}
    score = f"similarity {other.score:.2f}" if other.score is not None else "belongs to it"
    return {"message": score, "location": location}
