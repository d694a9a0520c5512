"""The report as one HTML page that works offline: the content-security policy forbids every request.

What Python writes into the markup is the summary; the findings are data, which the page's one script shows as text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from importlib import resources

from tunelint.engine.result import FileReport, Report
from tunelint.report.as_json import dump
from tunelint.report.html_data import page_data, severity_counts
from tunelint.report.record_view import shown
from tunelint.report.text import plural


def render_html(report: Report) -> Iterator[str]:
    """Yield the page."""
    style, script, body = (_part(name) for name in ("report.css", "report.js", "report.html"))
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    data = dump(page_data(report)).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
    yield f"<title>tunelint: {'passed' if report.ok else 'failed'}</title><style>{style}</style></head><body>"
    yield body.replace("<!--summary-->", _summary(report))
    yield f'<script type="application/json" id="data">{data}</script>'
    yield f"<script>{script}</script></body></html>"


def _part(name: str) -> str:
    return resources.files("tunelint.report").joinpath("page", name).read_text(encoding="utf-8").strip()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _summary(report: Report) -> str:
    counts = "".join(
        f'<li class="{name}"><b>{count:,}</b> {name if count == 1 else name + "s"}</li>' for name, count in severity_counts(report).items()
    )
    facts = [f"{plural(report.records, 'record')} in {plural(len(report.files), 'file')}"]
    if report.target:
        facts.append(f"for {report.target}")
    if report.leakage is not None:
        facts.append(f"{report.leakage.leaked_records:,} of {plural(report.leakage.eval_records, 'eval record')} leaked from train")
    if report.suppressed:
        facts.append(f"{plural(report.suppressed, 'finding')} accepted before")
    word = "passed" if report.ok else "failed"
    gate = f"fails on {report.fail_on}" if report.fail_on != "never" else "never fails"
    return (
        f'<h1>tunelint <span class="verdict {word}">{word}</span></h1><ul class="counts">{counts}</ul>'
        f'<p class="facts">{escape(" · ".join(facts))} · {gate} · tunelint {escape(report.tool["version"])}</p>{_files(report)}'
    )


def _files(report: Report) -> str:
    rows = "".join(_file(file) for file in report.files)
    head = "<th>file</th><th>split</th><th>shape</th><th>records</th><th>faulty</th><th>tokens</th><th>lengths</th>"
    return (
        f'<details open><summary>Files and lengths</summary><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _file(file: FileReport) -> str:
    tokens = file.tokens
    total = "" if tokens is None else f"{'' if tokens.exact else 'about '}{tokens.total:,}"
    lengths = "" if tokens is None or not tokens.bins else _histogram(tokens.bins, tokens.p50, tokens.p95, tokens.max)
    cells = [escape(shown(file.path)), file.split, file.shape, f"{file.records:,}", f"{file.faulty_lines:,}", total]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + f"<td>{lengths}</td></tr>"


def _histogram(bins: tuple[tuple[int, int], ...], p50: float, p95: float, longest: int) -> str:
    """Draw the lengths as bars, a doubling every two bars; the numbers stand beside it for those who read no chart."""
    width, height, most = 9, 34, max(count for _, count in bins)
    bars = "".join(
        f'<rect x="{number * width}" y="{height - max(1.0, height * count / most):.1f}" width="{width - 1}" '
        f'height="{max(1.0, height * count / most):.1f}"><title>up to {edge:,} tokens: {plural(count, "record")}</title></rect>'
        for number, (edge, count) in enumerate(bins)
        if count
    )
    words = f"median {p50:,.0f}, 95 % below {p95:,.0f}, longest {longest:,} tokens"
    size = f'width="{len(bins) * width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="{words}">{bars}</svg><span class="dim">{words}</span>'
