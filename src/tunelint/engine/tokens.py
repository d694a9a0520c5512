"""The run's token counter, and the token numbers of a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunelint.engine.result import TokenSummary
from tunelint.records.discover import Input

if TYPE_CHECKING:
    from tunelint.tokens.context import TokenContext
    from tunelint.tokens.counters import Counter


def expected_chars(inputs: Sequence[Input]) -> int:
    """Return about how much text the files hold, rounded, so that the same data compressed or copied is counted by the
    same counter."""
    size = sum(os.path.getsize(item.path) for item in inputs if os.path.isfile(item.path))
    return 1 << size.bit_length()


def run_context(parameters: dict[str, Any]) -> TokenContext:
    """Return the tokenizer and the recipe that a run's parameters name; loaded once per process."""
    from tunelint.tokens.context import token_context

    return token_context(parameters.get("tokenizer"), parameters.get("target"), parameters.get("expected_chars"))


def check_tokenizer(parameters: dict[str, Any]) -> None:
    """Read the run's tokenizer folder once, so that a broken one is said before any worker starts.

    Raises TunelintError where `tokenizer` is a path without a readable tokenizer.
    """
    maker = run_context(parameters).maker
    if maker is not None:
        _ = maker.folder.tokenizer


def run_counter(parameters: dict[str, Any]) -> Counter:
    """Return the run's counter."""
    return run_context(parameters).counter


def summarise(columns: Sequence[Any], parameters: dict[str, Any]) -> TokenSummary | None:
    """Return totals and percentiles over the chunks of a file, None when no counter ran or there is no record."""
    counted = [column for column in columns if column is not None]
    if not counted:
        return None
    import numpy as np

    counter = run_counter(parameters)
    counts = np.concatenate(counted)
    if not len(counts):
        return TokenSummary(counter.name, counter.exact, 0, None, 0, 0, 0)
    p50, p95 = np.percentile(counts, [50, 95])
    return TokenSummary(
        counter.name, counter.exact, int(counts.sum()), None, float(p50), float(p95), int(counts.max()), bins=histogram(counts),
    )  # fmt: skip


def histogram(counts: Any) -> tuple[tuple[int, int], ...]:
    """Return pairs of the highest length in a bin and the number of records, in steps of half a doubling: lengths spread
    over orders of magnitude. `counts` has one entry per record, at least one."""
    import numpy as np

    edges = sorted({round(2 ** (half / 2)) for half in range(2 * int(counts.max()).bit_length() + 1)})
    index = np.searchsorted(edges, counts)  # edges[index - 1] < count <= edges[index]
    sizes = np.bincount(index, minlength=len(edges))
    first, last = np.flatnonzero(sizes)[[0, -1]]
    return tuple((edges[at], int(sizes[at])) for at in range(first, last + 1))
