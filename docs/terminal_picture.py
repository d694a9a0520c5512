"""Draw docs/terminal.svg, the picture in the README: what the commands print on the data of the first ten minutes.

python docs/terminal_picture.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
PICTURE = DOCS / "terminal.svg"
COMMANDS = ("tunelint lint train.jsonl eval.jsonl --select LEAK,TURN,JSN -q", "tunelint clean train.jsonl eval.jsonl")
WIDTH = 112


def data() -> dict[str, str]:
    """Return the two files that the page about the first ten minutes has its reader save."""
    page = (DOCS / "first-ten-minutes.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^```jsonl (\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def lines() -> list[str]:
    """Run the commands in a fresh folder; returns what a terminal shows, with its colours."""
    shown: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in data().items():
            Path(folder, name).write_text(text, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(DOCS.parent / "src"), "FORCE_COLOR": "1"}
        environment.pop("NO_COLOR", None)
        for command in COMMANDS:
            program = [sys.executable, "-m", *command.split()]
            done = subprocess.run(
                program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", check=False
            )
            if done.returncode == 2:
                raise SystemExit(f"{command}: {done.stdout}")
            shown += [f"\x1b[1m$ {command}\x1b[0m", *done.stdout.rstrip("\n").split("\n"), ""]
    return shown[:-1]


def svg() -> str:
    """Return the picture. It names no font from elsewhere: an image may not load one."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor", legacy_windows=False)
        for line in lines():
            console.print(Text.from_ansi(line), highlight=False)
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
        "Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace"
    )
    return console.export_svg(title="tunelint", code_format=form, unique_id="terminal")


def words(picture: str) -> list[str]:
    """Return the words that a picture shows, in order."""
    return re.sub(r"&#160;|\s+", " ", " ".join(re.findall(r"<text[^>]*>(.*?)</text>", picture, re.DOTALL))).split()


if __name__ == "__main__":
    PICTURE.write_text(svg() + "\n", encoding="utf-8")
