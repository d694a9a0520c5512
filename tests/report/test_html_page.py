"""The HTML report in a real browser: what it shows, how it is used, and what hostile data can do to it (nothing)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browser_page import Opened, chromium
from report_data import write_dirty

from tests_rows import chat
from tunelint.api import lint
from tunelint.report import render


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser, tmp_path, monkeypatch):
    """Lint what lies in the folder and open the page."""
    monkeypatch.chdir(tmp_path)
    pages: list[Opened] = []

    def run(width: int = 1200, scheme: str = "light", **settings) -> tuple[Opened, dict]:
        report = lint(".", **settings)
        path = tmp_path / "report.html"
        path.write_text("\n".join(render(report, "html")), encoding="utf-8")
        pages.append(Opened(browser, path, width, scheme))
        pages[-1].wait_for_selector("#app:not([hidden])")
        return pages[-1], json.loads("".join(render(report, "json")))

    yield run
    for page in pages:
        assert page.trouble == []
        page.context.close()


def test_hostile_data_is_text(opened, tmp_path):
    write_dirty(tmp_path)
    page, report = opened(ignore=["SIZE"])
    assert len(report["findings"]) > 25
    for _ in range(len(report["findings"])):
        page.locator("#list").press("ArrowDown")
    assert page.evaluate("[...document.querySelectorAll('script')].map(s => s.id)") == ["data", ""]
    for injected in ("img", "iframe", "object", "link", "#detail script", "[onerror]"):
        assert page.locator(injected).count() == 0
    page.fill("#text", "alert(1)")
    page.locator(".row").first.click()
    assert "</script><script>alert(1)" in page.inner_text("#detail")
    raw = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in raw
    assert raw.count("<script") == 2
    assert "connect-src" not in raw  # default-src 'none' covers it
    assert "default-src 'none'" in raw
    assert not set("\u202e\u2066\u2069\x1b\x9b\u2028") & set(raw)


def test_the_policy_stops_scripts_and_requests(opened, tmp_path):
    write_dirty(tmp_path)
    page, _ = opened(ignore=["SIZE"])
    page.evaluate("const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s)")
    page.evaluate("const i = new Image(); i.src = 'https://example.invalid/x.png'; document.body.append(i)")
    assert page.evaluate("window.owned") is None
    assert [text for text in page.trouble if "Content Security Policy" in text]
    page.trouble.clear()


def test_filters_agree_with_json(opened, tmp_path):
    write_dirty(tmp_path)
    page, report = opened(ignore=["SIZE"])
    everything = len(report["findings"])
    assert page.inner_text("#shown") == f"{everything} of {everything}"
    by_severity = {name: sum(f["severity"] == name for f in report["findings"]) for name in ("error", "warning", "note")}
    page.uncheck("input[name='2']")
    assert page.inner_text("#shown") == f"{everything - by_severity['error']} of {everything}"
    page.check("input[name='2']")
    labels = page.locator("#rule option").all_inner_texts()[1:]
    assert sorted(labels) == sorted(f"{name} ({count})" for name, count in report["summary"]["by_rule"].items())
    page.select_option("#rule", label="invalid-json (9)")
    assert page.inner_text("#shown") == f"9 of {everything}"
    page.select_option("#rule", "")
    page.select_option("#file", label="eval.jsonl (1)")
    assert page.inner_text("#shown") == f"1 of {everything}"
    page.click("button[type=reset]")
    page.fill("#text", "TURN004")
    assert page.inner_text("#shown") == f"1 of {everything}"
    assert "Answer is empty." in page.inner_text("#detail")
    page.fill("#text", "no such thing")
    assert page.inner_text("#shown") == f"0 of {everything}"
    assert page.inner_text("#list") == "Nothing here."


def test_the_record_is_shown_with_the_hit_marked_and_nothing_long_or_secret(opened, tmp_path):
    key = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    text = "🙂🙂 Zażółć " + "before " * 400 + "MIDDLE " + "x y z " * 300 + f"my key is {key} and " + "after " * 300
    (tmp_path / "train.jsonl").write_text(chat(text, "🙂 bad\x07bell") + "\n", encoding="utf-8")
    page, report = opened(select=["PII001", "TEXT004"])
    assert report["summary"]["by_rule"] == {"secret": 1, "control-characters": 1}
    raw = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert key[12:] not in raw
    assert "MIDDLE" not in raw
    assert len(raw) < 60_000
    page.select_option("#rule", label="secret (1)")
    assert page.inner_text("#detail mark").startswith("sk-…")
    assert page.locator("#detail .gap").count() == 2
    page.select_option("#rule", label="control-characters (1)")
    assert page.inner_text("#detail mark") == "\\u0007"


def test_leak_pairs_and_clusters_stand_side_by_side_with_a_word_diff(opened, tmp_path):
    rows = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13} with some words in it.") for i in range(60)]
    (tmp_path / "train.jsonl").write_text("\n".join([*rows, rows[4], rows[4]]) + "\n")
    (tmp_path / "eval.jsonl").write_text(chat("Question number 9, about topic 63?", "Answer 117 with other words in it.") + "\n")
    page, _ = opened(select=["DUP001", "LEAK002"])
    page.click("#tab-leaks")
    assert page.inner_text("#shown") == "1 of 1"
    assert page.locator(".pair .part").count() == 4
    assert page.locator(".pair del").all_inner_texts() == ["other"]
    assert page.locator(".pair ins").all_inner_texts() == ["some"]
    page.click("#tab-clusters")
    assert page.inner_text("#shown") == "1 of 1"
    assert "3 records" in page.inner_text("#list")
    assert page.locator(".chips button").all_inner_texts() == ["train.jsonl:61", "train.jsonl:62"]
    page.locator(".chips button").nth(1).click()
    assert "train.jsonl:62" in page.inner_text(".pair")
    assert "the same, word by word" in page.inner_text(".pair")


def test_two_long_records_show_where_they_differ(opened, tmp_path):
    start, end = "same " * 500, "tail " * 500
    rows = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(60)]
    (tmp_path / "train.jsonl").write_text("\n".join([*rows, chat("Why?", f"{start}LEFT {end}")]) + "\n")
    (tmp_path / "eval.jsonl").write_text(chat("Why?", f"{start}RIGHT {end}") + "\n")
    page, _ = opened(select=["LEAK002"])
    assert page.locator(".pair del").all_inner_texts() == ["RIGHT"]
    assert page.locator(".pair ins").all_inner_texts() == ["LEFT"]


def test_ten_thousand_findings_are_a_short_list_in_the_page(opened, tmp_path):
    (tmp_path / "train.jsonl").write_text("{broken\n" * 12_000)
    page, _ = opened(select=["JSN"])
    assert page.inner_text("#shown") == "12,000 of 12,000"
    assert page.locator(".row").count() < 60
    page.locator("#list").press("End")
    assert page.locator(".row[aria-selected=true] .place").inner_text() == "train.jsonl:12000"
    assert page.get_attribute("#list", "aria-activedescendant") == "row-11999"
    assert page.locator(".row").count() < 60
    page.fill("#text", "jsonl:777")
    assert page.inner_text("#shown") == "11 of 12,000"


def test_keyboard_alone_is_enough(opened, tmp_path):
    write_dirty(tmp_path)
    page, _ = opened(ignore=["SIZE"], width=400)
    page.keyboard.press("/")
    page.keyboard.type("empty")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "list"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "detail"
    assert page.is_visible("#detail")
    page.keyboard.press("Escape")
    assert page.is_hidden("#detail")
    page.keyboard.press("3")
    assert page.get_attribute("#tab-leaks", "aria-selected") == "true"
    page.focus("#tab-leaks")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-findings", "aria-selected") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_400_pixels_and_both_themes(opened, tmp_path, scheme):
    write_dirty(tmp_path)
    page, _ = opened(ignore=["SIZE"], width=400, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator(".row").nth(3).click()
    assert page.evaluate("document.getElementById('detail').scrollWidth") <= 400
    page.click("#back")
    contrast = page.contrasts("h1, .facts, .row .name, .row .place, .counts b, nav button")
    assert len(contrast) > 10
    assert min(contrast) >= 4.5  # WCAG 2.2, 1.4.3
