"""Fixes in place: the user's own files get the mended bytes, the previous ones are kept aside."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunelint.api import Settings, lint_inputs
from tunelint.engine.result import Report
from tunelint.engine.run import Progress
from tunelint.errors import TunelintError
from tunelint.fixes.decide import Mode
from tunelint.fixes.work import Choice, WorkFile, work_on
from tunelint.fixes.write import digest_of
from tunelint.records.discover import Input
from tunelint.records.sources import STDIN

CACHE = Path(".tunelint_cache")


@dataclass(frozen=True, slots=True)
class FixedFile:
    """A file that was mended: records edited and removed, the file-wide fixes, and where its previous bytes lie."""

    path: str
    edited: int
    removed: int
    file_fixes: tuple[str, ...]
    undo: Path


def fix_in_place(inputs: Sequence[Input], settings: Settings, mode: Mode, progress: Progress | None = None) -> tuple[Report, list[FixedFile]]:
    """Mend the files and return the report on what they are now. `mode` is safe-only or fixes.

    Every file is replaced in one step, after the previous bytes of all of them were written to
    `.tunelint_cache/undo/<time>/`. Raises TunelintError for standard input, for a file that could not be read to
    its end, and when a file changes meanwhile.
    """
    if any(item.path == STDIN for item in inputs):
        raise TunelintError("--fix changes files in place; standard input is none: use `tunelint clean - -o DIR`")
    with work_on(inputs, settings, Choice(mode), progress=progress) as work:
        if not work.changed:
            return work.before, []
        for file in work.changed:
            if file.original.unread:
                what = file.original.unread[0].rstrip(".")
                raise TunelintError(f"{file.original.path} is left as it is, as --fix would drop what could not be read: {what}")
            if digest_of(Path(file.original.path)) != file.original.sha256:
                raise TunelintError(f"{file.original.path} has changed while it was checked; run the command again")
        undo = _keep_aside(work.changed)
        for file in work.changed:
            _replace(file)
        fixed = [
            FixedFile(
                file.original.path, len(file.edited), sum(entry["path"] == file.original.path for entry in work.removed),
                tuple(sorted(file.file_fixes)), undo / file.name,
            )
            for file in work.changed
        ]  # fmt: skip
    return lint_inputs(inputs, settings), fixed


def _keep_aside(files: Sequence[WorkFile]) -> Path:
    """Copy the present bytes of the files into a folder of their own; git does not see it."""
    folder = CACHE / "undo" / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
        (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
        for file in files:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.original.path, folder / file.name)
        names = {file.name: os.path.abspath(file.original.path) for file in files}
        (folder / "undo.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise TunelintError(f"cannot keep the previous bytes in {folder}: {error.strerror or error}; nothing was changed") from error
    return folder


def _replace(file: WorkFile) -> None:
    """Put the mended bytes in the file's place; a link stays a link, permissions stay as they are."""
    assert file.present is not None
    target = Path(os.path.realpath(file.original.path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(file.present, temporary)
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise TunelintError(f"cannot write {file.original.path}: {error.strerror or error}") from error
