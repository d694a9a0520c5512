"""Token numbers of a file, from the column that the scan left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunelint.engine.result import TokenSummary


def summarise(columns: Sequence[Any], parameters: dict[str, Any]) -> TokenSummary | None:
    """Return totals and percentiles over the chunks of a file, None when no counter ran or there is no record."""
    counter = parameters.get("counter")
    counted = [column for column in columns if column is not None]
    if counter is None or not counted:
        return None
    import numpy as np

    counts = np.concatenate(counted)
    if not len(counts):
        return TokenSummary(counter["name"], counter["exact"], 0, None, 0, 0, 0)
    p50, p95 = np.percentile(counts, [50, 95])
    return TokenSummary(counter["name"], counter["exact"], int(counts.sum()), None, float(p50), float(p95), int(counts.max()))
