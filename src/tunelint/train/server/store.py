"""What the server remembers: one SQLite file, and a folder for the bytes. Every change is on disk before it is answered."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunelint.errors import TunelintError

_TABLES = """
CREATE TABLE files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL,
    bytes INTEGER NOT NULL, created_at INTEGER NOT NULL, sha256 TEXT NOT NULL, status TEXT NOT NULL, details TEXT);
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, created_at INTEGER NOT NULL, finished_at INTEGER,
    model TEXT NOT NULL, training_file TEXT NOT NULL, validation_file TEXT, seed INTEGER NOT NULL, suffix TEXT,
    metadata TEXT NOT NULL, method TEXT NOT NULL, status TEXT NOT NULL, error TEXT, fine_tuned_model TEXT,
    trained_tokens INTEGER, result_file TEXT, wish TEXT, deaths INTEGER NOT NULL DEFAULT 0);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, key TEXT NOT NULL, created_at INTEGER NOT NULL,
    level TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL, data TEXT, UNIQUE (job, key));
CREATE TABLE checkpoints (
    job TEXT NOT NULL, step INTEGER NOT NULL, created_at INTEGER NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (job, step));
CREATE TABLE idempotency (key TEXT PRIMARY KEY, digest TEXT NOT NULL, job TEXT NOT NULL);
"""
_UPLOADS = """
CREATE TABLE uploads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, filename TEXT NOT NULL, bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, status TEXT NOT NULL, file TEXT);
CREATE TABLE parts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, upload TEXT NOT NULL, bytes INTEGER NOT NULL, created_at INTEGER NOT NULL);
"""
VERSIONS = (_TABLES, _UPLOADS)
"""What each version of the database adds to the one before it: a folder of an older tunelint goes on."""
JSON_COLUMNS = ("metadata", "method", "error", "data", "metrics")
Row = dict[str, Any]


class Store:
    """Files, jobs, events and checkpoints. Safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        for name in ("files", "jobs"):
            (folder / name).mkdir(exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / "state.sqlite", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(VERSIONS):
            self._db.close()
            raise TunelintError(f"{folder} was written by a newer tunelint (version {version}, this one knows {len(VERSIONS)}); update tunelint.")
        for number, tables in enumerate(VERSIONS[version:], version + 1):
            self._db.executescript(f"BEGIN; {tables} PRAGMA user_version={number}; COMMIT;")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do several changes as one."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[Row]:
        """Return the rows of a query, JSON columns decoded."""
        with self._lock:
            found = self._db.execute(query, values).fetchall()
        return [_decoded(row) for row in found]

    def one(self, query: str, *values: Any) -> Row | None:
        """Return the first row of a query."""
        found = self.rows(query, *values)
        return found[0] if found else None

    def insert(self, table: str, values: Mapping[str, Any], *, ignore: bool = False) -> bool:
        """Insert a row and say whether it was new; `ignore` leaves one that is there already."""
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        with self._lock:
            cursor = self._db.execute(
                f"INSERT {'OR IGNORE ' if ignore else ''}INTO {table} ({columns}) VALUES ({marks})",
                [_encoded(key, value) for key, value in values.items()],
            )
            return cursor.rowcount > 0

    def update(self, table: str, identity: str, **changes: Any) -> None:
        """Change columns of the row with this id."""
        parts = ", ".join(f"{key} = ?" for key in changes)
        with self._lock:
            self._db.execute(f"UPDATE {table} SET {parts} WHERE id = ?", [*(_encoded(key, value) for key, value in changes.items()), identity])

    def delete_file(self, identity: str) -> None:
        """Forget a file and remove its bytes."""
        with self._lock:
            self._db.execute("DELETE FROM files WHERE id = ?", (identity,))
        self.file_path(identity).unlink(missing_ok=True)

    def keep_checkpoints(self, job: str, steps: Sequence[int]) -> None:
        """Forget the checkpoints of a job other than these."""
        with self._lock:
            self._db.execute("DELETE FROM checkpoints WHERE job = ? AND step NOT IN (SELECT value FROM json_each(?))", (job, json.dumps(list(steps))))

    def event(self, job: str, key: str, message: str, *, level: str = "info", type: str = "message", data: Row | None = None) -> None:
        """Add an event of a job; one with the same key is there once only, however often it is told."""
        self.insert(
            "events",
            {"job": job, "key": key, "created_at": round(time.time()), "level": level, "type": type, "message": message, "data": data},
            ignore=True,
        )

    def file_path(self, identity: str) -> Path:
        """Where the bytes of a file lie: a name of ours, never the client's."""
        return self.folder / "files" / f"{identity}.jsonl"

    def part_path(self, identity: str) -> Path:
        """Where the bytes of a part of an upload lie until it is complete."""
        return self.folder / "files" / f"{identity}.part"

    def run_path(self, job: str) -> Path:
        """The run folder of a job."""
        return self.folder / "jobs" / job


def new_id(kind: str) -> str:
    """Return an unguessable id such as `ftjob-3f…`."""
    return f"{kind}-{secrets.token_hex(12)}"


def _encoded(key: str, value: Any) -> Any:
    return json.dumps(value) if key in JSON_COLUMNS and value is not None else value


def _decoded(row: sqlite3.Row) -> Row:
    return {key: json.loads(row[key]) if key in JSON_COLUMNS and row[key] is not None else row[key] for key in row.keys()}  # noqa: SIM118
