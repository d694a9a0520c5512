"""Lint and FIT findings as a section of an HTML page. Everything that comes from the data is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tunelint.engine.result import Report
from tunelint.findings import Finding
from tunelint.report.text import place, visible

_MOST_ROWS = 200
# The page's own tables hold numbers, these hold words. On a narrow screen a finding is a paragraph, not a row.
_STYLE = (
    "table.words th,table.words td{text-align:left;vertical-align:top}table.words code{font-size:.9em}"
    "table.findings td:nth-child(3){overflow-wrap:anywhere;min-width:7rem}"
    "@media (max-width:600px){table.findings thead{display:none}table.findings tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}"
    "table.findings td{display:inline;border:0;padding:0 .5rem 0 0}table.findings td:nth-child(2){font-weight:600}"
    "table.findings td:nth-child(4){display:block}}"
)


def findings_section(report: Report | None, run_findings: Sequence[Finding] = ()) -> str:
    """Return the findings of the run and of the data it was trained on as HTML."""
    parts = [f"<style>{_STYLE}</style>"]
    if run_findings:
        parts.append("<section><h2>What the run shows</h2>" + _table(run_findings) + "</section>")
    if report is not None:
        parts.append("<section><h2>The data</h2>" + _files(report) + _counts(report) + _table(report.findings) + "</section>")
    return "".join(parts)


def _files(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{escape(visible(file.path))}</td><td>{file.split}</td><td>{file.shape}</td><td>{file.records:,}</td>"
        f"<td><code>{file.sha256[:16]}</code></td></tr>"
        for file in report.files
    )
    head = "".join(f"<th>{name}</th>" for name in ("file", "split", "shape", "records", "sha256"))
    return f'<div class="scroll"><table class="words"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _counts(report: Report) -> str:
    removed = report.extras.get("removed")
    words = f"<p>{report.errors:,} errors and {report.warnings:,} warnings in the data that was trained on."
    if removed:
        listed = ", ".join(f"{escape(rule)} {count:,}" for rule, count in removed.items())
        words += f" Removed before training: {listed}."
    return words + "</p>"


def _table(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>No findings.</p>"
    rows = "".join(
        f"<tr><td>{finding.severity}</td><td>{finding.code} {escape(finding.name)}</td><td>{escape(place(finding))}</td>"
        f"<td>{escape(visible(finding.message))}</td></tr>"
        for finding in findings[:_MOST_ROWS]
    )
    more = f"<p>... and {len(findings) - _MOST_ROWS:,} more.</p>" if len(findings) > _MOST_ROWS else ""
    head = "<tr><th>severity</th><th>rule</th><th>where</th><th>what</th></tr>"
    return f'<div class="scroll"><table class="words findings"><thead>{head}</thead><tbody>{rows}</tbody></table></div>{more}'
