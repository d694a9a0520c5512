"""All runs with their verdicts: what the command line prints in any format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunelint.curves.diagnosis import Verdict, diagnose
from tunelint.curves.readers import read_runs
from tunelint.curves.readers.openai_jobs import read_job
from tunelint.curves.rows import explain, without_leaks
from tunelint.curves.run import Run

VERSION = 1


@dataclass(frozen=True)
class CurveReport:
    """The runs that were found, each with its verdict."""

    runs: tuple[tuple[Run, Verdict], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object of `tunelint curves --format json`; the caller fills `findings`."""
        return {"version": VERSION, "runs": [verdict.to_json() for _, verdict in self.runs], "findings": []}


JOB = "openai:"
"""What a path begins with that is no path but a fine-tuning job."""


def judge(
    paths: Iterable[str | Path],
    columns: Mapping[str, str] | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
) -> CurveReport:
    """Read every log at the given files and folders and judge each run in it.

    A path `openai:JOB_ID` is read from an OpenAI-compatible API at `base_url` (None: OpenAI's own) with `api_key`
    (None: the client's environment variable). `columns` is for tables, see `read_runs`. Raises TunelintError for a path
    that is missing or holds no log that can be read.
    """
    runs: list[Run] = []
    for path in paths:
        if isinstance(path, str) and path.startswith(JOB):
            runs += read_job(path.removeprefix(JOB), base_url, api_key)
        else:
            runs += read_runs(path, columns)
    return CurveReport(tuple((run, judge_run(run)) for run in runs))


def judge_run(run: Run) -> Verdict:
    """Return the verdict on a run with the causes that its rows show, as `evidence["causes"]`."""
    verdict = diagnose(run)
    added: dict[str, Any] = {}
    clean = without_leaks(run)
    if clean is not None:
        added["without_leaks"] = _in_short(diagnose(clean))
    causes = explain(run, verdict)
    if causes:
        added["causes"] = [cause.to_json() for cause in causes]
    return replace(verdict, evidence={**verdict.evidence, **added}) if added else verdict


def _in_short(verdict: Verdict) -> dict[str, Any]:
    """Return what matters of the verdict on the clean eval rows alone."""
    best = verdict.best
    return {
        "verdict": verdict.verdict,
        "severity": verdict.severity,
        "confidence": verdict.confidence,
        "rise": verdict.rise,
        "best_step": best.step if best else None,
        "best_epoch": best.epoch if best else None,
        "best_eval_loss": best.eval_loss if best else None,
    }
