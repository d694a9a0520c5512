"""The task metrics, judged apart from the loss: a loss that rises often leaves the answers as good or better.

Over-confidence raises the loss while accuracy still improves: Guo et al. 2017, "On Calibration of Modern Neural
Networks", https://arxiv.org/abs/1706.04599.
"""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass

from tunelint.curves.diagnosis.series import Series
from tunelint.curves.diagnosis.verdict import Change
from tunelint.curves.run import Run

LOWER_IS_BETTER = frozenset(
    (
        "loss", "wer", "cer", "per", "ter", "mer", "ppl", "perplexity", "mse", "mae", "rmse", "error", "err", "nll",
        "fid", "eer", "brier", "ece",
    )
)  # fmt: skip
HIGHER_IS_BETTER = frozenset(
    (
        "acc", "accuracy", "f1", "bleu", "sacrebleu", "chrf", "rouge", "rouge1", "rouge2", "rougel", "rougelsum", "meteor",
        "em", "exact", "match", "precision", "recall", "mcc", "matthews", "pearson", "pearsonr", "spearman", "spearmanr",
        "auc", "auroc", "kappa", "map", "mrr", "ndcg", "bertscore", "iou", "dice", "reward", "pass", "score", "r2", "win",
    )
)  # fmt: skip
SAME_WITHIN = 0.005
"""Relative change that counts as none."""


def higher_is_better(name: str) -> bool | None:
    """Return the direction of a metric by the words of its name, None where they do not tell (`gen_len`)."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    if any(word in LOWER_IS_BETTER for word in words):
        return False
    return True if any(word in HIGHER_IS_BETTER for word in words) else None


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One metric at the end against the minimum of the loss: `gain` is relative (positive is better)."""

    name: str
    change: Change
    gain: float


def judge_metrics(run: Run, series: Series) -> tuple[MetricChange, ...]:
    """Compare each task metric at the end with its value at the minimum of the loss."""
    changes = []
    start = run.evals[int(series.index[series.best])].metrics
    end = run.evals[int(series.index[-1])].metrics
    for name in sorted(start.keys() & end.keys()):
        up = higher_is_better(name)
        if up is None or not (math.isfinite(start[name]) and math.isfinite(end[name])):
            continue
        gain = (end[name] - start[name]) * (1 if up else -1)
        margin = indifference(run, name, start[name])
        change: Change = "same" if abs(gain) <= margin else "better" if gain > 0 else "worse"
        changes.append(MetricChange(name, change, gain / max(abs(start[name]), 1e-9)))
    return tuple(changes)


def metrics_held(changes: tuple[MetricChange, ...]) -> bool:
    """True where there are task metrics and, taken together, they do not point down.

    On a small eval set a fall may be within the noise of the metric; it still is no sign that the model held.
    """
    if not changes:
        return False
    votes = [change.change for change in changes]
    if votes.count("better") != votes.count("worse"):
        return votes.count("better") > votes.count("worse")
    return statistics.median(change.gain for change in changes) >= -SAME_WITHIN


def indifference(run: Run, name: str, value: float) -> float:
    """The change of a metric that means nothing: 0.5 %, and for a share of n rows the 90 % range of chance."""
    margin = SAME_WITHIN * abs(value)
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    if run.n_eval and 0 <= value <= 1 and words & {"accuracy", "acc"} and "token" not in words:
        # Two checkpoints answer most rows alike, so their difference has far less noise than either value: about a
        # tenth of the rows flips between neighbouring checkpoints.
        margin = max(margin, 1.645 * math.sqrt(0.1 / run.n_eval))
    return margin
