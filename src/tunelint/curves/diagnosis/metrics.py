"""The task metrics, judged apart from the loss: a loss that rises often leaves the answers as good or better.

Over-confidence raises the loss while accuracy still improves: Guo et al. 2017, "On Calibration of Modern Neural
Networks", https://arxiv.org/abs/1706.04599.
"""

from __future__ import annotations

import math
import re

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


def judge_metrics(run: Run, series: Series) -> dict[str, Change]:
    """Compare each task metric at the end with its value at the minimum of the loss."""
    changes: dict[str, Change] = {}
    start = run.evals[int(series.index[series.lowest])].metrics
    end = run.evals[int(series.index[-1])].metrics
    for name in sorted(start.keys() & end.keys()):
        up = higher_is_better(name)
        if up is None or not (math.isfinite(start[name]) and math.isfinite(end[name])):
            continue
        gain = (end[name] - start[name]) * (1 if up else -1)
        changes[name] = "same" if abs(gain) <= _noise(run, name, start[name]) else "better" if gain > 0 else "worse"
    return changes


def headline(changes: dict[str, Change]) -> Change | None:
    """Return what the metrics say together: the majority of better and worse, `same` on a tie, None without any."""
    if not changes:
        return None
    votes = list(changes.values())
    better, worse = votes.count("better"), votes.count("worse")
    return "better" if better > worse else "worse" if worse > better else "same"


def _noise(run: Run, name: str, value: float) -> float:
    """The change of a metric that means nothing: 0.5 %, and for a share of n rows one standard error."""
    margin = SAME_WITHIN * abs(value)
    words = re.split(r"[^a-z0-9]+", name.lower())
    if run.n_eval and 0 <= value <= 1 and ("accuracy" in words or "acc" in words):
        # Two checkpoints answer most rows alike, so the difference has far less noise than either value; a tenth of the
        # rows that differ is typical of neighbouring checkpoints.
        margin = max(margin, math.sqrt(0.1 / run.n_eval))
    return margin
