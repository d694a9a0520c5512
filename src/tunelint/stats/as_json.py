"""The length report as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunelint.engine.tokens import histogram
from tunelint.stats.cost import Bill
from tunelint.stats.measure import SPLITS, Stats
from tunelint.stats.plan import Plan
from tunelint.stats.text import percentiles, shares
from tunelint.tokens.recipes import recipe_for
from tunelint.tokens.survivors import Ledger


def stats_object(stats: Stats, bills: Sequence[Bill], plans: Sequence[Plan], batch_size: int | None) -> dict[str, Any]:
    """Return the report; `splits` and `targets` have no entry for a split without records."""
    present = [split for split in SPLITS if stats.counts(split).size]
    return {
        "version": 1, "counter": stats.counter, "exact": stats.exact,
        "files": [
            {
                "path": file.path, "split": file.split, "shape": file.shape, "records": file.records,
                "faulty_lines": file.faulty_lines, "tokens": int(file.counts.sum()),
            }
            for file in stats.files
        ],
        "splits": {split: _split_object(stats, split) for split in present},
        "targets": [
            {"split": split, **ledger_object(ledger, stats.window, batch_size)} for split in present for ledger in stats.ledgers(split)
        ],
        "costs": [
            {
                "target": bill.target, "model": bill.price.model or None if bill.price else None, "tokens": bill.tokens,
                "exact": bill.exact, "epochs": bill.epochs, "usd": bill.usd,
                "usd_per_million": bill.price.usd_per_million if bill.price else None,
                "source": bill.price.source or None if bill.price else None,
                "read": bill.price.read.isoformat() if bill.price else None,
            }
            for bill in bills
        ],
        "plans": [
            {"target": plan.target, "problem": plan.problem, "setting": plan.setting, "clean": plan.clean, "look": plan.look}
            for plan in plans
        ],
    }  # fmt: skip


def _split_object(stats: Stats, split: Any) -> dict[str, Any]:
    counts = stats.counts(split)
    return {
        "records": int(counts.size), "tokens": int(counts.sum()),
        "percentiles": {name.removesuffix(" %"): value for name, value in percentiles(stats, split)},
        "histogram": [{"to": edge, "records": count} for edge, count in histogram(counts)],
        "windows": [
            {"window": window, "records_within": inside, "tokens_of_longer": over} for window, inside, over in shares(stats, split)
        ],
        "longest": [{"path": row.path, "line": row.line, "row": row.row, "tokens": row.tokens} for row in stats.longest(split)],
    }  # fmt: skip


def ledger_object(ledger: Ledger, window: int | None, batch_size: int | None) -> dict[str, Any]:
    """Return what becomes of the records at one target."""
    recipe = recipe_for(ledger.target, window=window)
    size = batch_size or recipe.batch_size
    return {
        "target": ledger.target, "exact": ledger.exact, "window": recipe.window, "overlong_rows": ledger.overlong,
        "rows": ledger.rows, "trained": ledger.trained, "dropped": dict(ledger.dropped), "untrained": dict(ledger.untrained),
        "stopping": dict(ledger.stopping), "answers_cut": ledger.answers_cut, "unended": ledger.unended,
        "tokens": ledger.tokens, "tokens_kept": ledger.tokens_kept, "tokens_trained": ledger.tokens_trained,
        "tokens_cut": ledger.tokens_cut, "trained_tokens_cut": ledger.trained_tokens_cut, "longest": ledger.longest,
        "batch_size": size, "steps_per_epoch": None if size is None else ledger.steps_per_epoch(size),
    }  # fmt: skip
