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
    for name, other in verdict.evidence.get("eval_sets", {}).items():
        if other["verdict"] == "overfit" and other["rise"] >= options["min_rise"]:
            yield Hit(f"Eval loss on the set {name} rose {other['rise']:.1%} from {_place(other)} to the end.")
    honest = verdict.evidence.get("without_leaks", {})
    if not verdict.loss_rose and honest.get("verdict") == "overfit" and honest["rise"] >= options["min_rise"]:
        yield Hit(
            f"Without the leaked eval rows the eval loss rose {honest['rise']:.1%} from step {honest['best_step']} to the end "
            f"({honest['severity']} overfitting), which the leaked ones hide.",
            score=honest["confidence"],
        )
    if not verdict.loss_rose or verdict.rise is None or verdict.best is None or verdict.recommended is None:
        return
    if verdict.rise < options["min_rise"]:
        return
    rose = f"Eval loss rose {verdict.rise:.1%} from {verdict.best.eval_loss:.4g} at {_at(verdict.best)} to the end"
    keep = f"keep {_at(verdict.recommended)}: {verdict.recommended.why}."
    if verdict.verdict == "overconfident":
        held = ", ".join(f"{name} {change}" for name, change in verdict.metrics.items())
        yield Hit(f"{rose}, but the task metrics held ({held}); {keep}", severity=Severity.NOTE, score=verdict.confidence)
    else:
        behind = _cause(verdict, "rows_behind_the_rise")
        details = {"related": _related(behind, run)} if behind is not None else {}
        yield Hit(f"{rose} ({verdict.severity} overfitting); {keep}", score=verdict.confidence, details=details)


def no_eval_curve(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT002: too few eval points to say anything."""
    evals = verdict.evidence["finite_evals"]
    if run.declined:
        yield Hit(f"This curve was not judged: {run.declined}.")
    elif verdict.verdict == "inconclusive" and evals < options["min_evals"]:
        counted = "no eval loss" if evals == 0 else f"only {evals} eval loss{'es' if evals > 1 else ''}"
        yield Hit(f"The log has {counted}, so nobody can say whether the run overfitted: evaluate every quarter of an epoch.")


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
    """FIT006: rows were learnt by heart: the copies of repeated rows, rows that nothing unseen comes near, or stairs."""
    repeated = _cause(verdict, "repeated_train_rows")
    if repeated is not None:
        yield _rows_hit(repeated, run)
    learnt = _cause(verdict, "memorised_train_rows")
    if learnt is not None:
        minor = learnt["numbers"]["share"] < options["min_share"]
        yield _rows_hit(learnt, run, Severity.NOTE if minor else None)
    if verdict.memorisation_risk is None or repeated is not None or learnt is not None:
        return
    reasons = "; ".join(verdict.evidence["memorisation"])
    if verdict.memorisation_risk == "warning":
        yield Hit(f"Rows were learnt by heart: {reasons}.")
    else:
        yield Hit(f"Rows may have been learnt by heart: {reasons}.", severity=Severity.NOTE)


def suspiciously_good_eval(verdict: Verdict, run: Run, options: Options) -> Iterator[Hit]:
    """FIT007: eval rows that leaked pull the eval loss down, or it lies below the train loss of the same time."""
    leaked = _cause(verdict, "leaked_eval_rows")
    if leaked is not None:
        better = leaked["numbers"]["too_good_by"] >= options["min_gain"]
        honest = verdict.evidence.get("without_leaks", {})
        more = ""
        if honest.get("rise") is not None and honest["verdict"] != verdict.verdict:
            more = f"; judged by the clean rows the run is {honest['verdict'].replace('_', ' ')} ({honest['rise']:+.1%})"
        yield _rows_hit(leaked, run, None if better else Severity.NOTE, more)
        return
    found = verdict.evidence.get("eval_under_train")
    if found is None or found["evals"] < options["min_share"] * found["of"]:
        return
    yield Hit(
        f"The eval loss is {1 - found['median_ratio']:.0%} below the train loss logged right after it (median over "
        f"{found['of']} evals): look for eval rows in the train set. Dropout, label smoothing and data augmentation "
        "raise the train loss too.",
        severity=Severity.NOTE,
    )


def _cause(verdict: Verdict, kind: str) -> Mapping[str, Any] | None:
    return next((cause for cause in verdict.evidence.get("causes", ()) if cause["kind"] == kind), None)


def _rows_hit(cause: Mapping[str, Any], run: Run, severity: Severity | None = None, more: str = "") -> Hit:
    """Make a hit that names its rows: `details["related"]` are they, in the form of a finding's `related`."""
    message = cause["message"][0].upper() + cause["message"][1:]
    advice = f" Next: {cause['command']}" if cause["command"] else ""
    return Hit(f"{message}{more}.{advice}", severity=severity, details={"related": _related(cause, run), "command": cause["command"]})


def _related(cause: Mapping[str, Any], run: Run) -> list[dict[str, Any]]:
    """Return the rows of a cause as `related`; a row that no file names stands in the run."""
    return [{"path": row["path"] or run.source, "line": row["line"], "record": row["record"], "score": None} for row in cause["rows"]]


def _place(other: Mapping[str, Any]) -> str:
    return f"step {other['best_step']}" if other["best_step"] is not None else f"epoch {other['best_epoch']}"


def _at(point: Any) -> str:
    if point.step is None:
        return f"epoch {point.epoch:g}" if point.epoch is not None else "that eval"
    return f"step {point.step}" if point.epoch is None else f"step {point.step} (epoch {point.epoch:g})"
