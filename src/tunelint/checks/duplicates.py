"""Records that repeat one another within a split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.checks.hit import Edit, Hit, Partner
from tunelint.checks.survey import Survey, needs
from tunelint.records.record import Split


def first_of_copies(digests: NDArray[Any]) -> NDArray[np.int64]:
    """Return for every row the index of the first row equal to it. digests (N, k)."""
    if not len(digests):
        return np.zeros(0, np.int64)
    _, first, inverse = np.unique(digests[:, 0], return_index=True, return_inverse=True)
    copies: NDArray[np.int64] = first[inverse].astype(np.int64)
    if not np.array_equal(digests[copies], digests):  # two rows agree in the first column alone
        _, first, inverse = np.unique(digests, axis=0, return_index=True, return_inverse=True)
        copies = first[inverse.reshape(-1)].astype(np.int64)
    return copies


@dataclass(frozen=True)
class Collapsed:
    """The records of a split without exact copies: `rows` (n,) indices into the survey, `counts` (n,) copies of each."""

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]


def collapsed(survey: Survey, split: Split) -> Collapsed:
    """Return the records of a split, of exact copies only the first. Worked out once a run: half a dozen rules ask."""
    key = f"collapsed-{split}"
    if key not in survey.extras:
        rows = survey.of_split(split)
        leads, counts = np.unique(first_of_copies(survey.column("copy")[rows]), return_counts=True)
        survey.extras[key] = Collapsed(rows[leads], counts.astype(np.int64))
    found: Collapsed = survey.extras[key]
    return found


@needs("copy")
def exact_duplicate(survey: Survey, options: dict[str, Any]) -> Iterator[Hit]:
    """DUP001: a copy of an earlier record of the same split (key order, spacing, ids and dates aside)."""
    splits: tuple[Split, ...] = ("train", "eval")
    for split in splits:
        rows = survey.of_split(split)
        first = first_of_copies(survey.column("copy")[rows])
        later = np.flatnonzero(first != np.arange(len(rows)))
        for position in later.tolist():
            at, twin = int(rows[position]), int(rows[first[position]])
            yield Hit(
                f"Record is a copy of {place(survey, twin)}.", at=at, score=1.0,
                related=(Partner(twin, 1.0),), edit=Edit("drop"),
            )  # fmt: skip


def place(survey: Survey, index: int) -> str:
    """Return `path:line` of a record, for messages."""
    path, line = survey.files[survey.file[index]].path, int(survey.line[index])
    return f"{path}:{line}" if line else f"{path} row {int(survey.row[index])}"
