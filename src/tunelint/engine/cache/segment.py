"""One file of the cache: a table of rows, written once, never changed, believed only if every byte of it adds up.

Layout: MAGIC, the length of the header (8 bytes), the header (JSON: the settings' key, every array's column, type and shape),
the arrays, each starting at a multiple of 8 bytes, and a SHA-256 of all that. Plain numbers and JSON: reading a
stranger's file can go wrong in no worse way than not being one of ours.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tunelint.checks.survey import Column
from tunelint.engine.cache.rows import Rows, arrays_of
from tunelint.similarity.columns import Ragged

MAGIC = b"tunelint rows 1\n"
SUFFIX = ".rows"
_DIGEST = hashlib.sha256().digest_size
_ALIGN = 8


class NotASegment(Exception):
    """A file that is none of ours, is cut short, or was changed. The message says which."""


def write_segment(folder: Path, key: str, rows: Rows) -> Path:
    """Write a table into a new file of the folder, in one step, readable by its owner alone. Raises OSError."""
    described: list[Any] = []
    arrays: list[NDArray[Any]] = []
    for name, column in [("", rows.keys), *rows.columns.items()]:
        for array in arrays_of(column):
            described.append([name, isinstance(column, Ragged), array.dtype.str, list(array.shape)])
            arrays.append(np.ascontiguousarray(array))
    header = orjson.dumps({"key": key, "arrays": described})
    target = folder / f"{key}-{secrets.token_hex(8)}{SUFFIX}"
    temporary = target.with_suffix(".tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as stream:
            digest = hashlib.sha256()
            place = 0
            for part in [MAGIC, len(header).to_bytes(8, "little"), header, *arrays]:
                data = memoryview(part).cast("B") if len(part) else memoryview(b"")  # type: ignore[arg-type]
                for piece in (bytes(-place % _ALIGN if part is not header else 0), data):
                    stream.write(piece)
                    digest.update(piece)
                    place += len(piece)
            stream.write(digest.digest())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def read_segment(path: Path, key: str) -> Rows:
    """Return the table that a file holds; its arrays are views of the file. Raises NotASegment, OSError."""
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size < len(MAGIC) + 8 + _DIGEST:
            raise NotASegment("it is cut short")
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    if mapped[: len(MAGIC)] != MAGIC:
        raise NotASegment("it has another format")
    view = memoryview(mapped)
    end = len(view) - _DIGEST
    if hashlib.sha256(view[:end]).digest() != view[end:]:
        raise NotASegment("it is cut short or was changed")
    start = len(MAGIC) + 8
    length = int.from_bytes(view[len(MAGIC) : start], "little")
    try:
        header = orjson.loads(view[start : start + length])
        if header["key"] != key:
            raise NotASegment("it belongs to other settings")
        return _rows(view[:end], start + length, header["arrays"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise NotASegment(f"it does not hold what it says ({type(error).__name__})") from error


def _rows(view: memoryview, place: int, described: list[Any]) -> Rows:
    columns: dict[str, Column] = {}
    waiting: dict[str, Any] = {}
    keys = None
    for name, ragged, kind, shape in described:
        place += -place % _ALIGN
        dtype = np.dtype(kind)
        if dtype.kind not in "iub":
            raise ValueError(kind)
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(view, dtype, count, place).reshape(shape)
        place += array.nbytes
        if not name:
            keys = array
        elif not ragged:
            columns[name] = array
        elif name in waiting:
            columns[name] = Ragged(waiting.pop(name), array)
        else:
            waiting[name] = array
    if keys is None or keys.shape[1:] != (2,) or waiting or any(len(column) != len(keys) for column in columns.values()):
        raise ValueError("columns of unequal length")
    for column in columns.values():
        if isinstance(column, Ragged) and (column.offsets[0] or (np.diff(column.offsets) < 0).any() or column.offsets[-1] != len(column.values)):
            raise ValueError("offsets")
    return Rows(keys, columns)
