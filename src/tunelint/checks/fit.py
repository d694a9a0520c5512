"""Findings about a finished run: each check gets the verdict, the run and its page's options, and yields hits.

The types of the curves are only named here: checks stand above the curves and import nothing of them at run time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tunelint.checks.hit import Hit
from tunelint.findings import Severity

if TYPE_CHECKING:
    from tunelint.curves.diagnosis import Verdict
    from tunelint.curves.run import Run

Options = Mapping[str, Any]


def overfitting(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT001: the eval loss rose for good; a note where the task metrics did not suffer."""
    if not verdict.loss_rose or verdict.rise is None or verdict.best is None or verdict.recommended is None:
        return
    if verdict.rise < options["min_rise"]:
        return
    rose = f"Eval loss rose {verdict.rise:.1%} from {_at(verdict.best)} ({verdict.best.eval_loss:.4g}) to the end"
    keep = f"keep {_at(verdict.recommended)}: {verdict.recommended.why}."
    if verdict.verdict == "overconfident":
        held = ", ".join(f"{name} {change}" for name, change in verdict.metrics.items())
        yield Hit(
            f"{rose}, but the task metrics held ({held}); {keep}", severity=Severity.NOTE, score=verdict.confidence
        )
    else:
        yield Hit(f"{rose} ({verdict.severity} overfitting); {keep}", score=verdict.confidence)


def no_eval_curve(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT002: too few eval points to say anything."""
    evals = verdict.evidence["finite_evals"]
    if run.declined:
        yield Hit(f"This curve was not judged: {run.declined}.")
    elif verdict.verdict == "inconclusive" and evals < options["min_evals"]:
        counted = "no eval loss" if evals == 0 else f"only {evals} eval loss{'es' if evals > 1 else ''}"
        yield Hit(
            f"The log has {counted}, so nobody can say whether the run overfitted: evaluate every quarter of an epoch."
        )


def divergence(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT003: the run broke down."""
    if verdict.verdict != "diverged":
        return
    if "reason" in verdict.evidence:
        yield Hit(f"The run diverged: {verdict.evidence['reason']}.")
    else:
        yield Hit(f"The run diverged: the eval loss rose {verdict.rise:.0%} and the train loss did not fall.")


def still_improving(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT004: the eval loss was still falling when the run ended."""
    if verdict.verdict == "still_improving" and verdict.recommended is not None:
        next_time = verdict.recommended.epochs_next_time
        try_ = f"; try {next_time} epochs" if next_time is not None else ""
        yield Hit(f"The eval loss was still falling when the run ended{try_}.", score=verdict.confidence)


def best_checkpoint_not_kept(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT005: the best checkpoint is not on disk, and the best of those that are is clearly worse."""
    if run.saved_steps is None or verdict.best is None or verdict.recommended is None or verdict.verdict == "diverged":
        return
    wanted = verdict.evidence["wanted"]
    if wanted["step"] is None or wanted["step"] in run.saved_steps:
        return
    saved = [point for point in run.evals if point.finite and point.step in run.saved_steps]
    if not saved:
        yield Hit(f"The best checkpoint, step {wanted['step']}, was not saved, nor was any other that was evaluated.")
        return
    kept = next(point for point in saved if point.step == verdict.recommended.step)
    worse = (kept.loss or 0.0) / verdict.best.eval_loss - 1 if verdict.best.eval_loss > 0 else 0.0
    if worse >= options["min_loss"]:
        missed = f"The best checkpoint, step {wanted['step']}, was not saved"
        yield Hit(f"{missed}; the best saved one, step {kept.step}, has an eval loss {worse:.1%} above it.")


def memorised_rows(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT006: the train loss falls in stairs at the epoch borders, or to nothing: rows were learnt by heart."""
    if verdict.memorisation_risk is None:
        return
    reasons = "; ".join(verdict.evidence["memorisation"])
    if verdict.memorisation_risk == "warning":
        yield Hit(f"Rows were learnt by heart: {reasons}.")
    else:
        yield Hit(f"Rows may have been learnt by heart: {reasons}.", severity=Severity.NOTE)


def suspiciously_good_eval(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT007: the eval loss lies below the train loss of the same time, as it does when eval rows leaked into train."""
    found = verdict.evidence.get("eval_under_train")
    if found is None or found["evals"] < options["min_share"] * found["of"]:
        return
    yield Hit(
        f"The eval loss is {1 - found['median_ratio']:.0%} below the train loss logged right after it (median over "
        f"{found['of']} evals): look for eval rows in the train set. Dropout, label smoothing and data augmentation "
        "raise the train loss too.",
        severity=Severity.NOTE,
    )


def _at(point: Any) -> str:
    if point.step is None:
        return f"epoch {point.epoch:g}" if point.epoch is not None else "that eval"
    return f"step {point.step:g}" if point.epoch is None else f"step {point.step} (epoch {point.epoch:g})"
