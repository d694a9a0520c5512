"""Markdown for job summaries and comments. Everything from the data stands in code spans that it cannot close."""

from __future__ import annotations

from collections.abc import Iterator

from tunelint.engine.result import Report
from tunelint.findings import Finding, Severity
from tunelint.report.places import rule_link, rules_of
from tunelint.report.text import limited, place, plural, visible


def render_markdown(report: Report, most: int) -> Iterator[str]:
    """Yield a summary: the verdict, the files, the rules by number of findings, then at most `most` findings per rule."""
    yield f"## tunelint: {'passed' if report.ok else 'failed'}"
    yield ""
    counts = [plural(report.count(severity), severity.value) for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)]
    yield f"{', '.join(counts)} in {plural(report.records, 'record')} of {plural(len(report.files), 'file')}."
    if report.suppressed:
        yield f"{plural(report.suppressed, 'finding')} accepted before."
    if report.leakage is not None:
        yield f"{report.leakage.leaked_records:,} of {plural(report.leakage.eval_records, 'eval record')} leaked from train."
    yield ""
    yield from _files(report)
    if report.findings:
        yield from _rules(report)
        yield from _details(report, most)


def _files(report: Report) -> Iterator[str]:
    yield "| file | split | shape | records | faulty lines | tokens |"
    yield "| --- | --- | --- | ---: | ---: | ---: |"
    for file in report.files:
        tokens = "" if file.tokens is None else f"{'' if file.tokens.exact else 'about '}{file.tokens.total:,}"
        yield f"| {_cell(code(file.path))} | {file.split} | {file.shape} | {file.records:,} | {file.faulty_lines:,} | {tokens} |"
    yield ""


def _rules(report: Report) -> Iterator[str]:
    links = {rule.name: rule_link(rule) for rule in rules_of(report)}
    first = {finding.name: finding for finding in reversed(report.findings)}
    yield "| rule | severity | findings | what to do |"
    yield "| --- | --- | ---: | --- |"
    for name, count in report.by_rule.items():
        finding = first[name]
        title = f"{finding.code} {name}"
        link = links.get(name)
        yield f"| {f'[{title}]({link})' if link else title} | {_worst(report, name)} | {count:,} | {_cell(finding.help)} |"
    yield ""


def _worst(report: Report, name: str) -> str:
    return max((finding.severity for finding in report.findings if finding.name == name), key=lambda severity: severity.rank).value


def _details(report: Report, most: int) -> Iterator[str]:
    shown, left = limited(report.findings, most)
    yield "<details><summary>Findings</summary>"
    yield ""
    for finding in sorted(shown, key=lambda item: -item.severity.rank):
        yield f"- {finding.severity} {code(place(finding))} {finding.code} {finding.name}: {code(finding.message)}{_also(finding)}"
    for name, count in left.items():
        yield f"- ... and {count:,} more {name}"
    yield ""
    yield "</details>"


def _also(finding: Finding) -> str:
    places = [f"{other.path}:{other.line}" if other.line else f"{other.path} row {other.row}" for other in finding.related[:2]]
    return f" (also {', '.join(code(where) for where in places)})" if places else ""


def code(text: str) -> str:
    """Return text as a code span, whose fences are longer than any run of backticks in it."""
    plain = visible(text)
    fence = "`"
    while fence in plain:
        fence += "`"
    pad = " " if plain.startswith("`") or plain.endswith("`") or not plain else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _cell(text: str) -> str:
    """Return a sentence of our own pages for a table cell."""
    return " ".join(text.split()).replace("|", "\\|")
