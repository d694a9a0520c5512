"""The HTML report in a real browser, offline: tooltips by pointer and keyboard, numbers as in the JSON, no request."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from curve_logs import log_history, trainer_state

from tunelint.curves import CurveReport, judge, render_report

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser test needs playwright")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here (set CHROMIUM to its path)")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def report(tmp_path: Path) -> CurveReport:
    entries = log_history([1.3012345678, 1.36, 1.62], [1.4, 0.9, 0.5])
    for entry, accuracy in zip(entries[1::2], (0.71, 0.72, 0.69), strict=True):
        entry["eval_accuracy"] = accuracy
    trainer_state(tmp_path / "a", entries)
    trainer_state(tmp_path / "b", log_history([1.5, 1.3, 1.2], [1.6, 1.4, 1.3]))
    return judge([tmp_path])


@pytest.fixture
def page(browser: Any, report: CurveReport, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "report.html"
    path.write_text(render_report(report.runs, data=report.to_json()), encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.requests, page.complaints = [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(path.as_uri())
    yield page
    context.close()


def test_a_hovered_point_shows_its_numbers(page: Any, report: CurveReport) -> None:
    best = report.to_json()["runs"][0]["best"]
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.locator("section circle.dot.best").first.hover()
    assert tip.inner_text() == f"eval loss {best['eval_loss']} at step {best['step']}, epoch {best['epoch']}, the best"
    page.mouse.move(1, 1)
    assert tip.is_hidden()


def test_a_focused_point_shows_its_numbers(page: Any) -> None:
    page.locator("section circle.dot").nth(1).focus()
    assert page.locator("#tip").inner_text() == "eval loss 1.36 at step 200, epoch 2"


def test_every_number_of_the_tables_is_the_one_of_the_json(page: Any, report: CurveReport) -> None:
    assert json.loads(page.locator("#report").inner_text(timeout=0) or page.locator("#report").text_content()) == report.to_json()
    tables = page.locator("section table")
    for place, run in enumerate(report.to_json()["runs"]):
        rows = tables.nth(place).locator("tbody tr")
        assert rows.count() == len(run["evidence"]["curve"])
        for i, point in enumerate(run["evidence"]["curve"]):
            cells = rows.nth(i).locator("td").all_inner_texts()
            assert cells[:5] == [str(point[key]) for key in ("index", "epoch", "step", "train_loss", "eval_loss")]
            assert cells[6:-1] == [str(value) for value in point["metrics"].values()]
            assert float(rows.nth(i).locator("data").get_attribute("value")) == point["to_best"]
        details = page.locator("section").nth(place).locator("dl dd")
        assert float(details.nth(0).inner_text()) == run["confidence"]
        assert float(details.nth(1).locator("data").get_attribute("value")) == run["rise"]


def test_the_page_asks_for_nothing_and_breaks_nothing(page: Any, tmp_path: Path) -> None:
    page.locator("section circle.dot").first.hover()
    assert page.requests == [(tmp_path / "report.html").as_uri()]
    assert page.complaints == []


def test_the_policy_stops_foreign_script(page: Any) -> None:
    page.evaluate("const s = document.createElement('script'); s.textContent = 'window.broken = 1'; document.body.append(s)")
    assert page.evaluate("window.broken") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_ground_differ_in_both_schemes(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    light, dark = (sum(int(part) for part in colour[4:-1].split(",")) for colour in colours)
    assert abs(light - dark) > 300
    assert (dark > light) == (scheme == "light")
