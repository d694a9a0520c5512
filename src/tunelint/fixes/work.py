"""The files of a clean or a fix on their way: lint, decide, write the next version, until there is nothing left to do.

All versions lie in a temporary folder; reports, decisions and removed records speak of the user's files all the time.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunelint.api import Settings, accept, check_inputs, lint_inputs
from tunelint.engine.result import FileReport, Report
from tunelint.engine.run import Progress
from tunelint.findings import Finding, Related
from tunelint.fixes.clusters import Keep, Member, choose_survivors
from tunelint.fixes.decide import Decisions, Mode, Removal, decide
from tunelint.fixes.write import Written, write_cleaned
from tunelint.records.discover import Input
from tunelint.records.reader import read_all
from tunelint.records.record import Record
from tunelint.records.sources import STDIN, Source

# Every pass only removes records or applies edits that are not there yet, so the loop ends by itself; more passes than
# this would mean that two fixes undo each other.
_MOST_PASSES = 8


@dataclass
class WorkFile:
    """One input on its way: where its present version lies (None: untouched so far), the first row of every record in it,
    the bytes of edited records before and after by first row, the file-wide fixes."""

    original: FileReport
    name: str
    present: Path | None = None
    rows: list[int] = field(default_factory=list)
    edited: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    file_fixes: set[str] = field(default_factory=set)
    first_lines: list[int | None] = field(default_factory=list)


@dataclass(frozen=True)
class Choice:
    """What is to be done: the mode (see `decide`) and which member of a cluster of copies stays."""

    mode: Mode = "default"
    keep: Keep = "first"


class Work:
    """The files between passes. `before` is the report on the inputs, `removed` the entries of removed.jsonl."""

    def __init__(self, inputs: Sequence[Input], before: Report, settings: Settings, choice: Choice, room: Path, stdin: bytes | None) -> None:
        self.before = before
        self._inputs, self._settings, self._choice, self._room, self._stdin = inputs, settings, choice, room, stdin
        self.files = [WorkFile(file, name) for file, name in zip(before.files, output_names([item.path for item in inputs]), strict=True)]
        self.removed: list[dict[str, Any]] = []
        self._passes = 0

    @property
    def mended(self) -> int:
        """Records that were edited."""
        return sum(len(file.edited) for file in self.files)

    @property
    def changed(self) -> list[WorkFile]:
        """The files that are not as they were."""
        return [file for file in self.files if file.present is not None]

    def run(self) -> None:
        """Go on until a pass finds nothing to do, or changes nothing."""
        report = self.before
        for _ in range(_MOST_PASSES):
            decisions = decide(report, self._choice.mode)
            choose_survivors(report.findings, decisions, self._choice.keep, self._lengths)
            if all(item.empty for item in decisions.values()) or not self._apply(decisions):
                return
            report = self._again()

    def source(self, file: WorkFile) -> Source:
        """The present version of a file."""
        if file.present is not None:
            return Source(str(file.present))
        return self._first(file)

    def _first(self, file: WorkFile) -> Source:
        path = file.original.path
        return Source(path, self._stdin if path == STDIN else None)

    def _again(self) -> Report:
        """Lint the present versions, and report as if they lay where the originals lie."""
        present = [replace(item, path=self.source(file).path) for item, file in zip(self._inputs, self.files, strict=True)]
        report = check_inputs(present, self._settings, stdin=self._stdin)
        names = {item.path: file.original.path for item, file in zip(present, self.files, strict=True)}
        place: Callable[[int], tuple[str, int]] = report.extras["place"]

        def original_place(index: int) -> tuple[str, int]:
            path, row = place(index)
            return names[path], row

        report.extras["place"] = original_place
        return accept_as(report, names, self._settings, back=False)

    def _apply(self, decisions: dict[str, Decisions]) -> bool:
        """Write the next version of every file; tell whether any of them changed."""
        self._passes += 1
        results = [
            write_cleaned(self.source(file), decisions[file.original.path], self._room / str(self._passes) / file.name)
            if not decisions[file.original.path].empty
            else None
            for file in self.files
        ]
        # Twins are named by the rows of this pass, so all entries are made before any file moves on.
        entries = [self._entry(file, *gone) for file, result in zip(self.files, results, strict=True) if result for gone in result.removed]
        self.removed += entries
        for file, result in zip(self.files, results, strict=True):
            if result is not None and result.changed:
                self._move_on(file, result)
        return any(result is not None and result.changed for result in results)

    def _move_on(self, file: WorkFile, result: Written) -> None:
        rows = file.rows or list(range(1, 1 + len(result.rows) + sum(record.value is not None for record, _ in result.removed)))
        for row, (before, after) in result.edited.items():
            first = rows[row - 1]
            file.edited[first] = (file.edited.get(first, (before, b""))[0], after)
        file.file_fixes |= result.file_fixes
        file.rows = [rows[row - 1] for row in result.rows]
        for gone in set(file.edited) - set(file.rows):
            del file.edited[gone]
        file.present = self._room / str(self._passes) / file.name

    def _entry(self, file: WorkFile, record: Record, removal: Removal) -> dict[str, Any]:
        twin = self._twin(removal.twin) if removal.twin is not None else None
        reason = removal.reason
        if removal.twin is not None and twin is not None and removal.twin.line and twin["line"]:
            reason = reason.replace(f"{removal.twin.path}:{removal.twin.line}", f"{twin['path']}:{twin['line']}")
        return removed_entry(file.original.path, record, removal.rule, reason, self._line(file, record), twin)

    def _line(self, file: WorkFile, record: Record) -> int | None:
        """The line in the user's file; after the first pass lines have moved, rows lead back."""
        if not file.rows or record.value is None:
            return record.line
        return self.first_lines(file)[file.rows[record.row - 1] - 1]

    def first_lines(self, file: WorkFile) -> list[int | None]:
        """Return the lines that the records of the user's file stand on."""
        if not file.first_lines:
            file.first_lines = [record.line for record in read_all(self._first(file)) if record.value is not None]
        return file.first_lines

    def _twin(self, twin: Related) -> dict[str, Any]:
        file = next((file for file in self.files if file.original.path == twin.path), None)
        if file is None or not file.rows or not twin.row:
            return {"path": twin.path, "line": twin.line, "record": twin.record}
        return {"path": twin.path, "line": self.first_lines(file)[file.rows[twin.row - 1] - 1], "record": twin.record}

    def _lengths(self, members: set[Member]) -> dict[Member, int]:
        """Return the characters of prompt and answer of records of the present versions."""
        lengths: dict[Member, int] = {}
        for file in self.files:
            path = file.original.path
            rows = {row for name, row in members if name == path}
            if rows:
                for record in read_all(self.source(file)):
                    if record.value is not None and record.row in rows:
                        lengths[path, record.row] = len(record.example.prompt_text) + len(record.example.answer_text)
        return lengths


