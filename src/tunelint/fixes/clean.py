"""`clean`: lint, decide, write, lint again, until there is nothing left to do.

Nothing is lost: what leaves a file is written to removed.jsonl with its rule, its reason and its twin; the inputs are never
touched. Cleaning what was cleaned changes nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunelint import __version__
from tunelint.api import Settings, check_inputs
from tunelint.engine.result import Report
from tunelint.engine.run import Progress
from tunelint.errors import TunelintError
from tunelint.fixes.clusters import Keep
from tunelint.fixes.decide import Decisions, Mode
from tunelint.fixes.edits import json_line
from tunelint.fixes.work import Choice, Work, accept_as, output_names, work_on
from tunelint.fixes.write import digest_of, write_cleaned
from tunelint.records.discover import Input
from tunelint.records.sources import STDIN
from tunelint.writing import replace_file


@dataclass(frozen=True)
class CleanResult:
    """What `clean` did. `before` is the report on the inputs, `after` the one on the cleaned files."""

    folder: Path
    before: Report
    after: Report
    outputs: tuple[Input, ...]
    removed: Counter[str]
    mended: int

    @property
    def unread(self) -> list[tuple[str, str]]:
        """What could not be read of inputs that were written anew, so that it is in no file now: path and sentence each."""
        pairs = zip(self.before.files, self.after.files, strict=True)
        return [(before.path, what) for before, after in pairs if not after.unread for what in before.unread]

    @property
    def ok(self) -> bool:
        """Nothing at or above `fail_on` is left, and everything was read."""
        return self.after.ok and (not self.unread or self.after.fail_on == "never")

    @property
    def kept(self) -> int:
        """Records in the cleaned files."""
        return self.after.records


def clean(
    inputs: Sequence[Input],
    folder: Path,
    settings: Settings,
    *,
    mode: Mode = "default",
    keep: Keep = "first",
    overwrite: bool = False,
    stdin: bytes | None = None,
    progress: Progress | None = None,
) -> CleanResult:
    """Write cleaned copies of the inputs, removed.jsonl and manifest.json into `folder`.

    `mode` is safe-only (mend, remove nothing), default, or unsafe; `keep` says which of several copies stays. Raises
    TunelintError when the folder is not empty (without `overwrite`) or would overwrite an input.
    """
    check_folder(folder, inputs, output_names([item.path for item in inputs]), overwrite)
    with work_on(inputs, settings, Choice(mode, keep), stdin, progress) as work:
        _finish(work, folder, settings, Choice(mode, keep))
    names = [file.name for file in work.files]
    outputs = tuple(Input(str(folder / name), item.split, item.reason) for name, item in zip(names, inputs, strict=True))
    originals = {output.path: item.path for output, item in zip(outputs, inputs, strict=True)}
    after = accept_as(check_inputs(outputs, settings), originals, settings)
    return CleanResult(folder, work.before, after, outputs, Counter(entry["rule"] for entry in work.removed), work.mended)


def _finish(work: Work, folder: Path, settings: Settings, choice: Choice) -> None:
    """Put the cleaned files, removed.jsonl and the manifest into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    forget_old(folder)
    for file in work.files:
        target = folder / file.name
        if file.present is None:
            write_cleaned(work.source(file), Decisions(), target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.present, target)
    order = {file.original.path: index for index, file in enumerate(work.files)}
    work.removed.sort(key=lambda entry: (order[entry["path"]], entry["line"] or 0))
    replace_file(folder / "removed.jsonl", "".join(json_line(entry) for entry in work.removed).encode("utf-8", "surrogatepass"))
    manifest = _manifest(work, folder, settings, choice)
    replace_file(folder / "manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass"))


def _manifest(work: Work, folder: Path, settings: Settings, choice: Choice) -> dict[str, Any]:
    inputs = [
        {"path": file.original.path, "sha256": file.original.sha256, "records": file.original.records, "split": file.original.split}
        for file in work.files
    ]
    outputs = [
        {
            "path": file.name, "sha256": digest_of(folder / file.name), "split": file.original.split,
            "records": len(file.rows) if file.present is not None else file.original.records,
        }
        for file in work.files
    ]  # fmt: skip
    kept = {
        "mode": choice.mode, "keep": choice.keep, "target": settings.target, "pack": settings.pack,
        "select": list(settings.select), "ignore": list(settings.ignore),
    }  # fmt: skip
    return {
        "version": 1, "tool": {"name": "tunelint", "version": __version__}, "settings": kept, "inputs": inputs,
        "outputs": outputs, "removed": len(work.removed), "mended": work.mended,
    }  # fmt: skip


def check_folder(folder: Path, inputs: Sequence[Input], names: Sequence[str], overwrite: bool) -> None:
    """Refuse to write the named files into a folder that is a file, holds an input, or is not empty (TunelintError)."""
    if folder.exists() and not folder.is_dir():
        raise TunelintError(f"{folder} is a file; give -o a folder")
    for item, name in zip(inputs, names, strict=True):
        if item.path != STDIN and os.path.realpath(item.path) == os.path.realpath(folder / name):
            raise TunelintError(f"{folder} is the folder of the input {item.path}, which would be overwritten; give another one with -o")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise TunelintError(f"{folder} is not empty; give another folder with -o, or --overwrite")


def forget_old(folder: Path) -> None:
    """Remove what an earlier clean wrote there, and only that: its manifest names it."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return
    try:
        outputs = json.loads(manifest.read_text(encoding="utf-8"))["outputs"]
        names = [str(item["path"]) for item in outputs]
    except (ValueError, KeyError, TypeError):
        return
    for name in names:
        path = (folder / name).resolve()
        if folder.resolve() in path.parents and path.is_file():
            path.unlink()
