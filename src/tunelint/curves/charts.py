"""Inline SVG charts of a run: no script, no font, no network; colours come from the page's CSS variables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tunelint.curves.diagnosis import Verdict
from tunelint.curves.diagnosis.verdict import plain
from tunelint.curves.run import Run, is_loss
from tunelint.curves.scale import Scale, epoch_borders, eval_xs, loss_scale, train_points, x_axis

WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 14, 40
MOST_TRAIN_POINTS = 1500


def shown(value: object) -> str:
    """Return a number exactly as the JSON report writes it, `n/a` for none."""
    number = plain(value)
    return "n/a" if number is None else str(number)


def loss_chart(run: Run, verdict: Verdict) -> str:
    """Return the train and eval loss over steps, with epoch borders, noise band, best, onset and saved checkpoints."""
    axis = x_axis(run)
    xs = eval_xs(run, axis)
    trains = train_points(run, axis)
    evals = [point.loss if point.finite and point.loss is not None else math.nan for point in run.evals]
    x = _x_scale([*xs, *(place for place, _ in trains)])
    y = loss_scale(evals, [loss for _, loss in trains], HEIGHT - BOTTOM, TOP)
    parts = [_frame(x, y, axis), _borders(run, axis, x)]
    parts.append(_band(xs, evals, verdict, x, y))
    parts.append(f'<polyline class="train" points="{_line(_thinned(trains), x, y)}"/>')
    parts += [f'<polyline class="eval" points="{_line(piece, x, y)}"/>' for piece in _pieces(xs, evals)]
    parts += _marks(run, verdict, xs, x)
    parts += [_dot(run, verdict, i, xs[i], loss, x, y) for i, loss in enumerate(evals) if math.isfinite(loss)]
    return _svg("".join(parts), f"train and eval loss of {run.source}")


def metric_chart(run: Run, verdict: Verdict, name: str) -> str:
    """Return one task metric over steps, with the best and onset lines of the loss chart."""
    axis = x_axis(run)
    xs = eval_xs(run, axis)
    values = [value if is_loss(value := point.metrics.get(name, math.nan)) else math.nan for point in run.evals]
    x = _x_scale(xs)
    y = loss_scale(values, [], HEIGHT - BOTTOM, TOP)
    parts = [_frame(x, y, axis)]
    parts += [f'<polyline class="metric" points="{_line(piece, x, y)}"/>' for piece in _pieces(xs, values)]
    parts += _marks(run, verdict, xs, x)
    for i, value in enumerate(values):
        if math.isfinite(value):
            tip = f"{name} {shown(value)} at {_where(run, i)}"
            parts.append(_circle("metric-dot", x(xs[i]), y(value), tip))
    return _svg("".join(parts), f"{name} of {run.source}")


def overlay_chart(runs: Sequence[tuple[Run, Verdict]]) -> str:
    """Return the eval losses of several runs in one chart: over epochs where all have them, else over steps."""
    axis = next((axis for axis in ("epoch", "step") if all(_has(run, axis) for run, _ in runs)), "index")
    lines = [(run, eval_xs(run, axis), [point.loss if point.finite else math.nan for point in run.evals]) for run, _ in runs]
    x = _x_scale([place for _, xs, _ in lines for place in xs])
    y = loss_scale([loss for _, _, losses in lines for loss in losses if loss is not None], [], HEIGHT - BOTTOM, TOP)
    parts = [_frame(x, y, axis)]
    for place, (run, xs, losses) in enumerate(lines):
        values = [math.nan if loss is None else loss for loss in losses]
        colour = f"run-{place % 8}"
        parts += [f'<polyline class="eval {colour}" points="{_line(piece, x, y)}"/>' for piece in _pieces(xs, values)]
        for i, loss in enumerate(values):
            if math.isfinite(loss):
                parts.append(_circle(f"dot {colour}", x(xs[i]), y(loss), f"{run.source}: {shown(loss)} at {_where(run, i)}"))
    return _svg("".join(parts), "eval losses of all runs")


def _svg(body: str, title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{body}</svg>'


def _x_scale(values: Sequence[float]) -> Scale:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    return Scale(min(low, 0.0) if low <= (high - low) * 0.3 else low, high if high > low else low + 1, LEFT, WIDTH - RIGHT)


def _frame(x: Scale, y: Scale, axis: str) -> str:
    parts = []
    for tick in y.ticks():
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
    for tick in x.ticks(8):
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:.6g}</text>')
    name = {"step": "step", "epoch": "epoch", "index": "eval"}[axis] + (" (log loss)" if y.log else "")
    parts.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{name}</text>')
    return "".join(parts)


def _borders(run: Run, axis: str, x: Scale) -> str:
    lines = []
    for epoch, place in epoch_borders(run, axis):
        line = f'<line class="border" x1="{x(place):.1f}" x2="{x(place):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}">'
        lines.append(f"{line}<title>end of epoch {epoch}</title></line>")
    return "".join(lines)


def _band(xs: list[float], losses: list[float], verdict: Verdict, x: Scale, y: Scale) -> str:
    """Draw two standard deviations of the curve's own noise around the eval loss."""
    noise = verdict.evidence.get("noise") or 0.0
    points = [(place, loss) for place, loss in zip(xs, losses, strict=True) if math.isfinite(loss)]
    if not noise or len(points) < 2:
        return ""
    floor = y.low
    upper = [(place, min(loss + 2 * noise, y.high)) for place, loss in points]
    lower = [(place, max(loss - 2 * noise, floor)) for place, loss in reversed(points)]
    title = "<title>2 standard deviations of noise</title>"
    return f'<polygon class="band" points="{_line([*upper, *lower], x, y)}">{title}</polygon>'


