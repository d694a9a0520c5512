"""The folder of the cache: what lies there, how it grows, how it stays small, and why it never gets in the way.

Files are only added and removed, never changed, so any number of processes may share the folder. A small file is taken
up into the next one that is written, so that their number grows with the logarithm of the rows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunelint.engine.cache.rows import Rows, united
from tunelint.engine.cache.segment import SUFFIX, NotASegment, read_segment, write_segment

CACHE_NAME = ".tunelint_cache"
FOLDER = "lint"
MOST_BYTES = 1 << 30
"""All settings together; what was not used for longest goes first."""
MOST_DAYS = 30
"""Files that were not used for so many days go, whatever the size of the folder."""
_ABANDONED = 3600.0  # seconds after which an unfinished file belongs to nobody
_USED_AGAIN = 3600.0  # seconds before a file's date is brought up to date
# https://bford.info/cachedir/: backup programs leave out a folder with this file.
_TAG_NAME = "CACHEDIR.TAG"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This file marks a cache folder of tunelint; see https://bford.info/cachedir/.\n"


@dataclass
class Store:
    """The tables of one set of settings in a cache folder. `notes` says what was wrong with it, if anything."""

    root: Path
    key: str
    most_bytes: int
    tables: list[Rows] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _paths: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.root / FOLDER

    def open(self, columns: frozenset[str]) -> None:
        """Read every table of these settings that has exactly these columns. What is no good is removed and noted."""
        for path in sorted(self._files(f"{self.key}-*{SUFFIX}")):
            try:
                table = read_segment(path, self.key)
                if table.columns.keys() != columns:
                    raise NotASegment("it has other columns")
            except NotASegment as fault:
                self.notes.append(f"cache: {path} is made anew: {fault}")
                _remove(path)
            except FileNotFoundError:
                continue  # another process has just taken it up into a larger one
            except (OSError, ValueError) as error:
                self.notes.append(f"cache: {path} is not readable: {error}")
            else:
                self.tables.append(table)
                self._paths.append(path)

    def used(self, numbers: Sequence[int]) -> None:
        """Note that these tables (by index) served, so that they are not the next to go."""
        now = time.time()
        for number in numbers:
            try:
                if now - self._paths[number].stat().st_mtime > _USED_AGAIN:
                    os.utime(self._paths[number])
            except OSError:
                continue  # another process took it up, or the folder is not ours to change: it only looks older

    def add(self, new: Sequence[Rows]) -> None:
        """Write new rows, and the rows of tables that are not much larger, into one file. Never raises OSError."""
        gathered: list[Rows] = list(new)
        absorbed: list[Path] = []
        count, size = sum(len(table) for table in new), sum(table.nbytes for table in new)
        for number in sorted(range(len(self.tables)), key=lambda number: len(self.tables[number])):
            table = self.tables[number]
            if len(table) <= 2 * count and size + table.nbytes <= self.most_bytes:
                gathered.append(table)
                absorbed.append(self._paths[number])
                count, size = count + len(table), size + table.nbytes
        if size > self.most_bytes:
            self.notes.append(f"cache: {size >> 20:,} MB of new rows are more than the cache holds ({self.most_bytes >> 20:,} MB); not kept")
            return
        try:
            self._make_folder()
            written = write_segment(self.folder, self.key, *united(gathered))
        except OSError as error:
            self.notes.append(f"cache: nothing is kept in {self.root}: {error.strerror or error}")
            return
        for path in absorbed:
            _remove(path)
        self._prune(written)

    def _make_folder(self) -> None:
        if (self.root / _TAG_NAME).exists():
            self.folder.mkdir(exist_ok=True)
            return
        # A folder that is somebody's already must not be hidden from git and backups as a whole.
        marked = self.root if self.root.name == CACHE_NAME or not self.root.exists() else self.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((".gitignore", "*\n"), (_TAG_NAME, _TAG)):
            (marked / name).write_text(text, encoding="utf-8")

    def _prune(self, written: Path) -> None:
        """Remove what is old or too much, of any settings, and what a killed process left unfinished."""
        now = time.time()
        files = []
        for path in [*self._files(f"*{SUFFIX}"), *self._files("*.tmp")]:
            try:
                state = path.stat()
            except OSError:
                continue  # another process was faster
            if path.suffix == ".tmp":
                if now - state.st_mtime > _ABANDONED:
                    _remove(path)
            elif path != written:
                files.append((state.st_mtime, state.st_size, path))
        try:
            left = self.most_bytes - written.stat().st_size
        except OSError:
            return
        for modified, size, path in sorted(files, reverse=True):
            left -= size
            if left < 0 or now - modified > MOST_DAYS * 86400:
                _remove(path)

    def _files(self, pattern: str) -> list[Path]:
        try:
            return list(self.folder.glob(pattern))
        except OSError:
            return []


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # held open (Windows) or not ours: it is overlooked or pruned later
