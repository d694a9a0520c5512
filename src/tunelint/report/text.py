"""The formats for people: full and concise. Two colours plus dim, no boxes; the same text piped or not."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from tunelint.engine.result import Report
from tunelint.findings import Excerpt, Finding, Severity
from tunelint.tokens.survivors import joined

_RED, _YELLOW, _DIM, _BOLD, _END = "\033[31m", "\033[33m", "\033[2m", "\033[1m", "\033[0m"
_MOST_RELATED = 3
_LOG_COMMAND = re.compile(r"##(?=\w*\[)")


def visible(text: str) -> str:
    """Return text with its control, format and half characters escaped: data drives neither a terminal nor a CI log."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char == " " else _escaped(char) for char in text)
    return inert(text)


def inert(line: str) -> str:
    """Return a line that no CI system takes for a command: GitHub reads `::error::` at the start of a line and `##[error]`
    anywhere in it, Azure Pipelines `##vso[...]`, TeamCity `##teamcity[...]`."""
    if "##" in line:
        line = _LOG_COMMAND.sub(r"#\\u0023", line)
    if "::" in line and line.lstrip().startswith("::"):
        line = line.replace("::", r"\u003a:", 1)
    return line


def _escaped(char: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if char in short:
        return short[char]
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def place(finding: Finding) -> str:
    """Return `path:line`, the path alone, or a word for the whole set."""
    if finding.path is None:
        return "(dataset)"
    path = visible(finding.path)
    if finding.line is None:
        return f"{path} row {finding.row}" if finding.row else path
    return f"{path}:{finding.line}" + (f"-{finding.end_line}" if finding.end_line and finding.end_line > finding.line else "")


def limited(findings: Iterable[Finding], most: int) -> tuple[list[Finding], Counter[str]]:
    """Return at most `most` findings of each rule (0: all), and how many of each were left out."""
    shown: list[Finding] = []
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.name] += 1
        if not most or seen[finding.name] <= most:
            shown.append(finding)
    left = Counter({name: count - most for name, count in seen.items() if most and count > most})
    return shown, left


def render_concise(report: Report, most: int, color: bool) -> Iterator[str]:
    """Yield one line per finding: path:line:column: CODE name message."""
    shown, left = limited(report.findings, most)
    for finding in shown:
        where = place(finding) + (f":{finding.column}" if finding.column else "")
        yield f"{where}: {_paint(finding.code, finding.severity, color)} {finding.name} {visible(finding.message)}"
    yield from _left_out(left)


def render_full(report: Report, most: int, color: bool) -> Iterator[str]:
    """Yield every finding with its excerpt, partners, reason and help."""
    shown, left = limited(report.findings, most)
    explained: set[str] = set()
    for finding in shown:
        yield f"{place(finding)}  {_paint(f'{finding.code} {finding.name}', finding.severity, color)}  {finding.severity}"
        yield f"  {visible(finding.message)}"
        if finding.excerpt is not None:
            yield from _excerpt(finding.excerpt, color)
        yield from _related(finding)
        if finding.name not in explained:  # why and help once per rule: they do not change
            explained.add(finding.name)
            if finding.why:
                yield _dim(f"  why   {finding.why}", color)
            if finding.help:
                yield _dim(f"  help  {finding.help}", color)
        yield ""
    yield from _left_out(left)
    if left:
        yield ""


def _excerpt(excerpt: Excerpt, color: bool) -> Iterator[str]:
    before, hit = visible(excerpt.text[: excerpt.start]), visible(excerpt.text[excerpt.start : excerpt.end])
    after = visible(excerpt.text[excerpt.end :])
    label = f"  {visible(excerpt.where)}  " if excerpt.where else "  "
    yield inert(f"{label}{before}{hit}{after}")
    if excerpt.end > excerpt.start:
        yield " " * (_width(label) + _width(before)) + _dim("^" * max(1, _width(hit)), color)


def _width(text: str) -> int:
    """Columns that a text takes in a terminal: wide East Asian characters take two, combining marks none."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _related(finding: Finding) -> Iterator[str]:
    for other in finding.related[:_MOST_RELATED]:
        score = f", similarity {other.score:.2f}" if other.score is not None else ""
        where = f"{visible(other.path)}:{other.line}" if other.line else f"{visible(other.path)} row {other.row}"
        yield f"  also  {where}{score}"
    if len(finding.related) > _MOST_RELATED:
        yield f"  also  {len(finding.related) - _MOST_RELATED:,} more"


def _left_out(left: Counter[str]) -> Iterator[str]:
    for name, count in left.items():
        yield f"... and {count:,} more {name} (--max-per-rule 0 shows all)"


def render_summary(report: Report) -> Iterator[str]:
    """Yield the lines at the end of a run."""
    counts = [
        plural(number, word)
        for number, word in ((report.errors, "error"), (report.warnings, "warning"), (report.count(Severity.NOTE), "note"))
        if number
    ]
    tokens = [file.tokens for file in report.files if file.tokens is not None]
    total = sum(item.total for item in tokens)
    exact = all(item.exact for item in tokens)
    size = f", {'' if exact else 'about '}{_short(total)} tokens" if tokens else ""
    found = ", ".join(counts) if counts else "No findings"
    by_rule = " · ".join(f"{name} {count:,}" for name, count in list(report.by_rule.items())[:6])
    yield f"{found} in {plural(report.records, 'record')} ({plural(len(report.files), 'file')}{size})" + (f"   {by_rule}" if by_rule else "")
    ledgers = [ledger for file in report.files if file.split == "train" for ledger in file.ledgers if ledger.rows]
    if ledgers:
        yield joined(ledgers).sentence() + "."
    fixable = Counter(finding.fix for finding in report.findings if finding.fix)
    if fixable:
        words = {"safe": "safely", "unsafe": "with loss (the record is changed or dropped)"}
        parts = [f"{count:,} {words[str(kind)]}" for kind, count in sorted(fixable.items(), key=str)]
        yield f"Fixable: {', '.join(parts)}. Write cleaned copies: tunelint clean."
    if report.findings:
        yield f"Explain a rule: tunelint rule {report.findings[0].name}"
    if report.suppressed:
        yield f"{plural(report.suppressed, 'finding')} left out (accepted by the baseline, per-file ignores or a mark, or not new)."


def plural(number: int, word: str) -> str:
    """Return a count with its word: 1 record, 2 records."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _short(number: int) -> str:
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k")):
        if number >= limit:
            scale = 1_000 if unit == "k" else limit
            return f"{number / scale:.1f}{unit}"
    return f"{number:,}"


def _paint(text: str, severity: Severity, color: bool) -> str:
    if not color:
        return text
    return {"error": _RED, "warning": _YELLOW, "note": _DIM}[severity.value] + _BOLD + text + _END


def _dim(text: str, color: bool) -> str:
    return f"{_DIM}{text}{_END}" if color else text
