"""What a check of the whole dataset sees: columns over all records, and a way back to the bytes of a few of them.

The engine fills a `Survey` from what the scan of every chunk left behind; survey checks work on its columns and look at
records only to verify or to explain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.records.record import Record, Split
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Ragged

Column = NDArray[Any] | Ragged  # of one chunk


@dataclass(frozen=True, slots=True)
class SurveyFile:
    """A file of the survey. `records` counts its parsed records, `shape` is its verdict."""

    path: str
    split: Split
    shape: str
    records: int
    faulty_lines: int
    bytes: int


@dataclass
class Survey:
    """All parsed records in order: train before eval, then by path, then by line; index i is the same in every column.

    `file` (N,) is the index into `files`, `is_eval` (N,) bool, `line` (N,) int64 (0 where there is none), `row` (N,)
    int64 from 1 within the file, `columns` the features that the running checks asked for (see
    `tunelint.engine.features`). `fetch` re-reads records: prefer `records`, which takes any number of indices.
    """

    files: tuple[SurveyFile, ...]
    file: NDArray[np.int32]
    is_eval: NDArray[np.bool_]
    line: NDArray[np.int64]
    row: NDArray[np.int64]
    columns: dict[str, NDArray[Any] | Batches]
    fetch: Callable[[list[int]], dict[int, Record]]
    target: str | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.file)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of one value per record."""
        column = self.columns[name]
        assert not isinstance(column, Batches)
        return column

    def ragged(self, name: str) -> Ragged:
        """Return a column of one row of numbers per record, in one piece."""
        return self.words(name).flat()

    def words(self, name: str) -> Batches:
        """Return such a column as the chunks left it: right for all but short rows, of which a copy costs nothing."""
        column = self.columns[name]
        assert isinstance(column, Batches)
        return column

    def of_split(self, split: Split) -> NDArray[np.int64]:
        """Return the indices of the records of one split, in order."""
        return np.flatnonzero(self.is_eval == (split == "eval"))

    def records(self, indices: Iterable[int]) -> dict[int, Record]:
        """Re-read records by index."""
        return self.fetch(sorted({int(index) for index in indices}))

    def has_split(self, split: Split) -> bool:
        """Tell whether any file is of the split."""
        return any(file.split == split for file in self.files)


def needs(*features: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark the columns that a survey check reads, so that the scan computes only what is asked for."""

    def mark(check: Callable[..., Any]) -> Callable[..., Any]:
        check.features = features  # type: ignore[attr-defined]
        return check

    return mark
