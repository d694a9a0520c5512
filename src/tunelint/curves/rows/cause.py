"""A cause: rows, numbers, one sentence and the next command."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from tunelint.curves.diagnosis.noise import Floats
from tunelint.curves.run import Run

Kind = Literal["leaked_eval_rows", "repeated_train_rows", "memorised_train_rows", "rows_behind_the_rise", "hardest_eval_rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """A record with its loss (mean NLL per trained token, nats) at the end of the run.

    `path` and `line` are those of the linted file where the lint report names the record, else of the run folder's own
    copy of the data; `twin` is the record that it repeats or that leaked into it.
    """

    record: str
    path: str | None
    line: int | None
    loss: float
    numbers: Mapping[str, float] = field(default_factory=dict)
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a curve looks as it does. `rows` are sorted, the most telling first; `command` is what to type next."""

    kind: Kind
    message: str
    rows: tuple[Row, ...]
    numbers: Mapping[str, float | int]
    command: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the cause in JSON types."""
        return {
            "kind": self.kind,
            "message": self.message,
            "numbers": dict(self.numbers),
            "command": self.command,
            "rows": [asdict(row) for row in self.rows],
        }


def gap_in_errors(lower: Floats, higher: Floats) -> float:
    """Return by how many standard errors the mean of `lower` lies below that of `higher` (Welch)."""
    if len(lower) < 2 or len(higher) < 2:
        return 0.0
    error = math.sqrt(float(np.var(lower, ddof=1)) / len(lower) + float(np.var(higher, ddof=1)) / len(higher))
    return float(higher.mean() - lower.mean()) / error if error > 0 else 0.0


def clean_command(run: Run) -> str:
    """Return the command that takes leaks and duplicates out of the linted files."""
    return f"tunelint clean {' '.join(linted_files(run))} -o cleaned/"


def linted_files(run: Run) -> list[str]:
    """Return the files of the lint report as a shell takes them; placeholders without a report.

    More than two files that `clean` wrote into the run's own folder are named by that folder.
    """
    files = [str(file["path"]) for file in (run.lint or {}).get("files", ()) if isinstance(file, Mapping) and file.get("path")]
    own = f"{run.source}/cleaned"
    if len(files) > 2 and all(file.startswith(own + "/") for file in files):
        files = [own]
    return [shlex.quote(file) for file in files] or ["TRAIN.jsonl", "EVAL.jsonl"]


def findings(run: Run, codes: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the lint findings of the given codes that name a record."""
    found = (run.lint or {}).get("findings", ())
    return [finding for finding in found if isinstance(finding, Mapping) and finding.get("code") in codes and finding.get("record")]
