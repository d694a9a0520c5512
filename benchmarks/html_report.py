"""How fast the HTML report of a dirty file opens and answers in a browser.

    python benchmarks/html_report.py [--rows 50000] [--browser /usr/bin/chromium] [--shots FOLDER]

Writes a seeded dirty train file and a small eval file, lints them with the recommended pack, and drives headless Chromium
over the page: from the start of loading to the moment the first rows of the list are painted, then one filter by rule,
by severity, by file and by text, a record and a cluster, each until the next frame is painted. `--shots` writes pictures
of each page in both colour schemes and at 400 pixels. It exits 1 when the console says anything or the page asks the network.

On two shared cores, 49,692 records with 24,136 findings (a page of 9.2 MB): opened in 0.56 s (median of 5, 0.41 to 0.90), every
act was painted in under 0.1 s.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THINGS = [
    "pump",
    "filter",
    "hose",
    "valve",
    "lamp",
    "tank",
    "seal",
    "motor",
    "display",
    "button",
    "timer",
    "sensor",
    "cable",
    "fuse",
    "handle",
    "lid",
    "grid",
    "wheel",
    "belt",
    "spring",
]
ACTS = [
    "clean",
    "check",
    "replace",
    "open",
    "close",
    "drain",
    "fill",
    "press",
    "turn",
    "loosen",
    "fasten",
    "measure",
    "dry",
    "oil",
    "test",
    "reset",
    "unplug",
    "store",
    "lift",
    "move",
]
WHERE = [
    "before winter",
    "after each use",
    "once a month",
    "with cold water",
    "by hand",
    "in the workshop",
    "at night",
    "under load",
    "when it is off",
]
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"


def row(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def good(number: int, chance: random.Random) -> dict[str, Any]:
    """A plausible row that no other row resembles much."""
    steps = "; ".join(f"{chance.choice(ACTS)} the {chance.choice(THINGS)} {chance.choice(WHERE)}" for _ in range(chance.randrange(4, 14)))
    return row(f"Model {number}: how do I {chance.choice(ACTS)} the {chance.choice(THINGS)} {chance.choice(WHERE)}?", f"First {steps}. ({number})")


def dirty(rows: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """The lines of a train and an eval file: three quarters of the train rows are good, the rest have planted faults."""
    chance = random.Random(seed)
    base = [good(number, chance) for number in range(rows * 3 // 4)]
    lines = [json.dumps(item) for item in base]
    held_out = [json.dumps(item) for item in (good(rows + number, chance) for number in range(1_000))]
    held_out += [json.dumps(item) for item in chance.sample(base, 200)]
    while len(lines) < rows:
        lines.append(fault(chance.choice(base), chance.randrange(8), chance))
    chance.shuffle(lines)
    return lines, held_out


def fault(item: dict[str, Any], kind: int, chance: random.Random) -> str:
    """A faulty line made of a good row."""
    question, answer = (message["content"] for message in item["messages"])
    if kind == 0:
        return json.dumps(row(question, ""))
    if kind == 1:
        return json.dumps(item)[: -chance.randrange(2, 30)]
    if kind == 2:
        return json.dumps(item)
    if kind == 3:  # a near copy: one word of the answer is another
        words = answer.split()
        words[chance.randrange(len(words))] = chance.choice(THINGS)
        return json.dumps(row(question, " ".join(words)))
    if kind == 4:
        return json.dumps({"messages": [*item["messages"], {"role": "user", "content": "And then?"}]})
    if kind == 5:
        return json.dumps({"messages": [{**message, "role": "bot" if message["role"] == "assistant" else "user"} for message in item["messages"]]})
    if kind == 6:
        return json.dumps(row(question, answer + " caf\u00c3\u00a9 </script><img src=x onerror=alert(1)>"))
    return json.dumps(row(question + " Write to jane.doe@mail-of-the-works.net", answer))


def make_report(folder: Path, rows: int) -> tuple[Path, dict[str, Any]]:
    """Lint the dirty files of this many rows; returns the page and the JSON report."""
    train, held_out = dirty(rows)
    (folder / "train.jsonl").write_text("\n".join(train) + "\n", encoding="utf-8")
    (folder / "eval.jsonl").write_text("\n".join(held_out) + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "tunelint",
        "lint",
        "train.jsonl",
        "eval.jsonl",
        "--isolated",
        "-q",
        "--format",
        "html:report.html",
        "--format",
        "json:report.json",
    ]
    before = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    if done.returncode != 1:
        sys.exit(f"lint ended with {done.returncode}: {done.stderr}")
    print(f"lint and reports: {time.perf_counter() - before:.1f} s")
    return folder / "report.html", json.loads((folder / "report.json").read_text(encoding="utf-8"))


class Visit:
    """A page in a browser, what went wrong in it, and how long each act takes until it is painted."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> None:
        self.trouble: list[str] = []
        self.page = browser.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme).new_page()
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: None if request.url.startswith("file:") else self.trouble.append(request.url))
        self.page.goto(path.as_uri(), wait_until="commit")
        self.page.wait_for_selector(".row")
        self.opened = float(self.page.evaluate(PAINTED)) / 1000

    def timed(self, act: Callable[[Any], object]) -> float:
        """Seconds of an act, the driver's own round trips included."""
        before = float(self.page.evaluate("performance.now()"))
        act(self.page)
        return (float(self.page.evaluate(PAINTED)) - before) / 1000


ACTIONS: dict[str, Callable[[Any], object]] = {
    "filter by rule": lambda page: page.select_option("#rule", index=1),
    "all rules again": lambda page: page.select_option("#rule", index=0),
    "hide warnings": lambda page: page.uncheck("input[name='1']"),
    "show warnings": lambda page: page.check("input[name='1']"),
    "filter by file": lambda page: page.select_option("#file", index=2),
    "all files again": lambda page: page.select_option("#file", index=0),
    "search a text": lambda page: page.fill("#text", "winter"),
    "reset": lambda page: page.click("button[type=reset]"),
    "open a record": lambda page: page.locator(".row").nth(3).click(),
    "to the last row": lambda page: page.locator("#list").press("End"),
    "open the clusters": lambda page: page.click("#tab-clusters"),
    "open the leaks": lambda page: page.click("#tab-leaks"),
}


def shoot(browser: Any, path: Path, folder: Path) -> None:
    """Write pictures of every view, both colour schemes, wide and narrow."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        for width in (1280, 400):
            visit = Visit(browser, path, width, scheme)
            name = f"{scheme}-{width}"
            visit.page.screenshot(path=folder / f"{name}-findings.png", full_page=True)
            for tab in ("findings", "clusters", "leaks"):
                visit.page.click(f"#tab-{tab}")
                visit.page.locator(".row").nth(2).click()
                visit.page.screenshot(path=folder / f"{name}-{tab}-open.png")
                visit.page.keyboard.press("Escape")
            visit.page.context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--browser", default=os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--shots", type=Path)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path, report = make_report(Path(folder), options.rows)
        print(f"{report['summary']['records']:,} records, {len(report['findings']):,} findings, page of {path.stat().st_size / 1e6:.1f} MB")
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        times = sorted(Visit(browser, path).opened for _ in range(5))
        print(f"opens in {times[2]:.2f} s (median of 5; {times[0]:.2f} to {times[-1]:.2f})")
        visit = Visit(browser, path)
        for name, act in ACTIONS.items():
            print(f"{name}: {visit.timed(act):.2f} s, shows {visit.page.inner_text('#shown')}")
        if options.shots:
            shoot(browser, path, options.shots)
        browser.close()
    for line in visit.trouble:
        print(f"trouble: {line}")
    return 1 if visit.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
