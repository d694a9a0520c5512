"""Pages as programs: their files are written, their console blocks are run, their output is held against the page."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command of a console block, without its comment, and the output that the page shows for it."""

    page: Path
    text: str
    output: tuple[str, ...]


def files_of(page: Path) -> dict[str, str]:
    """Return the files that a page tells its reader to save: fenced blocks with a name."""
    return {name: text for kind, name, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if name and kind != "console"}


def commands_of(page: Path) -> Iterator[Command]:
    """Yield the commands of a page's console blocks, in order."""
    for kind, _, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind != "console":
            continue
        for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            first, *rest = piece.rstrip("\n").split("\n")
            yield Command(page, re.split(r"\s{2,}# ", first)[0].strip(), tuple(line for line in rest if line.strip()))


def fits(shown: tuple[str, ...], lines: list[str]) -> bool:
    """Tell whether the output is what the page shows: `...` stands for any lines, at the end of a line for its rest."""
    if not shown:
        return True
    if shown[0] == "...":
        return any(fits(shown[1:], lines[start:]) for start in range(len(lines) + 1))
    if not lines:
        return False
    pattern = re.escape(shown[0]).replace(r"\.\.\.", ".*")
    return re.fullmatch(pattern, lines[0]) is not None and fits(shown[1:], lines[1:])


class Shell:
    """One bash session in a folder, so that `cd` and an activated environment stay."""

    def __init__(self, folder: Path, path: str, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "PATH": path, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
        self._state = folder / ".shell-state"

    def run(self, text: str, timeout: int = 900) -> tuple[int, list[str]]:
        """Run a command; returns its exit code and its output, both streams together."""
        script = f'[ -f "{self._state}" ] && . "{self._state}"\n{text}\ncode=$?\nexport -p > "{self._state}"\nexit $code\n'
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", script], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=timeout,
        )  # fmt: skip
        return done.returncode, [line for line in done.stdout.splitlines() if line.strip()]


def plain_environment() -> dict[str, str]:
    """Return what a user's shell has, and how this machine reaches its package index."""
    kept = ("PIP_", "UV_", "SSL_", "HTTP", "http", "LANG", "LC_", "XDG_CACHE")
    return {key: value for key, value in os.environ.items() if key.startswith(kept)}
