"""The HTML pages of training, stats and tokens in a real browser: nothing goes wrong, nothing leaves, all of it is readable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_page import Opened, chromium
from report_data import HOSTILE

from tests_rows import chat


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def write_data(folder: Path) -> None:
    rows = [chat(f"Question number {i}, about topic {i * 7}?", f"Answer {i * 13}.") for i in range(24)]
    rows += [chat(text, f"{text} y") for text in HOSTILE[:-1]] + [rows[0].replace("Answer 0.", "Quite another answer.")]
    (folder / "train.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    held_out = [chat(f"Held-out question {i} on subject {i * 3}?", f"Reply {i}.") for i in range(12)]
    (folder / "eval.jsonl").write_text("\n".join(held_out) + "\n")


def look(browser: Any, path: Path, texts: str) -> str:
    """Open a page in both colour schemes, wide and narrow, hold it against what all pages promise, and return its text."""
    for scheme in ("light", "dark"):
        for width in (1200, 400):
            page = Opened(browser, path, width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            contrasts = page.contrasts(texts)
            assert len(contrasts) > 10
            assert min(contrasts) >= 4.5
            # A cell of one letter a line is what a table does that is squeezed instead of scrolled.
            widths = page.evaluate("[...document.querySelectorAll('td')].filter(td => td.innerText.length > 8).map(td => td.offsetWidth)")
            assert not [pixels for pixels in widths if pixels and pixels < 48]
            text = page.evaluate("document.body.innerText")
            assert page.locator("img, iframe, object, link, [onerror]").count() == 0
            assert page.trouble == []
            page.context.close()
    raw = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in raw
    assert not set("\u202e\u2066\u2069\x1b\x9b\u2028") & set(raw)
    return text


def test_the_report_of_a_training(browser, tunelint, tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: nothing is trained")
    write_data(tmp_path)
    ran = tunelint("lint-and-train", ".", "--clean", "--epochs", "2", "--batch-size", "8", "--run-dir", "runs/a", "--fail-on", "never", "-q")
    assert ran.code == 0, ran.err
    path = tmp_path / "runs/a/report.html"
    text = look(browser, path, "h1, h2, h3, dt, dd, p, td, th, text.tick")
    assert "conflicting-answers" in text
    assert "runs/a/cleaned/train.jsonl" in text
    # The copy was made in a temporary folder, which nobody will find again.
    for file in (path, tmp_path / "runs/a/lint.json", tmp_path / "runs/a/report.json"):
        assert not re.search(r"/tunelint-\w+/cleaned", file.read_text(encoding="utf-8")), file.name
    page = Opened(browser, path)
    page.locator("circle[data-tip]").first.hover(force=True)
    assert page.inner_text("#tip").startswith("eval loss ")
    assert page.trouble == []
    page.context.close()


def test_stats(browser, tunelint, tmp_path):
    write_data(tmp_path)
    ran = tunelint("stats", ".", "--target", "openai,trl,axolotl", "--format", "html:stats.html", "-q")
    assert ran.code == 0, ran.err
    text = look(browser, tmp_path / "stats.html", "h1, h2, p, td, th, svg text")
    assert "What the targets train on" in text


@pytest.mark.parametrize("row", range(25, 32))
def test_a_row_of_tokens(browser, tunelint, tmp_path, row):
    write_data(tmp_path)
    ran = tunelint("tokens", "train.jsonl", "--row", str(row), "--target", "openai", "--max-tokens", "12", "--format", "html:row.html")
    assert ran.code == 0, ran.err
    page = Opened(browser, tmp_path / "row.html", 400, "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert "trained" in page.inner_text("body")
    assert page.locator("script, img, iframe, object, link, [onerror]").count() == 0
    assert page.trouble == []
    page.context.close()
