"""Only what is new since a git revision: rows are compared by their digests, so a moved or reformatted row is not new."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tunelint.engine.result import Report
from tunelint.errors import TunelintError
from tunelint.findings import Finding
from tunelint.records.reader import read_all
from tunelint.records.sources import STDIN, Source

_TIMEOUT = 300  # seconds: git-lfs may have to fetch the old version


def new_findings(report: Report, revision: str) -> list[Finding]:
    """Return the findings about rows that the revision did not have.

    A finding about a row and others (a copy, a leak) is new when one of them is; one about a whole file when the file's
    bytes differ, one about the whole set when any file's do. Raises TunelintError when git does not know the revision.
    """
    present: Mapping[str, str] = report.extras.get("present", {})
    versions = {file.path: _Versions(file.path, present.get(file.path, file.path), revision, report.extras.get("stdin")) for file in report.files}
    any_changed = any(version.changed for version in versions.values())

    def is_new(finding: Finding) -> bool:
        if finding.path is None:
            return any_changed
        version = versions.get(finding.path)
        if version is None:  # a baseline, a run: about our own files
            return True
        if finding.row is None and finding.record is None:
            return version.changed
        own = version.is_new(finding.row, finding.line)
        return own or any(versions[other.path].is_new(other.row, other.line) for other in finding.related if other.path in versions)

    return [finding for finding in report.findings if is_new(finding)]


class _Versions:
    """One file, now and at the revision."""

    def __init__(self, path: str, present: str, revision: str, stdin: bytes | None) -> None:
        self._present = Source(present, stdin if present == STDIN else None)
        old = None if path == STDIN else old_bytes(path, revision)
        with self._present.open() as stream:
            self.changed = old is None or old != stream.read()
        self._rows: set[int] = set()
        self._lines: set[int] = set()
        if self.changed:
            self._compare(path, old)

    def _compare(self, path: str, old: bytes | None) -> None:
        known: Counter[str] = Counter()
        if old is not None:
            with tempfile.TemporaryDirectory(prefix="tunelint-rev-") as folder:
                copy = Path(folder, os.path.basename(path))  # its name says how it is compressed
                copy.write_bytes(old)
                known.update(record.digest for record in read_all(Source(str(copy))) if record.raw)
        for record in read_all(self._present):
            if not record.raw:
                continue
            if known[record.digest] > 0:
                known[record.digest] -= 1
            elif record.value is not None:
                self._rows.add(record.row)
            else:
                self._lines.add(record.line or 0)

    def is_new(self, row: int | None, line: int | None) -> bool:
        """Tell whether a row (a faulty line, by its number) was not there."""
        return row in self._rows if row else (line or 0) in self._lines


def old_bytes(path: str, revision: str) -> bytes | None:
    """Return a file as the revision has it (filters applied: Git LFS gives the data), None where it has none.

    Raises TunelintError where there is no git, no repository or no such revision.
    """
    folder, name = os.path.split(os.path.abspath(path))
    known = _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if known.returncode:
        inside = _git(folder, "rev-parse", "--is-inside-work-tree").returncode == 0
        raise TunelintError(
            f"--new-from {revision}: git does not know this revision (a shallow clone lacks history: fetch it)"
            if inside
            else f"--new-from {revision}: {path} is not in a git repository"
        )
    commit = known.stdout.decode().strip()
    shown = _git(folder, "cat-file", "--filters", f"{commit}:./{name}")
    return shown.stdout if shown.returncode == 0 else None


def _git(folder: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False, timeout=_TIMEOUT)
    except FileNotFoundError as error:
        raise TunelintError("--new-from needs git, which is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise TunelintError(f"git {arguments[0]} took longer than {_TIMEOUT} s") from error
