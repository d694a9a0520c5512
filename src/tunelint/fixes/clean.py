"""`clean`: lint, decide, write, lint again, until there is nothing left to do.

Nothing is lost: what leaves a file is written to removed.jsonl with its rule, its reason and its twin; the inputs are never
touched. Cleaning what was cleaned changes nothing.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunelint import __version__
from tunelint.api import Settings, lint_inputs
from tunelint.engine.result import FileReport, Report
from tunelint.engine.run import Progress
from tunelint.errors import TunelintError
from tunelint.findings import Related
from tunelint.fixes.decide import Decisions, Mode, decide
from tunelint.fixes.write import Removed, digest_of, write_cleaned
from tunelint.records.discover import Input
from tunelint.records.record import Record
from tunelint.records.sources import STDIN, Source

# Every pass only removes records or applies edits that are not there yet, so the loop ends by itself; more passes than
# this would mean that two fixes undo each other.
_MOST_PASSES = 8


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
    def kept(self) -> int:
        """Records in the cleaned files."""
        return self.after.records


@dataclass
class _File:
    """One input on its way: where its present version lies, and which line and row its records had at first."""

    original: FileReport
    name: str
    present: Path | None
    lines: list[int | None]
    rows: list[int]


def clean(
    inputs: Sequence[Input],
    folder: Path,
    settings: Settings,
    *,
    mode: Mode = "default",
    overwrite: bool = False,
    stdin: bytes | None = None,
    progress: Progress | None = None,
) -> CleanResult:
    """Write cleaned copies of the inputs, removed.jsonl and manifest.json into `folder`.

    `mode` is safe-only (mend, remove nothing), default, or unsafe. Raises TunelintError when the folder is not empty
    (without `overwrite`) or would overwrite an input.
    """
    _check_folder(folder, inputs, overwrite)
    before = lint_inputs(inputs, settings, stdin=stdin, progress=progress)
    with tempfile.TemporaryDirectory(prefix="tunelint-clean-") as room:
        work = _Work(inputs, before, Path(room), stdin)
        report = before
        for _ in range(_MOST_PASSES):
            decisions = decide(report, mode)
            if all(item.empty for item in decisions.values()):
                break
            work.apply(decisions)
            report = _again(work.inputs(), settings)
        work.finish(folder, settings, mode)
    outputs = tuple(Input(str(folder / file.name), item.split, item.reason) for file, item in zip(work.files, inputs, strict=True))
    after = lint_inputs(outputs, settings)
    return CleanResult(folder, before, after, outputs, Counter(entry["rule"] for entry in work.removed), work.mended)


def _again(inputs: Sequence[Input], settings: Settings) -> Report:
    # A baseline names the records of the user's files; what it accepts there is accepted here too.
    return lint_inputs(inputs, replace(settings, per_file_ignores={}))


class _Work:
    """The files between passes."""

    def __init__(self, inputs: Sequence[Input], report: Report, room: Path, stdin: bytes | None) -> None:
        self._inputs, self._room, self._stdin = inputs, room, stdin
        self._names = _output_names([item.path for item in inputs])
        self.files = [_File(file, name, None, [], []) for file, name in zip(report.files, self._names, strict=True)]
        self.removed: list[dict[str, Any]] = []
        self.mended = 0
        self._passes = 0

    def inputs(self) -> list[Input]:
        """The present versions of the files."""
        return [
            replace(item, path=str(file.present) if file.present else item.path)
            for item, file in zip(self._inputs, self.files, strict=True)
        ]

    def _source(self, index: int) -> Source:
        file, path = self.files[index], self._inputs[index].path
        if file.present is not None:
            return Source(str(file.present))
        return Source(path, self._stdin if path == STDIN else None)

    def apply(self, decisions: dict[str, Decisions]) -> None:
        """Write the next version of every file."""
        self._passes += 1
        by_present = {item.path: file for item, file in zip(self.inputs(), self.files, strict=True)}
        for index, (item, file) in enumerate(zip(self.inputs(), self.files, strict=True)):
            chosen = decisions[item.path]
            target = self._room / str(self._passes) / file.name
            kept, removed = write_cleaned(self._source(index), chosen, target)
            self.mended += len(chosen.edits)
            self.removed += [self._entry(file, gone, by_present) for gone in removed]
            file.rows = [file.rows[row - 1] for row in kept] if file.rows else kept
            file.present = target

    def _entry(self, file: _File, gone: Removed, by_present: dict[str, _File]) -> dict[str, Any]:
        record, removal = gone.record, gone.removal
        twin = removal.twin
        entry: dict[str, Any] = {
            "path": file.original.path, "line": self._line(file, record), "record": record.digest, "rule": removal.rule,
            "reason": removal.reason, "twin": None if twin is None else self._twin(twin, by_present),
        }  # fmt: skip
        try:
            entry["raw"] = record.raw.decode("utf-8")
        except UnicodeDecodeError:
            entry["raw_base64"] = base64.b64encode(record.raw).decode("ascii")
        return entry

    def _line(self, file: _File, record: Record) -> int | None:
        """The line in the user's file; after the first pass lines have moved, rows lead back."""
        if not file.rows or record.value is None:
            return record.line
        return self._first_lines(file)[file.rows[record.row - 1] - 1]

    def _first_lines(self, file: _File) -> list[int | None]:
        if not file.lines:
            from tunelint.fixes.write import _records

            path = file.original.path
            source = Source(path, self._stdin if path == STDIN else None)
            file.lines = [record.line for record in _records(source) if record.value is not None]
        return file.lines

    def _twin(self, twin: Related, by_present: dict[str, _File]) -> dict[str, Any]:
        file = by_present.get(twin.path)
        if file is None or not file.rows or not twin.row:
            return {"path": twin.path, "line": twin.line, "record": twin.record}
        return {"path": file.original.path, "line": self._first_lines(file)[file.rows[twin.row - 1] - 1], "record": twin.record}

    def finish(self, folder: Path, settings: Settings, mode: Mode) -> None:
        """Put the cleaned files, removed.jsonl and the manifest into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        _forget_old(folder)
        for index, file in enumerate(self.files):
            target = folder / file.name
            if file.present is None:
                write_cleaned(self._source(index), Decisions(), target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.present, target)
        order = {file.original.path: index for index, file in enumerate(self.files)}
        self.removed.sort(key=lambda entry: (order[entry["path"]], entry["line"] or 0))
        _replace(folder / "removed.jsonl", "".join(_one_line(entry) for entry in self.removed).encode("utf-8", "surrogatepass"))
        manifest = self._manifest(folder, settings, mode)
        _replace(folder / "manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass"))

    def _manifest(self, folder: Path, settings: Settings, mode: Mode) -> dict[str, Any]:
        inputs = [
            {"path": file.original.path, "sha256": file.original.sha256, "records": file.original.records, "split": file.original.split}
            for file in self.files
        ]
        outputs = [
            {
                "path": file.name, "sha256": digest_of(folder / file.name), "split": file.original.split,
                "records": len(file.rows) if file.present is not None else file.original.records,
            }
            for file in self.files
        ]  # fmt: skip
        kept = {"mode": mode, "target": settings.target, "pack": settings.pack, "select": list(settings.select), "ignore": list(settings.ignore)}
        return {
            "version": 1, "tool": {"name": "tunelint", "version": __version__}, "settings": kept, "inputs": inputs,
            "outputs": outputs, "removed": len(self.removed), "mended": self.mended,
        }  # fmt: skip


def _one_line(entry: dict[str, Any]) -> str:
    """One entry of removed.jsonl; line separators are escaped, as our own rule asks of others."""
    text = json.dumps(entry, ensure_ascii=False)
    for char in "\u2028\u2029\u0085":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text + "\n"


def _output_names(paths: Sequence[str]) -> list[str]:
    """Every input under its own file name; where two have the same, under their folders as well."""
    names = ["stdin.jsonl" if path == STDIN else os.path.basename(path) for path in paths]
    if len(set(names)) == len(names):
        return names
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    return [os.path.relpath(path, common) if names.count(name) > 1 else name for path, name in zip(absolute, names, strict=True)]


def _check_folder(folder: Path, inputs: Sequence[Input], overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise TunelintError(f"{folder} is a file; give -o a folder")
    names = _output_names([item.path for item in inputs])
    for item, name in zip(inputs, names, strict=True):
        if item.path != STDIN and os.path.realpath(item.path) == os.path.realpath(folder / name):
            raise TunelintError(f"{folder} is the folder of the input {item.path}, which would be overwritten; give another one with -o")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise TunelintError(f"{folder} is not empty; give another folder with -o, or --overwrite")


def _forget_old(folder: Path) -> None:
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


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
