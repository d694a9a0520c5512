"""Training logs: read them, judge whether the run overfitted, draw them.

`judge(paths)` reads and judges, `render_terminal` and `render_report` show the result, `CurveReport.to_json` is the
machine's view. Nothing is trained and nothing is fetched here.
"""

from __future__ import annotations

from tunelint.curves.diagnosis import Verdict, diagnose
from tunelint.curves.html import render_report
from tunelint.curves.readers import read_runs
from tunelint.curves.report import CurveReport, judge
from tunelint.curves.run import EvalPoint, RowLosses, Run, TrainPoint
from tunelint.curves.terminal import render_terminal

__all__ = [
    "CurveReport",
    "EvalPoint",
    "RowLosses",
    "Run",
    "TrainPoint",
    "Verdict",
    "diagnose",
    "judge",
    "read_runs",
    "render_report",
    "render_terminal",
]
