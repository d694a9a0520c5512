"""One file of the cache: a table of rows, written once, never changed, believed only if every byte of it adds up.

Layout: MAGIC; the arrays, each starting at a multiple of 8 bytes; what they are (JSON: the settings' key, every array's
column, type and shape), its length (8 bytes), and a SHA-256 of all that. Plain numbers and JSON: reading a stranger's
file can go wrong in no worse way than not being one of ours.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from tunelint.checks.survey import Column
from tunelint.engine.cache.rows import Keys, Rows, arrays_of
from tunelint.similarity.columns import Ragged

MAGIC = b"tunelint rows 1\n"
SUFFIX = ".rows"
_DIGEST = hashlib.sha256().digest_size
_ALIGN = _LENGTH = 8


class NotASegment(Exception):
    """A file that is none of ours, is cut short, or was changed. The message says which."""


def write_segment(folder: Path, key: str, keys: Keys, columns: Iterable[tuple[str, Column]]) -> Path:
    """Write a table into a new file of the folder, in one step, readable by its owner alone. Raises OSError."""
    target = folder / f"{key}-{secrets.token_hex(8)}{SUFFIX}"
    temporary = target.with_suffix(".tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as stream:
            _write(stream, key, chain([("", keys)], columns))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def _write(stream: IO[bytes], key: str, columns: Iterable[tuple[str, Column]]) -> None:
    digest = hashlib.sha256()
    place = 0

    def put(data: bytes | memoryview) -> None:
        nonlocal place
        stream.write(data)
        digest.update(data)
        place += len(data)

    put(MAGIC)
    described = []
    for name, column in columns:
        for array in arrays_of(column):
            described.append([name, isinstance(column, Ragged), array.dtype.str, list(array.shape)])
            put(bytes(-place % _ALIGN))
            if array.size:
                put(np.ascontiguousarray(array).data.cast("B"))
    header = orjson.dumps({"key": key, "arrays": described})
    put(header)
    put(len(header).to_bytes(_LENGTH, "little"))
    stream.write(digest.digest())


def read_segment(path: Path, key: str) -> Rows:
    """Return the table that a file holds; its arrays are views of the file. Raises NotASegment, OSError."""
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size < len(MAGIC) + _LENGTH + _DIGEST:
            raise NotASegment("it is cut short")
        view = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    if view[: len(MAGIC)] != MAGIC:
        raise NotASegment("it has another format")
    end = len(view) - _DIGEST
    if hashlib.sha256(view[:end]).digest() != view[end:]:
        raise NotASegment("it is cut short or was changed")
    end -= _LENGTH
    start = end - int.from_bytes(view[end : end + _LENGTH], "little")
    try:
        header = orjson.loads(view[max(start, 0) : end])
        if header["key"] != key:
            raise NotASegment("it belongs to other settings")
        return _rows(view[:start], header["arrays"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise NotASegment(f"it does not hold what it says ({type(error).__name__})") from error


def _rows(view: memoryview, described: list[Any]) -> Rows:
    place = len(MAGIC)
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
