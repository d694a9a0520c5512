"""Eval rows: those that leaked into train, those that the rise comes from, the hardest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.rows.cause import Cause, Row, clean_command, findings, gap_in_errors
from tunelint.curves.rows.locate import place_of, places
from tunelint.curves.run import EvalPoint, RowLosses, Run

# Without reworded-leak: a likely rewording is worth a look, but it proves nothing about a loss.
LEAKS = ("LEAK001", "LEAK002", "LEAK003", "LEAK004", "LEAK006", "LEAK008")
SHOWN = 10


def leaked_rows(run: Run) -> Cause | None:
    """Return the eval rows that stand in train too, and what the eval loss is without them.

    A row leaked if the lint report says so or if its digest is among the train rows. None where there is none, or no
    clean row to compare with.
    """
    rows = run.eval_rows
    if rows is None or not len(rows.at):
        return None
    twins = {str(finding["record"]): _twin(finding) for finding in findings(run, LEAKS)}
    leaked = leaked_mask(run, rows)
    last = rows.losses[-1]
    known = np.isfinite(last)
    if not (leaked & known).any() or not (~leaked & known).any():
        return None
    inside, outside, whole = last[leaked & known], last[~leaked & known], last[known]
    reported, honest = _mean(rows, known), _mean(rows, known & ~leaked)
    numbers = {
        "leaked_rows": int(leaked.sum()),
        "eval_rows": len(rows.records),
        "loss_of_leaked": float(inside.mean()),
        "loss_of_clean": float(outside.mean()),
        "eval_loss_reported": reported,
        "eval_loss_without_leaks": honest,
        "too_good_by": (honest - reported) / honest if honest > 0 else 0.0,
        "standard_errors": gap_in_errors(inside, outside),
    }
    share = len(inside) / len(whole)
    message = (
        f"{len(inside)} of {len(whole)} eval rows ({share:.0%}) stand in train too; their loss is {inside.mean():.3g}, that of the "
        f"others {outside.mean():.3g}: without them the eval loss is {honest:.4g}, not {reported:.4g}"
    )
    found = _rows(run, rows, np.flatnonzero(leaked & known), last, order=last, twins=twins)
    return Cause("leaked_eval_rows", message, found, numbers, clean_command(run))


def leaked_mask(run: Run, rows: RowLosses) -> NDArray[np.bool_]:
    """Return (N,) true for the eval rows that leaked."""
    flagged = {str(finding["record"]) for finding in findings(run, LEAKS)}
    trained = set(run.train_rows.records) if run.train_rows is not None else set()
    return np.array([record in flagged or record in trained for record in rows.records], dtype=bool)


def without_leaks(run: Run) -> Run | None:
    """Return the run as its clean eval rows alone show it, None where none leaked or none is left."""
    rows = run.eval_rows
    if rows is None:
        return None
    clean = ~leaked_mask(run, rows)
    if clean.all() or clean.sum() < 2:
        return None
    kept = RowLosses(
        rows.at, rows.losses[:, clean], rows.tokens[clean], tuple(record for record, good in zip(rows.records, clean, strict=True) if good)
    )
    at = {float(step): kept.losses[place] for place, step in enumerate(kept.at)}
    weights = kept.tokens / max(1, kept.tokens.sum())
    evals = tuple(
        EvalPoint(point.step, point.epoch, float(at[float(point.step)] @ weights))
        for point in run.evals
        if point.step is not None and float(point.step) in at
    )
    return replace(run, evals=evals, eval_rows=kept, n_eval=int(clean.sum()), other_evals={}, paired_se_to_last=None)


def rows_behind_the_rise(run: Run, best: int) -> Cause | None:
    """Return the eval rows whose loss rose most since the best eval, and what share of the rise the worst tenth carries."""
    rows = run.eval_rows
    if rows is None:
        return None
    step = run.evals[best].step
    at = np.flatnonzero(rows.at == step) if step is not None else np.array([], dtype=np.int64)
    if not len(at) or at[0] == len(rows.at) - 1:
        return None
    rise = rows.losses[-1] - rows.losses[at[0]]
    known = np.flatnonzero(np.isfinite(rise))
    total = float(rise[known].sum())
    if total <= 0:
        return None
    order = known[np.argsort(-rise[known], kind="stable")]
    tenth = order[: max(1, len(order) // 10)]
    carried = float(rise[tenth].sum()) / total
    risen = int((rise[known] > 0).sum())
    message = (
        f"the loss of {risen} of {len(known)} eval rows rose since the best eval; the worst tenth ({len(tenth)} rows) carries "
        f"{min(carried, 1.0):.0%} of the rise"
    )
    numbers = {"rows_risen": risen, "eval_rows": len(known), "worst_tenth": len(tenth), "share_of_worst_tenth": carried}
    found = _rows(run, rows, order[:SHOWN], rows.losses[-1], order=-rise, extra={"rise": rise})
    return Cause("rows_behind_the_rise", message, found, numbers)


def hardest_rows(run: Run) -> Cause | None:
    """Return the eval rows with the highest loss at the end: wrong answers in the data are often among them."""
    rows = run.eval_rows
    if rows is None or not len(rows.at):
        return None
    last = rows.losses[-1]
    known = np.flatnonzero(np.isfinite(last))
    if len(known) < 2 * SHOWN:
        return None
    order = known[np.argsort(-last[known], kind="stable")][:SHOWN]
    median = float(np.median(last[known]))
    message = f"the {SHOWN} hardest eval rows have a loss from {last[order[-1]]:.3g} to {last[order[0]]:.3g} (median of all {median:.3g}): read them"
    return Cause("hardest_eval_rows", message, _rows(run, rows, order, last, order=-last), {"median_loss": median})


def _rows(
    run: Run,
    rows: RowLosses,
    which: NDArray[np.int64],
    last: Floats,
    order: Floats,
    twins: dict[str, str | None] | None = None,
    extra: dict[str, Floats] | None = None,
) -> tuple[Row, ...]:
    where = places(run, "eval")
    sorted_rows = sorted((int(i) for i in which), key=lambda i: (float(order[i]), i))
    return tuple(
        Row(
            rows.records[i],
            *place_of(where, rows.records[i]),
            float(last[i]),
            {name: float(values[i]) for name, values in (extra or {}).items()},
            (twins or {}).get(rows.records[i]),
        )
        for i in sorted_rows
    )


def _mean(rows: RowLosses, which: NDArray[np.bool_]) -> float:
    """Return the eval loss over some rows, every trained token counted once, as the trainers average."""
    tokens = rows.tokens[which].astype(np.float64)
    losses = rows.losses[-1][which]
    return float(losses @ tokens / tokens.sum()) if tokens.sum() > 0 else float(losses.mean())


def _twin(finding: object) -> str | None:
    related = finding.get("related") if isinstance(finding, dict) else None
    first = related[0] if isinstance(related, list) and related else None
    return str(first["record"]) if isinstance(first, dict) and first.get("record") else None
