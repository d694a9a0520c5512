"""Judge one run: is the eval loss worse at the end, does it matter, and what to keep."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tunelint.curves.diagnosis.confidence import confidence_of
from tunelint.curves.diagnosis.metrics import judge_metrics, metrics_held
from tunelint.curves.diagnosis.paired import Paired, judge_paired
from tunelint.curves.diagnosis.pick import pick_by_loss
from tunelint.curves.diagnosis.recommend import recommend, wanted
from tunelint.curves.diagnosis.series import Series, eval_series, relative_rise
from tunelint.curves.diagnosis.shape import Kind, Shape, degree, judge_shape
from tunelint.curves.diagnosis.training import curve_table, eval_under_train, memorisation, train_fall
from tunelint.curves.diagnosis.verdict import Best, Class, Degree, Onset, Recommended, Verdict
from tunelint.curves.run import Run, is_loss

__all__ = ["FEWEST_EVALS", "Verdict", "diagnose"]

FEWEST_EVALS = 3
"""Finite evals below which a curve has no shape to judge."""
BROKEN_SHARE = 0.3
"""Share of losses that are no numbers from which a run broke down."""


def diagnose(run: Run) -> Verdict:
    """Return the verdict on one run. What cannot be judged is `inconclusive`, with a reason; nothing raises."""
    memory = memorisation(run)
    evidence: dict[str, Any] = {
        "evals": len(run.evals),
        "finite_evals": sum(point.finite for point in run.evals),
        "train_points": len(run.trains),
        "eval_set": run.eval_set or None,
        "eval_rows": run.n_eval,
        "final_train_loss": memory.final_train_loss,
        "boundary_ratios": memory.boundary_ratios,
        "memorisation": memory.reasons,
        "notes": run.notes,
    }
    series = eval_series(run)
    broken = _breakdown(run)
    if series is None:
        evidence["reason"] = broken or _no_curve(run)
        return _verdict(run, "diverged" if broken else "inconclusive", memory.risk, evidence, confidence=0.9 if broken else 0.5)
    suspicion = eval_under_train(run)
    if suspicion is not None:
        evidence["eval_under_train"] = {"evals": suspicion[0], "of": suspicion[1], "median_ratio": suspicion[2]}
    if run.other_evals:
        evidence["eval_sets"] = _other_sets(run)
    if broken:
        evidence["reason"] = broken
        return _verdict(run, "diverged", memory.risk, evidence, series, confidence=0.95)
    if len(series) < FEWEST_EVALS or run.declined:
        evidence["reason"] = run.declined or _no_curve(run)
        return _verdict(run, "inconclusive", memory.risk, evidence, series, confidence=0.5)

    series = replace(series, best=pick_by_loss(run, series))
    shape = judge_shape(series, train_fall(run, series))
    paired = judge_paired(run, series)
    kind, severity, rise = _decide(shape, paired)
    changes = judge_metrics(run, series)
    verdict: Class = "overconfident" if kind == "overfit" and metrics_held(changes) else kind
    evidence |= _numbers(series, shape, paired)
    if kind == "inconclusive" and paired is not None:
        more = f"; about {paired.rows_needed} eval rows would decide" if paired.rows_needed else ""
        evidence["reason"] = f"the rise of {paired.rise:.1%} is within one standard error ({paired.se:.1%}) of the line at 3.5 %{more}"
    sure = confidence_of(shape, paired, series.minimum, run.n_eval)
    return _verdict(
        run,
        verdict,
        memory.risk,
        evidence,
        series,
        sure,
        severity,
        rise,
        {change.name: change.change for change in changes},
    )


def _breakdown(run: Run) -> str | None:
    """Say in which losses the run broke down into NaN or infinity, None where it did not."""
    logged = [point.finite for point in run.evals if point.loss is not None]
    lost = logged.count(False)
    if lost and (lost >= BROKEN_SHARE * len(logged) or logged.count(True) <= 1):
        return f"{lost} of {len(logged)} eval losses are not finite"
    trained = [is_loss(point.loss) for point in run.trains]
    lost = trained.count(False)
    if lost >= BROKEN_SHARE * len(trained) > 0 and not trained[-1]:
        return f"{lost} of {len(trained)} train losses are not finite"
    return None


def _decide(shape: Shape, paired: Paired | None) -> tuple[Kind, Degree | None, float]:
    """Let the paired rows decide about the rise where there are any; the shape decides everything else."""
    if paired is None or shape.kind == "diverged":
        return shape.kind, shape.severity, shape.rise
    if paired.call == "unsure":
        return "inconclusive", None, paired.rise
    if paired.call == "worse":
        return "overfit", degree(paired.rise), paired.rise
    return ("healthy" if shape.kind == "overfit" else shape.kind), None, paired.rise


def _verdict(
    run: Run,
    verdict: Class,
    risk: Any,
    evidence: dict[str, Any],
    series: Series | None = None,
    confidence: float = 0.5,
    severity: Degree | None = None,
    rise: float | None = None,
    metrics: dict[str, Any] | None = None,
) -> Verdict:
    best: Best | None = None
    onset: Onset | None = None
    recommended: Recommended | None = None
    if series is not None:
        index = int(series.index[series.best])
        point = run.evals[index]
        best = Best(index, point.step, point.epoch, float(series.loss[series.best]))
        keep = wanted(run, series, verdict, metrics or {})
        evidence["wanted"] = {"index": keep, "step": run.evals[keep].step, "epoch": run.evals[keep].epoch}
        recommended = recommend(run, series, verdict, keep)
        evidence["curve"] = curve_table(run, best.eval_loss)
        evidence["unused_share"] = _unused_share(run, keep)
        if rise is None:
            rise = relative_rise(float(series.loss[-1]), best.eval_loss)
        if verdict in ("overfit", "overconfident"):
            onset = Onset(index, point.step, point.epoch)
    return Verdict(run.source, verdict, severity, confidence, best, onset, rise, recommended, metrics or {}, risk, evidence)


def _unused_share(run: Run, keep: int) -> float | None:
    """Return the share of the run's steps (epochs) after the checkpoint to keep: paid for and not used."""
    for axis in ("step", "epoch"):
        places = [getattr(point, axis) for point in run.evals]
        if all(place is not None for place in places) and max(places) > 0:
            return float(1 - places[keep] / max(places))
    return None


