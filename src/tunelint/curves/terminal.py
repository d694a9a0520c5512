"""The verdicts and a small plot as plain text: the same characters piped or not, colour only where asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunelint.curves.charts import shown
from tunelint.curves.diagnosis import Verdict
from tunelint.curves.report import CurveReport
from tunelint.curves.run import Run
from tunelint.curves.scale import Scale, eval_xs, loss_scale, train_points, x_axis

COLUMNS, ROWS = 64, 12
ROWS_SHOWN = 3
"""Rows named per cause; all of them are in the JSON and the HTML report."""
_RED, _YELLOW, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_COLOURS = {"overfit": _RED, "diverged": _RED, "overconfident": _YELLOW, "still_improving": _YELLOW}


def render_terminal(report: CurveReport, color: bool) -> str:
    """Return the report as text, one block per run."""
    return "\n".join(_block(run, verdict, color) for run, verdict in report.runs)


def _block(run: Run, verdict: Verdict, color: bool) -> str:
    head = f"{_paint(headline(verdict), _BOLD + _COLOURS.get(verdict.verdict, ''), color)}{doubt(verdict)}"
    lines = [f"{printable(run.source)}: {head} (confidence {verdict.confidence:.2f})"]
    lines += [f"  {label:<9} {text}" for label, text in facts(run, verdict)]
    for cause in verdict.evidence.get("causes", ()):
        lines += _cause_lines(cause)
    if any(point.finite for point in run.evals):
        lines += ["", *plot(run, verdict)]
    return "\n".join(lines) + "\n"


def headline(verdict: Verdict) -> str:
    """Return the verdict in words: `overfit, strong`."""
    return verdict.verdict.replace("_", " ") + (f", {verdict.severity}" if verdict.severity else "")


def doubt(verdict: Verdict) -> str:
    """Return what the clean eval rows say where leaked ones hide it, "" where they agree."""
    honest = verdict.evidence.get("without_leaks")
    if not honest or honest["verdict"] == verdict.verdict:
        return ""
    return f", but {honest['verdict'].replace('_', ' ')} without the leaked eval rows"


def _cause_lines(cause: Mapping[str, Any]) -> list[str]:
    """Return a cause, its first rows and the next command."""
    lines = [f"  {'rows':<9} {printable(cause['message'])}"]
    shown_rows = [f"{row['path']}:{row['line']} (loss {row['loss']:.3g})" for row in cause["rows"][:ROWS_SHOWN] if row["path"]]
    if shown_rows:
        more = len(cause["rows"]) - len(shown_rows)
        lines.append(f"  {'':<9} {printable(', '.join(shown_rows))}" + (f" and {more} more" if more > 0 else ""))
    if cause["command"]:
        lines.append(f"  {'':<9} next: {printable(cause['command'])}")
    return lines


def facts(run: Run, verdict: Verdict) -> list[tuple[str, str]]:
    """Return (label, text) of what a reader wants to know first, in the JSON's numbers."""
    rows: list[tuple[str, str]] = []
    if verdict.best is not None:
        rows.append(("best", f"eval loss {shown(verdict.best.eval_loss)} at {_at(verdict.best)}"))
    if verdict.rise is not None:
        rows.append(("end", f"{verdict.rise:+.1%} over the best"))
    paired = verdict.evidence.get("paired")
    if paired:
        low, high = paired["interval_90"]
        counted = f" on {paired['rows']} paired rows" if paired["rows"] else ""
        rows.append(("interval", f"{low:+.1%} to {high:+.1%} (90 %{counted})"))
    if verdict.metrics:
        rows.append(("metrics", ", ".join(f"{name} {change}" for name, change in verdict.metrics.items())))
    if verdict.recommended is not None:
        next_time = verdict.recommended.epochs_next_time
        rows.append(("keep", f"{_at(verdict.recommended)}" + (f"; epochs next time: {next_time}" if next_time else "")))
        rows.append(("why", verdict.recommended.why))
    unused = verdict.evidence.get("unused_share")
    if unused and verdict.loss_rose:
        rows.append(("unused", f"{unused:.0%} of the run came after it"))
    if "reason" in verdict.evidence:
        rows.append(("reason", verdict.evidence["reason"]))
    if verdict.memorisation_risk:
        rows.append(("memory", f"{verdict.memorisation_risk}: " + "; ".join(verdict.evidence["memorisation"])))
    for name, other in verdict.evidence.get("eval_sets", {}).items():
        rise = f", {other['rise']:+.1%}" if "rise" in other else ""
        rows.append(("eval set", f"{printable(name)}: {other['verdict'].replace('_', ' ')}{rise}"))
    honest = verdict.evidence.get("without_leaks")
    if honest and honest["rise"] is not None:
        rows.append(("no leaks", f"{honest['verdict'].replace('_', ' ')} by the clean eval rows alone ({honest['rise']:+.1%} at the end)"))
    rows += [("note", note) for note in run.notes]
    return [(label, printable(text)) for label, text in rows]


