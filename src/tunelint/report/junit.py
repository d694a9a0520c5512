"""JUnit XML: a suite per file, a test case per rule. A case fails when its findings fail the command.

There is no official schema; Jenkins' junit-10.xsd is the strictest in use, and it knows no file and line attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from tunelint.engine.result import Report
from tunelint.findings import Finding, Severity
from tunelint.report.places import repository_path, rules_of
from tunelint.report.text import place, visible

_MOST_LINES = 1_000  # findings written out per case: CI servers keep these texts in memory
_DATASET = "(dataset)"


def render_junit(report: Report) -> Iterator[str]:
    """Yield the XML document. Every rule that ran has a case in every file, so a clean run shows what was checked."""
    rules = {rule.name: rule.code for rule in rules_of(report) if rule.scope not in ("run", "settings")}
    cases: dict[str, dict[str, list[Finding]]] = {file.path: {name: [] for name in rules} for file in report.files}
    for finding in report.findings:
        suite = cases.setdefault(finding.path or _DATASET, {})
        suite.setdefault(finding.name, []).append(finding)
    codes = {finding.name: finding.code for finding in report.findings} | rules
    suites = [_suite(path, found, codes, report.fail_on) for path, found in cases.items()]
    tests, failures = sum(suite[0] for suite in suites), sum(suite[1] for suite in suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="tunelint" tests="{tests}" failures="{failures}" errors="0">'
    for _, _, lines in suites:
        yield from lines
    yield "</testsuites>"


def _suite(path: str, cases: dict[str, list[Finding]], codes: dict[str, str], fail_on: str) -> tuple[int, int, list[str]]:
    name = path if path == _DATASET else repository_path(path)
    lines: list[str] = []
    failures = 0
    for rule in sorted(cases, key=lambda item: codes[item]):
        failing = [finding for finding in cases[rule] if _fails(finding, fail_on)]
        passing = [finding for finding in cases[rule] if not _fails(finding, fail_on)]
        failures += bool(failing)
        lines += _case(name, f"{codes[rule]} {rule}", failing, passing)
    head = f'  <testsuite name={_attribute(name)} tests="{len(cases)}" failures="{failures}" errors="0" skipped="0" time="0">'
    return len(cases), failures, [head, *lines, "  </testsuite>"]


def _fails(finding: Finding, fail_on: str) -> bool:
    return fail_on != "never" and finding.severity.rank >= Severity(fail_on).rank


def _case(suite: str, name: str, failing: Sequence[Finding], passing: Sequence[Finding]) -> Iterator[str]:
    head = f'    <testcase classname={_attribute(suite)} name={_attribute(name)} time="0"'
    if not failing and not passing:
        yield f"{head}/>"
        return
    yield f"{head}>"
    if failing:
        first = failing[0]
        more = f" (and {len(failing) - 1:,} more)" if len(failing) > 1 else ""
        yield f"      <failure type={_attribute(first.severity.value)} message={_attribute(first.message + more)}>{_lines(failing)}</failure>"
    if passing:
        yield f"      <system-out>{_lines(passing)}</system-out>"
    yield "    </testcase>"


def _lines(findings: Sequence[Finding]) -> str:
    lines = [f"{place(finding)}: {finding.severity} {visible(finding.message)}" for finding in findings[:_MOST_LINES]]
    if len(findings) > _MOST_LINES:
        lines.append(f"... and {len(findings) - _MOST_LINES:,} more; --format json has all of them")
    return escape("\n".join(lines))


def _attribute(text: str) -> str:
    return quoteattr(visible(text))
