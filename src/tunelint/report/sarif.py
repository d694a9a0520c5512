"""SARIF 2.1.0 (OASIS), as code scanning reads it: https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tunelint.engine.result import Report
from tunelint.findings import Finding, Related
from tunelint.report.as_json import dump
from tunelint.report.places import HOME, file_of, fingerprints, rule_link, rules_of, uri
from tunelint.report.text import visible
from tunelint.rulebook import Rule

# Code scanning refuses a run with more than 25,000 results, and one noisy rule must not push out the others.
MOST_PER_RULE, MOST_RESULTS = 1_000, 25_000
MOST_RELATED, LONGEST_SNIPPET = 20, 200
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def render_sarif(report: Report) -> Iterator[str]:
    """Yield the report as one SARIF log."""
    yield dump(sarif_object(report))


def sarif_object(report: Report) -> dict[str, Any]:
    """Return the SARIF log: one run, its rules, files, results, and a notification for what was left out."""
    shown, left = capped(report.findings)
    rules = list(rules_of(report))
    index = {rule.name: number for number, rule in enumerate(rules)}
    names = dict(zip(map(id, shown), fingerprints(shown), strict=True))
    run = {
        "tool": {
            "driver": {
                "name": report.tool["name"], "semanticVersion": report.tool["version"], "version": report.tool["version"],
                "informationUri": HOME, "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the checked folder or repository."}}},
        "artifacts": [
            {"location": _artifact(file.path), "length": file.bytes, "hashes": {"sha-256": file.sha256}, "roles": ["analysisTarget"]}
            for file in report.files
        ],
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(left)}],
        "results": [_result(finding, report, index, names[id(finding)]) for finding in shown],
    }  # fmt: skip
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def capped(findings: Sequence[Finding]) -> tuple[list[Finding], Counter[str]]:
    """Return the findings that fit into the limits, worst first where they do not, and how many of each rule do not."""
    seen: Counter[str] = Counter()
    fitting = []
    for finding in findings:
        seen[finding.name] += 1
        if seen[finding.name] <= MOST_PER_RULE:
            fitting.append(finding)
    if len(fitting) > MOST_RESULTS:
        fitting = sorted(sorted(fitting, key=lambda item: -item.severity.rank)[:MOST_RESULTS], key=Finding.sort_key)
    left = seen - Counter(finding.name for finding in fitting)
    return fitting, left


def _notifications(left: Counter[str]) -> list[dict[str, Any]]:
    return [
        {
            "level": "warning", "descriptor": {"id": "results-capped"},
            "message": {
                "text": f"{count:,} more findings of {name} are left out here: code scanning takes a limited number of results. "
                "`tunelint lint --format json` has all of them."
            },
        }
        for name, count in left.items()
    ]  # fmt: skip


def _rule(rule: Rule) -> dict[str, Any]:
    link = rule_link(rule)
    described: dict[str, Any] = {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary or rule.name},
        "fullDescription": {"text": rule.why or rule.summary or rule.name},
        "help": {"text": rule.help or rule.name, "markdown": _markdown(rule)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity.value]},
        "properties": {"tags": ["fine-tuning-data", rule.family.lower(), rule.scope], "precision": "high"},
    }
    return {**described, "helpUri": link} if link else described


def _markdown(rule: Rule) -> str:
    parts = [f"**{rule.code} {rule.name}**", rule.summary, rule.why and f"*Why it hurts.* {rule.why}", rule.help and f"*How to fix.* {rule.help}"]
    return "\n\n".join(part for part in parts if part)


def _artifact(path: str) -> dict[str, str]:
    place = uri(path)
    return {"uri": place} if place.startswith("file:") else {"uri": place, "uriBaseId": "%SRCROOT%"}


def _result(finding: Finding, report: Report, index: dict[str, int], name: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity.value],
        "message": {"text": visible(finding.message)},
        "locations": [_location(finding, report)],
        "partialFingerprints": {"recordDigest/v1": name},
        "properties": {"rule": finding.name, "record": finding.record, "row": finding.row, "count": finding.count, "fix": finding.fix},
    }
    if finding.name in index:
        result["ruleIndex"] = index[finding.name]
    if finding.count > 1:
        result["occurrenceCount"] = finding.count
    if finding.related:
        result["relatedLocations"] = [_related(number, other) for number, other in enumerate(finding.related[:MOST_RELATED], 1)]
    return result


def _location(finding: Finding, report: Report) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": finding.line or 1}
    if finding.end_line and finding.end_line > region["startLine"]:
        region["endLine"] = finding.end_line
    if finding.line and finding.column:
        region["startColumn"] = finding.column
    if finding.byte_offset is not None:
        region["byteOffset"] = finding.byte_offset
    if finding.excerpt is not None and finding.excerpt.text:
        region["snippet"] = {"text": visible(finding.excerpt.text)[:LONGEST_SNIPPET]}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact(file_of(finding, report)), "region": region}}
    if finding.pointer is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(f"row {finding.row}: {finding.pointer or '(record)'}"), "kind": "element"}]
    return location


def _related(number: int, other: Related) -> dict[str, Any]:
    score = f", similarity {other.score:.2f}" if other.score is not None else ""
    where = f"row {other.row}" if other.row else "record"
    place = {"artifactLocation": _artifact(other.path), "region": {"startLine": other.line or 1}}
    return {"id": number, "physicalLocation": place, "message": {"text": f"{where}{score}"}}
