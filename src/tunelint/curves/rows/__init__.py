"""Back to the rows: which records are behind a verdict, with the numbers that say so and the next command.

Needs a run folder: the loss of every row, the records' digests, and (for the names of the files) the lint report of the
data that was trained on.
"""

from __future__ import annotations

from tunelint.curves.diagnosis import Verdict
from tunelint.curves.rows.cause import Cause, Row
from tunelint.curves.rows.evals import hardest_rows, leaked_rows, rows_behind_the_rise, without_leaks
from tunelint.curves.rows.trains import memorised_rows, repeated_rows
from tunelint.curves.run import Run

__all__ = ["Cause", "Row", "explain", "without_leaks"]


def explain(run: Run, verdict: Verdict) -> tuple[Cause, ...]:
    """Return the causes that the rows of a run show."""
    causes = [leaked_rows(run), repeated_rows(run), memorised_rows(run, _epochs(run, verdict))]
    if verdict.loss_rose and verdict.best is not None:
        causes.append(rows_behind_the_rise(run, verdict.best.index))
    causes.append(hardest_rows(run))
    return tuple(cause for cause in causes if cause is not None)


def _epochs(run: Run, verdict: Verdict) -> int | None:
    """Return how many epochs would do: up to the best eval of an overfitted run, else half of them."""
    if verdict.loss_rose and verdict.recommended is not None:
        return verdict.recommended.epochs_next_time
    return int(run.epochs) // 2 if run.epochs and run.epochs >= 2 else None
