"""Which checkpoint to keep, and how long to train next time."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tunelint.curves.diagnosis.metrics import higher_is_better, indifference
from tunelint.curves.diagnosis.series import Series
from tunelint.curves.diagnosis.verdict import Change, Class, Recommended
from tunelint.curves.run import EvalPoint, Number, Run


def wanted(run: Run, series: Series, verdict: Class, metrics: Mapping[str, Change]) -> int:
    """Return the eval to keep, saved or not.

    It is the best by its loss, unless the loss alone misleads: it rose while the metrics clearly improved. Metrics that
    are the same leave the choice to the loss.
    """
    votes = list(metrics.values())
    if verdict == "overconfident" and votes.count("better") > votes.count("worse"):
        return _best_by_metric(run, series)
    return int(series.index[series.best])


def recommend(run: Run, series: Series, verdict: Class, index: int) -> Recommended:
    """Name the checkpoint to keep: the one at eval `index`, or the best that was saved."""
    picked, point, note = _saved(run, series, index, by_metric=index != int(series.index[series.best]))
    return Recommended(point.step, point.epoch, _epochs(run, picked, verdict), _why(run, series, verdict, index) + note)


def _why(run: Run, series: Series, verdict: Class, index: int) -> str:
    where = place(run.evals[index])
    last = int(series.index[-1])
    if verdict == "overconfident":
        if index == last:
            advice = "calibrate before you use its probabilities"
            return f"the eval loss rises but the task metrics do not get worse: keep {where}, and {advice}"
        if index == int(series.index[series.best]):
            return f"the eval loss rises while the task metrics hold: {where} is as good by them and has the lowest loss"
        return f"the eval loss rises while the task metrics improve: of the evals with the best metrics {where} has the least loss"
    if verdict == "diverged":
        return f"the run broke down; {where} is the best of it. Train again with a lower learning rate"
    if verdict == "still_improving":
        return (
            f"the eval loss is still falling at {where}: more epochs may help. Do not extend a run whose learning rate "
            "has decayed to zero, start again with a longer schedule"
        )
    if verdict == "inconclusive":
        advice = "evaluate every quarter of an epoch and on more rows"
        return f"the lowest eval loss is at {where}, but there is not enough evidence: {advice}"
    if run.evals[index].step == 0:
        return f"the model before training ({where}) has the lowest eval loss: lower the learning rate, or look at the data"
    if index == last:
        return f"the last checkpoint, {where}, has the lowest eval loss"
    lowest = min((point for point in run.evals if point.finite), key=lambda point: point.loss or 0.0)
    if run.evals[index] is lowest:
        text = f"the eval loss is lowest at {where}"
    else:
        text = f"the eval loss is lowest around {where} (the dip at {place(lowest)} is one eval alone)"
    if verdict == "overfit":
        if index == int(series.index[0]):
            text += ", the first eval, so the best point may be earlier still: evaluate more often"
        if not run.evals[index].metrics:
            text += "; generated text often keeps improving for a while, so compare it with the last one on your own prompts"
    return text


def _epochs(run: Run, picked: int, verdict: Class) -> int | None:
    """Whole epochs up to the pick; half as many again where the run had not finished learning."""
    epoch = run.evals[picked].epoch
    if epoch is None:
        return None
    if verdict == "still_improving":
        return max(math.ceil(epoch * 1.5 - 0.05), math.ceil(epoch) + 1)
    # Logs round: epoch 2.99 and 3.01 are both the end of the third epoch.
    return max(1, math.ceil(epoch - 0.05))


def _saved(run: Run, series: Series, index: int, by_metric: bool) -> tuple[int, EvalPoint, str]:
    """Return the index and point that can be kept, and what to add about whether it was saved."""
    if run.saved_steps is None:
        return index, run.evals[index], " (the log does not say which checkpoints were saved)"
    kept = [int(i) for i in series.index if run.evals[int(i)].step in run.saved_steps]
    if index in kept:
        return index, run.evals[index], ""
    if kept:
        # Chosen by a metric, the nearest one stands in for it; chosen by the loss, the one with the lowest.
        best = min(kept, key=lambda i: (abs(i - index) if by_metric else run.evals[i].loss or math.inf, -i))
        missed = f"; that checkpoint was not saved, the best saved one is {place(run.evals[best])}"
        return best, run.evals[best], missed + ". Save at every eval next time"
    return index, run.evals[index], "; that checkpoint was not saved. Save at every eval next time"


def _best_by_metric(run: Run, series: Series) -> int:
    """Return the eval from the loss minimum on with the best task metrics, of those as good the one with least loss.

    An eval is as good as another where every metric lies within its noise of the best value from the minimum on.
    """
    candidates = [int(i) for i in series.index[series.best :]]
    as_good = set(candidates)
    for name in run.evals[candidates[-1]].metrics:
        up = higher_is_better(name)
        values = {i: run.evals[i].metrics.get(name, math.nan) for i in candidates}
        if up is None or not all(math.isfinite(value) for value in values.values()):
            continue
        top = max(values.values()) if up else min(values.values())
        margin = indifference(run, name, top)
        as_good &= {i for i, value in values.items() if abs(top - value) <= margin}
    # Metrics that disagree about the best eval leave none: then the loss decides.
    return min(as_good or candidates, key=lambda i: (run.evals[i].loss or math.inf, i))


def place(point: EvalPoint) -> str:
    """Say where an eval stands: `step 300 (epoch 1.5)`."""
    if point.step is None:
        return f"epoch {_short(point.epoch)}" if point.epoch is not None else "that eval"
    return f"step {_short(point.step)}" + (f" (epoch {_short(point.epoch)})" if point.epoch is not None else "")


def _short(value: Number) -> str:
    return f"{value:.6g}" if value < 1e6 else f"{value:.0f}"
