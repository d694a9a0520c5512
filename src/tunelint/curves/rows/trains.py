"""Train rows: those that stand in the data more than once, and those that the model can say by heart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.rows.cause import Cause, Row, clean_command, findings, gap_in_errors, linted_files
from tunelint.curves.rows.locate import place_of, places
from tunelint.curves.run import RowLosses, Run

DUPLICATES = ("DUP001", "DUP002")
CLEARLY = 2.0
"""Standard errors between two groups of rows from which their losses differ."""
BY_HEART = 0.05
"""Loss (nats per token) below which a row is known by heart where there are no unseen rows to compare with."""
SHOWN = 50


def repeated_rows(run: Run) -> Cause | None:
    """Return the train rows that repeat an earlier one, where the model learnt such rows clearly better than single ones.

    A row repeats another if the lint report says so (DUP001, DUP002) or if its digest stands in the data twice.
    """
    rows = run.train_rows
    if rows is None or not len(rows.at):
        return None
    clusters = clusters_of(run)
    times = Counter(clusters.get(record, record) for record in rows.records)
    copies = np.array([times[clusters.get(record, record)] for record in rows.records])
    last, first = rows.losses[-1], rows.losses[0]
    known = np.isfinite(last) & np.isfinite(first)
    many, single = known & (copies > 1), known & (copies == 1)
    if not many.any() or not single.any():
        return None
    gap = gap_in_errors(last[many], last[single])
    if gap < CLEARLY:
        return None
    numbers = {
        "repeated_rows": int(many.sum()),
        "train_rows": len(rows.records),
        "clusters": sum(count > 1 for count in times.values()),
        "loss_of_repeated": float(last[many].mean()),
        "loss_of_single": float(last[single].mean()),
        "standard_errors": gap,
    }
    message = (
        f"{int(many.sum())} of {len(rows.records)} train rows repeat another; their loss ended at {last[many].mean():.3g}, that of the "
        f"rows that stand there once at {last[single].mean():.3g} (one row stands there up to {times.most_common(1)[0][1]} times)"
    )
    later = np.flatnonzero(many & ~_firsts(rows, clusters))
    return Cause("repeated_train_rows", message, _rows(run, rows, later, clusters, copies), numbers, clean_command(run))


def _firsts(rows: RowLosses, clusters: Mapping[str, str]) -> NDArray[np.bool_]:
    """Return (M,) true for the first row of every cluster: it stays, the later ones are the copies."""
    seen: set[str] = set()
    firsts = np.zeros(len(rows.records), dtype=bool)
    for i, record in enumerate(rows.records):
        root = clusters.get(record, record)
        firsts[i] = root not in seen
        seen.add(root)
    return firsts


def memorised_rows(run: Run, epochs: int | None) -> Cause | None:
    """Return the train rows that are known by heart: far below what the model makes of rows that it has not seen.

    The line is a tenth of the median loss of the eval rows that did not leak, and below the lowest twentieth of them;
    without eval rows it is 0.05 nats. Loss is the simplest sign of membership (Yeom et al. 2018,
    https://arxiv.org/abs/1709.01604); a tenth of it is no close call. `epochs` is how long to train next time.
    """
    rows = run.train_rows
    if rows is None or not len(rows.at):
        return None
    last = rows.losses[-1]
    known = np.isfinite(last)
    unseen = _unseen(run)
    line = min(0.1 * float(np.median(unseen)), float(np.quantile(unseen, 0.05))) if len(unseen) >= 10 else BY_HEART
    learnt = known & (last < line)
    if not learnt.any():
        return None
    drops = _largest_drop(rows.losses)
    copies = Counter(rows.records)
    counts = np.array([copies[record] for record in rows.records])
    share = float(learnt.sum() / known.sum())
    numbers = {
        "memorised_rows": int(learnt.sum()),
        "train_rows": len(rows.records),
        "share": share,
        "line": line,
        "median_unseen_loss": float(np.median(unseen)) if len(unseen) else float("nan"),
        "median_largest_drop": float(np.median(drops[learnt])),
    }
    message = f"{int(learnt.sum())} of {len(rows.records)} train rows ({share:.0%}) are known by heart: their loss is below {line:.3g}"
    if len(unseen):
        message += f", a tenth of that of unseen rows ({np.median(unseen):.3g})"
    command = f"tunelint lint-and-train {' '.join(linted_files(run))} --epochs {epochs}" if epochs else None
    once = learnt & _firsts(rows, {})
    found = _rows(run, rows, np.flatnonzero(once), clusters_of(run), counts, {"largest_drop": drops})
    return Cause("memorised_train_rows", message, found[:SHOWN], numbers, command)


def clusters_of(run: Run) -> dict[str, str]:
    """Return record -> the first record of its cluster of duplicates, as the lint report has them."""
    first: dict[str, str] = {}
    for finding in findings(run, DUPLICATES):
        related = finding.get("related")
        partners = [str(item["record"]) for item in related if isinstance(item, Mapping) and item.get("record")] if isinstance(related, list) else []
        if not partners:
            continue
        # The last partner is the cluster's first record (it is the only one where they are the same).
        root = first.get(partners[-1], partners[-1])
        first[str(finding["record"])] = root
        first.setdefault(root, root)
    return first


def _unseen(run: Run) -> Floats:
    """Return the last losses of the eval rows that are not among the train rows."""
    rows = run.eval_rows
    if rows is None or not len(rows.at):
        return np.empty(0)
    trained = set(run.train_rows.records) if run.train_rows is not None else set()
    flagged = {str(finding["record"]) for finding in findings(run, ("LEAK001", "LEAK003", "LEAK008"))}
    clean = np.array([record not in trained and record not in flagged for record in rows.records], dtype=bool)
    last = rows.losses[-1][clean]
    return np.asarray(last[np.isfinite(last)], dtype=np.float64)


def _largest_drop(losses: Floats) -> Floats:
    """Return, per row, the largest relative fall of its loss from one measured epoch to the next (0 to 1)."""
    if len(losses) < 2:
        return np.zeros(losses.shape[1])
    before = np.maximum(losses[:-1], 1e-9)
    return np.asarray(np.nanmax(np.clip((before - losses[1:]) / before, 0.0, 1.0), axis=0), dtype=np.float64)


def _rows(
    run: Run,
    rows: RowLosses,
    which: NDArray[np.int64],
    clusters: Mapping[str, str],
    copies: NDArray[np.int64],
    extra: Mapping[str, Floats] | None = None,
) -> tuple[Row, ...]:
    where = places(run, "train")
    last = rows.losses[-1]
    occurrence: list[int] = []
    seen: Counter[str] = Counter()
    for record in rows.records:
        occurrence.append(seen[record])
        seen[record] += 1
    order = sorted((int(i) for i in which), key=lambda i: (float(last[i]), i))
    return tuple(
        Row(
            rows.records[i],
            *place_of(where, rows.records[i], occurrence[i]),
            float(last[i]),
            {"copies": int(copies[i])} | {name: float(values[i]) for name, values in (extra or {}).items()},
            clusters.get(rows.records[i], rows.records[i]) if copies[i] > 1 else None,
        )
        for i in order
    )
