"""All runs with their verdicts: what the command line prints in any format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelint.curves.diagnosis import Verdict, diagnose
from tunelint.curves.readers import read_runs
from tunelint.curves.run import Run

VERSION = 1


@dataclass(frozen=True)
class CurveReport:
    """The runs that were found, each with its verdict."""

    runs: tuple[tuple[Run, Verdict], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `tunelint curves --format json`; the caller fills `findings`."""
        return {"version": VERSION, "runs": [verdict.to_json() for _, verdict in self.runs], "findings": []}


def judge(paths: Iterable[str | Path]) -> CurveReport:
    """Read every log at the given files and folders and judge each run in it.

    Raises TunelintError for a path that is missing or holds no log that can be read.
    """
    runs = [run for path in paths for run in read_runs(path)]
    return CurveReport(tuple((run, diagnose(run)) for run in runs))
