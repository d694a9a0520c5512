"""A page in headless Chromium, and everything that goes wrong in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser tests")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@contextmanager
def chromium() -> Iterator[sync_api.Browser]:
    """Start the browser; skips the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium here: the page is not looked at in a browser")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page, and what it said in the console, asked the network for or popped up."""

    def __init__(self, browser: sync_api.Browser, path: Path, width: int = 1200, scheme: str = "light") -> None:
        self.trouble: list[str] = []
        self.context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.trouble.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: None if request.url.startswith("file:") else self.trouble.append(request.url))
        self.page.goto(path.as_uri())

    def contrasts(self, selector: str) -> list[float]:
        """Return the contrast of each element's text with the page, as WCAG 2.2 counts it (1.4.3: 4.5 at least)."""
        return self.page.evaluate(
            """(selector) => {
              const light = (color) => { const [r, g, b] = color.match(/\\d+/g).slice(0, 3).map((v) => { v /= 255;
                return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
              const back = light(getComputedStyle(document.body).backgroundColor);
              return [...document.querySelectorAll(selector)].map((node) => {
                const style = getComputedStyle(node), front = light(node instanceof SVGElement ? style.fill : style.color);
                return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05); }); }""",
            selector,
        )

    def __getattr__(self, name):
        return getattr(self.page, name)
