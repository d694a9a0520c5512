"""Reports: one module per family of formats. They print findings and know nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tunelint.engine.result import Report
from tunelint.errors import TunelintError

FORMATS = ("full", "concise", "json", "jsonl", "sarif", "junit", "github", "gitlab", "rdjson", "markdown", "html")


def render(report: Report, name: str, *, max_per_rule: int = 10, color: bool = False) -> Iterator[str]:
    """Yield the lines of a report in a format. Raises TunelintError for one that is not there."""
    if name == "full":
        from tunelint.report.text import render_full

        return render_full(report, max_per_rule, color)
    if name == "concise":
        from tunelint.report.text import render_concise

        return render_concise(report, max_per_rule, color)
    if name in ("json", "jsonl"):
        from tunelint.report.as_json import render_json, render_jsonl

        return render_json(report) if name == "json" else render_jsonl(report)
    if name in ("github", "gitlab", "rdjson"):
        from tunelint.report.review import render_github, render_gitlab, render_rdjson

        return {"github": render_github, "gitlab": render_gitlab, "rdjson": render_rdjson}[name](report)
    if name == "sarif":
        from tunelint.report.sarif import render_sarif

        return render_sarif(report)
    if name == "junit":
        from tunelint.report.junit import render_junit

        return render_junit(report)
    if name == "markdown":
        from tunelint.report.markdown import render_markdown

        return render_markdown(report, max_per_rule)
    if name == "html":
        from tunelint.report.html import render_html

        return render_html(report)
    raise TunelintError(f"no format '{name}'; there are {', '.join(FORMATS)}")