def _numbers(series: Series, shape: Shape, paired: Paired | None) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "noise": series.noise,
        "rise_on_curve": shape.rise,
        "z": shape.z,
        "tau": shape.tau,
        "luck": shape.luck,
        "evals_after_best": series.after,
        "train_fall": shape.train_fall,
        "basis": "curve" if paired is None else "paired rows",
    }
    if paired is not None:
        numbers["paired"] = {
            "rise": paired.rise,
            "standard_error": paired.se,
            "interval_90": paired.interval,
            "rows": paired.rows,
            "rows_needed": paired.rows_needed,
            "split_half": paired.split_half,
        }
    return numbers


def _no_curve(run: Run) -> str:
    finite = sum(point.finite for point in run.evals)
    if not run.evals:
        return "no eval losses in the log: add an eval split and evaluate every quarter of an epoch"
    return f"{finite} finite eval losses, at least {FEWEST_EVALS} are needed: evaluate every quarter of an epoch"


def _other_sets(run: Run) -> dict[str, Any]:
    """Judge the further eval sets of the run by their shape."""
    result: dict[str, Any] = {}
    for name, evals in run.other_evals.items():
        other = Run(run.source, evals, run.trains, eval_set=name)
        series = eval_series(other)
        if series is None or len(series) < FEWEST_EVALS:
            result[name] = {"verdict": "inconclusive"}
            continue
        shape = judge_shape(series, train_fall(other, series))
        point = evals[int(series.index[series.best])]
        result[name] = {"verdict": shape.kind, "rise": shape.rise, "best_step": point.step, "best_epoch": point.epoch}
    return result
