"""Verdicts on curves whose right answer is plain to see, and properties that hold for every curve."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from curve_logs import curve
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.curves import EvalPoint, RowLosses, Run, TrainPoint, diagnose
from tunelint.curves.diagnosis.metrics import higher_is_better

COSINE = [1.0 + 0.8 * (0.5 + 0.5 * math.cos(math.pi * i / 11)) for i in range(12)]


def test_three_evals_with_a_clear_rise_are_overfit() -> None:
    verdict = diagnose(curve([1.30, 1.36, 1.62], [1.4, 0.9, 0.5]))
    assert (verdict.verdict, verdict.severity) == ("overfit", "strong")
    assert verdict.best is not None
    assert (verdict.best.index, verdict.best.step) == (0, 100)
    assert verdict.onset is not None
    assert verdict.onset.index == 0
    assert verdict.rise == pytest.approx(1.62 / 1.30 - 1)
    assert verdict.recommended is not None
    assert verdict.recommended.epochs_next_time == 1


def test_a_rise_over_the_last_3_of_12_evals_is_overfit() -> None:
    evals = [2.0, 1.7, 1.5, 1.38, 1.3, 1.25, 1.22, 1.2, 1.19, 1.27, 1.34, 1.39]
    verdict = diagnose(curve(evals))
    assert verdict.verdict == "overfit"
    assert verdict.onset is not None
    assert abs(verdict.onset.index - 8) <= 1


@pytest.mark.parametrize(
    "evals",
    [
        COSINE,
        [1.5, 1.31, 1.296, 1.304, 1.299, 1.301, 1.297, 1.302, 1.3, 1.298],
        [1.6, 1.4, 1.3, 1.25, 1.22, 1.21, 1.205, 1.2, 1.2, 1.26],
        [1.4, 1.3, 1.28, 1.28, 1.30],
    ],
    ids=["cosine", "noisy flat", "last-point wiggle", "flat with five evals"],
)
def test_healthy_curves_are_not_overfit(evals: list[float]) -> None:
    assert diagnose(curve(evals)).verdict in ("healthy", "still_improving")


def test_loss_up_with_accuracy_up_is_overconfident_and_keeps_the_later_checkpoint() -> None:
    run = curve([1.30, 1.36, 1.62], [1.4, 0.9, 0.5], {"accuracy": [0.71, 0.76, 0.79]})
    verdict = diagnose(run)
    assert verdict.verdict == "overconfident"
    assert verdict.metrics == {"accuracy": "better"}
    assert verdict.best is not None
    assert verdict.best.step == 100
    assert verdict.recommended is not None
    assert verdict.recommended.step == 300


def test_metrics_that_stay_the_same_leave_the_choice_to_the_loss() -> None:
    verdict = diagnose(curve([1.30, 1.36, 1.62], [1.4, 0.9, 0.5], {"accuracy": [0.790, 0.792, 0.791]}))
    assert (verdict.verdict, dict(verdict.metrics)) == ("overconfident", {"accuracy": "same"})
    assert verdict.recommended is not None
    assert verdict.recommended.step == 100


def test_an_accuracy_on_few_rows_does_not_outweigh_the_loss() -> None:
    run = curve([1.30, 1.36, 1.62], [1.4, 0.9, 0.5], {"accuracy": [0.72, 0.72, 0.76]}, n_eval=25)
    assert diagnose(run).metrics == {"accuracy": "same"}
    assert diagnose(replace(run, n_eval=2000)).metrics == {"accuracy": "better"}


def test_a_checkpoint_chosen_by_its_metric_is_replaced_by_the_nearest_saved_one() -> None:
    metrics = {"accuracy": [0.60, 0.65, 0.70, 0.75, 0.80]}
    recommended = diagnose(curve([1.30, 1.36, 1.45, 1.5, 1.62], None, metrics, saved_steps=(100, 400))).recommended
    assert recommended is not None
    assert recommended.step == 400
    assert "not saved" in recommended.why


def test_loss_up_with_a_worse_metric_is_overfit() -> None:
    verdict = diagnose(curve([1.30, 1.36, 1.62], [1.4, 0.9, 0.5], {"wer": [0.31, 0.33, 0.36]}))
    assert verdict.verdict == "overfit"
    assert verdict.metrics == {"wer": "worse"}


def test_train_only_is_no_verdict() -> None:
    verdict = diagnose(curve([], [1.4, 0.9, 0.5]))
    assert verdict.verdict == "inconclusive"
    assert verdict.best is None
    assert verdict.recommended is None
    assert verdict.rise is None


def test_a_falling_curve_is_still_improving() -> None:
    verdict = diagnose(curve([2.4, 2.1, 1.85, 1.6, 1.42], [2.6, 2.2, 1.9, 1.6, 1.4]))
    assert verdict.verdict == "still_improving"
    assert verdict.recommended is not None
    assert (verdict.recommended.epochs_next_time or 0) > 5


@pytest.mark.parametrize("evals", [[1.3, math.nan, math.nan], [math.nan, math.nan], [1.3, 1.2, math.inf, math.inf]])
def test_losses_that_are_no_numbers_are_divergence(evals: list[float]) -> None:
    assert diagnose(curve(evals)).verdict == "diverged"


def test_train_losses_that_are_no_numbers_are_divergence() -> None:
    verdict = diagnose(curve([1.3, 1.2, 1.2, 1.2], [1.4, math.nan, math.nan, math.nan]))
    assert verdict.verdict == "diverged"
    assert "3 of 4 train losses" in verdict.evidence["reason"]
    assert diagnose(curve([1.3, 1.2, 1.19, 1.19], [1.4, math.nan, 1.2, 1.1])).verdict != "diverged"


def test_a_model_that_was_best_before_training_is_named() -> None:
    points = tuple(EvalPoint(step, step / 100, loss) for step, loss in [(0, 1.1), (100, 1.3), (200, 1.36), (300, 1.62)])
    recommended = diagnose(Run("run", points, tuple(TrainPoint(100 * i, i, 1.5 - 0.4 * i) for i in (1, 2, 3)))).recommended
    assert recommended is not None
    assert recommended.step == 0
    assert "before training" in recommended.why


@pytest.mark.parametrize("n", [4, 6, 10, 20])
def test_noise_alone_is_rarely_called_overfitting(n: int) -> None:
    random = np.random.default_rng(n)
    called = sum(diagnose(curve([float(x) for x in 1.3 * (1 + 0.02 * random.normal(size=n))])).loss_rose for _ in range(200))
    assert called <= 20


@pytest.mark.parametrize("n", [6, 8, 12, 20])
@pytest.mark.parametrize("start", [0.5, 3.0])
def test_a_clear_rise_is_seen_after_a_flat_and_after_a_steep_start(n: int, start: float) -> None:
    random = np.random.default_rng(n)
    found = 0
    for _ in range(50):
        x, best = np.arange(n), n // 3
        shape = np.where(x <= best, 1 + start * (np.exp(-3 * x / best) - np.exp(-3)), 1 + 0.2 * (x - best) / (n - 1 - best))
        found += diagnose(curve([float(y) for y in shape * (1 + 0.01 * random.normal(size=n))])).loss_rose
    assert found >= 48


def test_thousands_of_evals_are_judged_at_once() -> None:
    x = np.arange(20_000)
    evals = [float(y) for y in 1 + np.exp(-x / 500) + 0.3 * np.maximum(0, x - 5000) / 15_000]
    assert diagnose(curve(evals, [])).verdict == "overfit"


def test_a_blow_up_of_both_losses_is_divergence() -> None:
    assert diagnose(curve([1.30, 1.33, 5.8, 6.4, 6.2], [1.41, 1.38, 4.9, 6.1, 6.0])).verdict == "diverged"


def test_one_nan_among_many_evals_is_passed_over() -> None:
    verdict = diagnose(curve([1.6, 1.4, math.nan, 1.3, 1.29, 1.29, 1.288]))
    assert verdict.verdict == "healthy"
    assert verdict.best is not None
    assert verdict.best.index == 6


def test_two_evals_show_a_point_but_no_verdict() -> None:
    verdict = diagnose(curve([1.3, 1.2]))
    assert verdict.verdict == "inconclusive"
    assert "at least 3" in verdict.evidence["reason"]
    assert verdict.best is not None
    assert verdict.best.eval_loss == 1.2


def test_a_stale_train_loss_counts_as_unknown() -> None:
    verdict = diagnose(curve([1.30, 1.36, 1.62], [0.9, 0.9, 0.9]))
    assert verdict.verdict == "overfit"
    assert verdict.evidence["train_fall"] is None


def test_a_rise_next_to_zero_means_nothing() -> None:
    assert diagnose(curve([0.0010, 0.0008, 0.0012, 0.0014], [0.01, 0.001, 0.0005, 0.0002])).verdict != "overfit"


def test_the_recommended_checkpoint_is_one_that_was_saved() -> None:
    run = curve([1.5, 1.2, 1.3, 1.5], saved_steps=(300, 400))
    verdict = diagnose(run)
    assert verdict.best is not None
    assert verdict.best.step == 200
    assert verdict.recommended is not None
    assert verdict.recommended.step == 300
    assert "not saved" in verdict.recommended.why
    unsaved = diagnose(replace(run, saved_steps=())).recommended
    assert unsaved is not None
    assert unsaved.step == 200
    assert "not saved" in unsaved.why


def test_a_loss_before_training_is_counted_from_the_start() -> None:
    points = tuple(EvalPoint(step, step / 100, loss) for step, loss in [(0, 3.1), (100, 1.3), (200, 1.36), (300, 1.62)])
    verdict = diagnose(Run("run", points, tuple(TrainPoint(100 * i, i, 1.5 - 0.4 * i) for i in (1, 2, 3))))
    assert verdict.verdict == "overfit"
    assert verdict.best is not None
    assert verdict.best.index == 1


def _rows(means: list[float], spread: float, n: int, seed: int = 0) -> RowLosses:
    """Row losses with the given means: rows differ much, the change of a row between evals has the given spread."""
    random = np.random.default_rng(seed)
    level = random.normal(0, 0.5, n)
    losses = np.stack([mean + level + spread * i * random.normal(0, 1, n) for i, mean in enumerate(means)])
    losses += (np.array(means) - losses.mean(axis=1))[:, None]
    at = np.arange(1, len(means) + 1) * 100.0
    return RowLosses(at, losses, np.full(n, 40), tuple(f"{i:032x}" for i in range(n)))


def test_paired_rows_see_a_rise_that_the_curve_cannot() -> None:
    means = [1.50, 1.30, 1.32, 1.35, 1.36]
    run = curve(means, eval_rows=_rows(means, 0.02, 150), n_eval=150)
    assert diagnose(replace(run, eval_rows=None)).verdict == "healthy"
    verdict = diagnose(run)
    assert (verdict.verdict, verdict.severity) == ("overfit", "mild")
    low, high = verdict.evidence["paired"]["interval_90"]
    assert low < verdict.rise < high
    assert verdict.confidence > 0.8


def test_paired_rows_abstain_where_the_rows_disagree_and_say_how_many_would_do() -> None:
    means = [1.50, 1.30, 1.32, 1.36, 1.37]
    verdict = diagnose(curve(means, eval_rows=_rows(means, 0.15, 30), n_eval=30))
    assert verdict.verdict == "inconclusive"
    assert verdict.evidence["paired"]["rows_needed"] > 30


def test_paired_standard_errors_of_a_log_feed_the_same_judgement() -> None:
    run = curve([1.50, 1.30, 1.32, 1.35, 1.36], paired_se_to_last=(0.03, 0.006, 0.004, 0.002, 0.0), n_eval=400)
    assert diagnose(run).verdict == "overfit"
    assert diagnose(replace(run, paired_se_to_last=(0.3, 0.06, 0.04, 0.02, 0.0))).verdict == "inconclusive"


def test_many_rows_are_split_so_that_the_chosen_minimum_is_not_praised_twice() -> None:
    # 40 evals of pure noise: the luckiest of them lies well below the last, on the rows that it was chosen by.
    random = np.random.default_rng(3)
    losses = 1.0 + random.normal(0, 1.0, (40, 400))
    means = [float(mean) for mean in losses.mean(axis=1)]
    at = np.arange(1, 41) * 100.0
    rows = RowLosses(at, losses, np.full(400, 10), tuple(f"{i:032x}" for i in range(400)))
    verdict = diagnose(curve(means, eval_rows=rows, n_eval=400))
    assert verdict.evidence["paired"]["split_half"]
    naive = (means[-1] - min(means)) / min(means)
    assert verdict.evidence["paired"]["rise"] < naive - 0.03


def test_stairs_at_epoch_borders_are_a_memorisation_risk_only() -> None:
    levels = [1.5, 0.8, 0.35]
    trains = tuple(TrainPoint(10 * i + 10, (i + 1) / 8, levels[i // 8] * (1 - 0.01 * (i % 8))) for i in range(24))
    verdict = diagnose(Run("run", (), trains, epochs=3.0))
    assert (verdict.verdict, verdict.memorisation_risk) == ("inconclusive", "warning")
    smooth = tuple(TrainPoint(10 * i + 10, (i + 1) / 8, 0.9 + 0.9 * math.exp(-i / 8)) for i in range(24))
    assert diagnose(Run("run", (), smooth, epochs=3.0)).memorisation_risk is None


@pytest.mark.parametrize(
    ("name", "up"),
    [
        ("accuracy", True),
        ("macro_avg_f1-score", True),
        ("wer", False),
        ("mlm_loss", False),
        ("rougeLsum", True),
        ("gen_len", None),
    ],
)
def test_the_direction_of_a_metric_is_read_off_its_name(name: str, up: bool | None) -> None:
    assert higher_is_better(name) is up


losses = st.one_of(st.floats(0.0, 20.0), st.sampled_from([math.nan, math.inf, None, 0.0, 1e-12, 1e30, -1.0]))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(losses, max_size=40),
    st.lists(st.floats(0.0, 20.0) | st.just(math.nan), max_size=60),
    st.lists(st.integers(0, 4000), max_size=6) | st.none(),
)
def test_every_curve_gets_a_verdict_of_plain_json(evals: list[float | None], trains: list[float], saved: list[int] | None) -> None:
    run = replace(curve(evals, trains), saved_steps=None if saved is None else tuple(saved))
    verdict = diagnose(run)
    data = verdict.to_json()
    json.dumps(data, allow_nan=False)
    finite = [loss for loss in evals if loss is not None and math.isfinite(loss)]
    assert (verdict.best is None) == (not finite) == (verdict.recommended is None) == (data["rise"] is None)
    assert 0 <= verdict.confidence <= 1
    if verdict.best is not None:
        assert evals[verdict.best.index] == verdict.best.eval_loss
    if not finite:
        assert verdict.verdict in ("inconclusive", "diverged")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.5, 5.0), min_size=3, max_size=30), st.floats(0.1, 10.0))
def test_the_verdict_does_not_depend_on_the_unit_of_the_steps(evals: list[float], factor: float) -> None:
    run = curve(evals)
    stretched = replace(
        run,
        evals=tuple(replace(point, step=round(100 * factor * (i + 1), 3)) for i, point in enumerate(run.evals)),
        trains=tuple(replace(point, step=round(100 * factor * (i + 1), 3)) for i, point in enumerate(run.trains)),
    )
    first, second = diagnose(run), diagnose(stretched)
    assert (first.verdict, first.rise, first.confidence) == (second.verdict, second.rise, second.confidence)