@contextmanager
def work_on(
    inputs: Sequence[Input], settings: Settings, choice: Choice, stdin: bytes | None = None, progress: Progress | None = None
) -> Iterator[Work]:
    """Lint the inputs and do the work in a temporary folder, which lives as long as the block."""
    before = lint_inputs(inputs, settings, stdin=stdin, progress=progress)
    with tempfile.TemporaryDirectory(prefix="tunelint-work-") as room:
        work = Work(inputs, before, settings, choice, Path(room), stdin if stdin is not None else before.extras.get("stdin"))
        work.run()
        yield work


def removed_entry(
    path: str, record: Record, rule: str, reason: str, line: int | None = None, twin: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return an entry of removed.jsonl. `line` is the record's own where it is not given."""
    entry: dict[str, Any] = {
        "path": path, "line": record.line if line is None else line, "record": record.digest, "rule": rule, "reason": reason, "twin": twin,
    }  # fmt: skip
    try:
        entry["raw"] = record.raw.decode("utf-8")
    except UnicodeDecodeError:
        entry["raw_base64"] = base64.b64encode(record.raw).decode("ascii")
    return entry


def output_names(paths: Sequence[str]) -> list[str]:
    """Return every input's own file name; where two have the same, under their folders as well."""
    names = ["stdin.jsonl" if path == STDIN else os.path.basename(path) for path in paths]
    if len(set(names)) == len(names):
        return names
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    return [os.path.relpath(path, common) if names.count(name) > 1 else name for path, name in zip(absolute, names, strict=True)]


def accept_as(report: Report, names: dict[str, str], settings: Settings, back: bool = True) -> Report:
    """Drop the findings about copies of files that are accepted in the originals (`names`: copy to original).

    The report then speaks of the copies again, or of the originals (`back` False).
    """
    present = {original: copy for copy, original in names.items()}
    judged = accept(renamed(replace(report, extras={**report.extras, "present": present}), names), settings)
    return renamed(replace(judged, extras=report.extras), present) if back else judged


def renamed(report: Report, names: dict[str, str]) -> Report:
    """Return the report with other names for its files, in its messages too."""
    files = tuple(replace(file, path=names.get(file.path, file.path)) for file in report.files)
    return replace(report, files=files, findings=tuple(_renamed_finding(finding, names) for finding in report.findings))


def _renamed_finding(finding: Finding, names: dict[str, str]) -> Finding:
    message = finding.message
    for path, name in names.items():
        if path != name:
            message = message.replace(path, name)
    related = tuple(replace(other, path=names.get(other.path, other.path)) for other in finding.related)
    return replace(finding, path=names.get(finding.path or "", finding.path), message=message, related=related)