def plot(run: Run, verdict: Verdict) -> list[str]:
    """Return a plot of 12 lines: `o` eval loss, `*` the best, `.` the train loss (mean per column), `^` saved."""
    axis = x_axis(run)
    xs = eval_xs(run, axis)
    trains = train_points(run, axis)
    places = [*xs, *(place for place, _ in trains)]
    x = Scale(min(places), max(places), 0, COLUMNS - 1)
    columns: dict[int, list[float]] = {}
    for place, loss in trains:
        columns.setdefault(round(x(place)), []).append(loss)
    means = {column: sum(losses) / len(losses) for column, losses in columns.items()}
    evals = [(round(x(place)), point.loss, i) for i, (place, point) in enumerate(zip(xs, run.evals, strict=True)) if point.finite]
    y = loss_scale([loss for _, loss, _ in evals if loss is not None], list(means.values()), ROWS - 1, 0)
    cells = [[" "] * COLUMNS for _ in range(ROWS)]
    for column, loss in means.items():
        cells[round(y(loss))][column] = "."
    best = verdict.best.index if verdict.best is not None else -1
    for column, value, index in sorted(evals, key=lambda mark: mark[2] == best):
        if value is not None:
            cells[round(y(value))][column] = "*" if index == best else "o"
    labels = {0: f"{y.high:.3g}", ROWS - 1: f"{y.low:.3g}"}
    lines = [f"  {labels.get(i, ''):>8} |{''.join(row).rstrip()}" for i, row in enumerate(cells)]
    saved = [" "] * COLUMNS
    for column, _, index in evals:
        if run.saved_steps is not None and run.evals[index].step in run.saved_steps:
            saved[column] = "^"
    lines.append(f"  {'':>8} +{''.join('^' if mark == '^' else '-' for mark in saved)}")
    ends = f"{shown(_whole(min(places)))}", f"{shown(_whole(max(places)))} {axis}"
    lines.append(f"  {'':>8}  {ends[0]}{' ' * max(1, COLUMNS - len(ends[0]) - len(ends[1]))}{ends[1]}")
    kinds = ["o eval loss", "* best"] + ([". train loss"] if means else []) + (["^ saved"] if "^" in saved else [])
    lines.append(f"  {'':>8}  {'   '.join(kinds)}" + ("   (log loss axis)" if y.log else ""))
    return lines


def printable(text: str) -> str:
    """Return `text` without control characters, so that a log cannot drive the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _at(point: object) -> str:
    step, epoch = getattr(point, "step", None), getattr(point, "epoch", None)
    parts = ([f"step {shown(step)}"] if step is not None else []) + ([f"epoch {shown(epoch)}"] if epoch is not None else [])
    return ", ".join(parts) or f"eval {getattr(point, 'index', '')}".rstrip()


def _whole(value: float) -> float | int:
    return int(value) if math.isfinite(value) and value.is_integer() else value


def _paint(text: str, code: str, color: bool) -> str:
    return f"{code}{text}{_PLAIN}" if color and code else text