def _marks(run: Run, verdict: Verdict, xs: list[float], x: Scale) -> list[str]:
    parts = []
    if verdict.onset is not None:
        parts.append(_upright("onset", x(xs[verdict.onset.index]), f"onset at {_where(run, verdict.onset.index)}"))
    elif verdict.best is not None:
        parts.append(_upright("best-line", x(xs[verdict.best.index]), f"best at {_where(run, verdict.best.index)}"))
    for i, point in enumerate(run.evals):
        if run.saved_steps is not None and point.step in run.saved_steps:
            px, foot = x(xs[i]), HEIGHT - BOTTOM
            title = f"<title>checkpoint saved at {escape(_where(run, i))}</title>"
            parts.append(f'<path class="saved" d="M{px - 4:.1f} {foot}h8l-4 -7z">{title}</path>')
    return parts


def _upright(kind: str, px: float, tip: str) -> str:
    line = f'<line class="{kind}" x1="{px:.1f}" x2="{px:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}">'
    return f"{line}<title>{escape(tip)}</title></line>"


def _dot(run: Run, verdict: Verdict, index: int, place: float, loss: float, x: Scale, y: Scale) -> str:
    tip = f"eval loss {shown(loss)} at {_where(run, index)}"
    best = verdict.best is not None and verdict.best.index == index
    if best:
        tip += ", the best"
    if run.saved_steps is not None:
        tip += ", saved" if run.evals[index].step in run.saved_steps else ", not saved"
    return _circle("dot best" if best else "dot", x(place), y(loss), tip)


def _circle(kind: str, px: float, py: float, tip: str) -> str:
    safe = escape(tip)
    radius = 5 if "best" in kind else 3.5
    place = f'cx="{px:.1f}" cy="{py:.1f}" r="{radius}" tabindex="0"'
    return f'<circle class="{kind}" {place} data-tip="{safe}"><title>{safe}</title></circle>'


def _where(run: Run, index: int) -> str:
    point = run.evals[index]
    parts = [f"{name} {shown(value)}" for name, value in (("step", point.step), ("epoch", point.epoch)) if value is not None]
    return ", ".join(parts) or f"eval {index}"


def _line(points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    return " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in points)


def _pieces(xs: list[float], values: list[float]) -> list[list[tuple[float, float]]]:
    """Cut a line at its gaps: nothing is drawn through a NaN."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for place, value in zip(xs, values, strict=True):
        if math.isfinite(value):
            pieces[-1].append((place, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep the lowest and highest point of each stretch of a long train curve, so that no spike is lost."""
    if len(points) <= MOST_TRAIN_POINTS:
        return points
    width = math.ceil(2 * len(points) / MOST_TRAIN_POINTS)
    kept = []
    for start in range(0, len(points), width):
        stretch = points[start : start + width]
        kept += sorted({min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])})
    return kept


def _has(run: Run, axis: str) -> bool:
    return all(getattr(point, axis) is not None for point in run.evals)
