"""What people see: the terminal text and the HTML page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from curve_logs import curve, log_history, trainer_state

from tunelint.curves import CurveReport, EvalPoint, Run, diagnose, judge, render_report, render_terminal


def _report(run: Run) -> CurveReport:
    return CurveReport(((run, diagnose(run)),))


class _Page(HTMLParser):
    """Collects what a test wants to know about a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[list[str]] = []
        self.script = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = "cell" if tag == "td" or (tag == "data" and self._inside == "cell") else tag
        if tag == "tr":
            self.cells.append([])

    def handle_data(self, data: str) -> None:
        if self._inside == "cell":
            self.cells[-1].append(data)
        if self._inside == "script" and not self.script:
            self.script = data


def test_the_terminal_shows_verdict_numbers_and_plot() -> None:
    text = render_terminal(_report(curve([1.30, 1.36, 1.62], [1.4, 0.9, 0.5], saved_steps=(100, 300))), color=False)
    assert text.startswith("run: overfit, strong (confidence ")
    assert "eval loss 1.3 at step 100, epoch 1" in text
    assert "+24.6%" in text
    plot = text[text.index("|") :]
    assert plot.count("*") == 2
    assert "o eval loss" in plot
    assert "^ saved" in plot
    assert "\x1b" not in text


def test_colour_changes_no_character() -> None:
    report = _report(curve([1.30, 1.36, 1.62]))
    coloured = render_terminal(report, color=True)
    assert "\x1b[31m" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render_terminal(report, color=False)


def test_control_characters_of_a_log_do_not_reach_the_terminal() -> None:
    run = replace(curve([1.3, 1.2, 1.1]), source="a\x1b]0;x\x07b", notes=("one\x1b[2Jtwo",))
    assert "\x1b" not in render_terminal(_report(run), color=False)


def test_the_page_is_offline_and_its_table_holds_the_numbers_of_the_json(tmp_path: Path) -> None:
    report = judge([trainer_state(tmp_path, log_history([1.3012345678, 1.36, 1.62], [1.4, 0.9, 0.5]))])
    page = _Page(render_report(report.runs, data=report.to_json()))
    assert json.loads(page.script) == report.to_json()
    rows = report.to_json()["runs"][0]["evidence"]["curve"]
    shown = [cells for cells in page.cells if cells]
    assert [cells[:5] for cells in shown] == [[str(row[key]) for key in ("index", "epoch", "step", "train_loss", "eval_loss")] for row in rows]
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object")
        assert "src" not in attributes
        assert "href" not in attributes
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_names_from_the_log_are_escaped() -> None:
    nasty = "</script><script>alert(1)</script>"
    points = tuple(EvalPoint(i, i, 1.0 / i, {nasty + "accuracy": 0.5}) for i in (1, 2, 3))
    page = render_report([(run := Run(nasty, points, notes=(nasty,)), diagnose(run))])
    assert nasty not in page
    assert page.count("<script") == 2


def test_several_runs_are_overlaid_in_one_chart(tmp_path: Path) -> None:
    trainer_state(tmp_path / "a", log_history([1.5, 1.3, 1.2]))
    trainer_state(tmp_path / "b", log_history([1.3, 1.36, 1.62]))
    page = render_report(judge([tmp_path]).runs)
    assert "All runs" in page
    assert 'class="eval run-1"' in page


def test_a_run_without_evals_has_no_chart_but_a_page() -> None:
    run = curve([], [1.4, 0.9, 0.5])
    assert "inconclusive" in render_report([(run, diagnose(run))])
    assert "no eval losses" in render_terminal(_report(run), color=False)
