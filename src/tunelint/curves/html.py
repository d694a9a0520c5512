"""The report as one HTML page that works offline: the content-security policy forbids every request."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tunelint.curves.charts import loss_chart, metric_chart, overlay_chart, shown
from tunelint.curves.diagnosis import Verdict
from tunelint.curves.diagnosis.metrics import higher_is_better
from tunelint.curves.page import SCRIPT, STYLE
from tunelint.curves.run import Run
from tunelint.curves.terminal import doubt, facts, headline

MOST_METRIC_CHARTS = 6
LEGEND = (
    "orange: eval loss with 2 standard deviations of noise; blue: train loss; dashed: the best eval, or the onset of "
    "overfitting; dotted: epoch borders; triangles: saved checkpoints"
)


def render_report(
    runs: Sequence[tuple[Run, Verdict]],
    findings_section_html: str = "",
    title: str = "tunelint curves",
    data: dict[str, Any] | None = None,
) -> str:
    """Return the page. `findings_section_html` is inserted as it is (its maker escapes it), `data` is the JSON report.

    Every number on the page is printed as the JSON report prints it; that report is inside the page, as
    `<script type="application/json" id="report">`.
    """
    report = data if data is not None else {"version": 1, "runs": [verdict.to_json() for _, verdict in runs], "findings": []}
    drawn = [(run, verdict) for run, verdict in runs if run.evals]
    overlay = f"<h2>All runs</h2>{overlay_chart(drawn)}{_legend(drawn)}" if len(drawn) > 1 else ""
    body = "".join(_section(run, verdict) for run, verdict in runs)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f'{overlay}{body}{findings_section_html}<div id="tip" role="status" hidden></div>'
        f'<script type="application/json" id="report">{_embedded(report)}</script>'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _policy() -> str:
    """Forbid all but the page's own style and its one script, which is named by its digest."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    own = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _embedded(report: dict[str, Any]) -> str:
    text = json.dumps(report, ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _section(run: Run, verdict: Verdict) -> str:
    parts = [
        f"<section><h2>{escape(run.source)}</h2>",
        f'<p class="verdict"><span class="{verdict.verdict}">{headline(verdict)}</span>{doubt(verdict)}</p>',
        f"<dl><dt>confidence</dt><dd>{shown(verdict.confidence)}</dd><dt>rise</dt><dd>{share(verdict.rise)}</dd>",
        *(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in facts(run, verdict) if label != "end"),
        "</dl>",
    ]
    if any(point.finite for point in run.evals):
        parts.append(loss_chart(run, verdict))
        parts.append('<p class="legend">orange: eval loss with 2 standard deviations of noise; blue: train loss; dashed: the best eval, ')
        parts.append("or the onset of overfitting; dotted: epoch borders; triangles: saved checkpoints</p>")
    for metric in _task_metrics(run)[:MOST_METRIC_CHARTS]:
        parts.append(f"<h3>{escape(metric)}</h3>{metric_chart(run, verdict, metric)}")
    parts += [_cause(cause) for cause in verdict.to_json()["evidence"].get("causes", ())]
    if "curve" in verdict.evidence:
        parts.append(f"<h3>every eval</h3>{_table(run, verdict)}")
    return "".join(parts) + "</section>"


def _table(run: Run, verdict: Verdict) -> str:
    metrics = _task_metrics(run)
    heads = ["eval", "epoch", "step", "train loss", "eval loss", "to best", *metrics, "saved"]
    best = -1 if verdict.best is None else verdict.best.index
    rows = [_row(row, metrics, row["index"] == best) for row in verdict.evidence.get("curve", ())]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _row(row: Mapping[str, Any], metrics: list[str], best: bool) -> str:
    saved = {None: "n/a", True: "yes", False: "no"}[row["saved"]]
    cells = [str(row["index"]), *(shown(row[key]) for key in ("epoch", "step", "train_loss", "eval_loss"))]
    cells.append(share(row["to_best"]))
    cells += [shown(row["metrics"].get(name)) for name in metrics] + [saved]
    mark = ' class="best"' if best else ""
    return f"<tr{mark}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _cause(cause: Mapping[str, Any]) -> str:
    """Return a cause with its rows; all numbers come as the JSON has them."""
    numbers = list(dict.fromkeys(name for row in cause["rows"] for name in row["numbers"]))
    heads = "".join(f"<th>{escape(head)}</th>" for head in ("row", "record", "loss", *(name.replace("_", " ") for name in numbers)))
    rows = "".join(
        f"<tr><td>{escape(_place(row))}</td><td><code>{escape(row['record'])}</code></td><td>{shown(row['loss'])}</td>"
        + "".join(f"<td>{shown(row['numbers'].get(name))}</td>" for name in numbers)
        + "</tr>"
        for row in cause["rows"]
    )
    command = f"<p>next: <code>{escape(cause['command'])}</code></p>" if cause["command"] else ""
    table = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    found = f"<details><summary>{len(cause['rows'])} row{'' if len(cause['rows']) == 1 else 's'}</summary>{table}</details>" if rows else ""
    return f"<h3>{escape(cause['kind'].replace('_', ' '))}</h3><p>{escape(cause['message'])}</p>{command}{found}"


def _place(row: Mapping[str, Any]) -> str:
    if row["path"] is None:
        return "n/a"
    return str(row["path"]) if row["line"] is None else f"{row['path']}:{row['line']}"


def share(value: float | None) -> str:
    """Return a share as a percentage that carries the JSON's own number."""
    return "n/a" if value is None else f'<data value="{shown(value)}">{value:+.1%}</data>'


def _task_metrics(run: Run) -> list[str]:
    """Return the metrics with a known direction and at least one finite value."""
    names = dict.fromkeys(name for point in run.evals for name, value in point.metrics.items() if math.isfinite(value))
    return [name for name in names if higher_is_better(name) is not None]


def _legend(runs: Sequence[tuple[Run, Verdict]]) -> str:
    key = '<svg class="key" viewBox="0 0 10 10"><circle class="run-{}" cx="5" cy="5" r="5"/></svg> {}'
    items = (key.format(i % 8, escape(run.source)) for i, (run, _) in enumerate(runs))
    return f'<p class="legend">{"; ".join(items)}</p>'
