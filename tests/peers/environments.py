"""Virtual environments of other people's validators and trainers: one folder a peer, below `.venv/peers-<name>`.

A folder is kept and used again as long as it was made for the same requirements by the same Python.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv"


class RegistryUnreachable(Exception):
    """pip could not reach the package registry; the text is the end of what it said."""


def peer_python(name: str, *installs: Sequence[str]) -> Path:
    """Return the Python of the environment `.venv/peers-<name>`, made where it is missing or out of date.

    `installs` are arguments of `pip install`, one call each. Raises RegistryUnreachable where there is no network, and
    CalledProcessError where pip fails for any other reason.
    """
    folder = FOLDER / f"peers-{name}"
    python, made = folder / "bin" / "python", folder / "made-for.json"
    wanted = json.dumps([sys.version_info[:2], *(list(install) for install in installs)])
    if made.exists() and made.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    for install in installs:
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *install]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and "connection broken by" in done.stderr:
            raise RegistryUnreachable(done.stderr[-600:])
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    made.write_text(wanted, encoding="utf-8")
    return python
