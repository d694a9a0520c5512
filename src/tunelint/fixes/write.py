"""A cleaned file: the kept records of an input, in its own form and compression, written in one step."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.fixes.decide import Decisions, Removal
from tunelint.fixes.edits import apply_edits, one_line
from tunelint.records.chunks import FileFaults, read_chunks
from tunelint.records.layout import sniff
from tunelint.records.reader import records_of, sniff_shape
from tunelint.records.record import Record
from tunelint.records.sources import Source, compression_of, plain_suffix

_BOM = b"\xef\xbb\xbf"


class Removed:
    """A record that leaves, with its place in the file that was read."""

    __slots__ = ("record", "removal")

    def __init__(self, record: Record, removal: Removal) -> None:
        self.record = record
        self.removal = removal


def write_cleaned(source: Source, decisions: Decisions, target: Path) -> tuple[list[int], list[Removed]]:
    """Write the cleaned copy of one input.

    Returns the row that every kept record had in the input, in order, and what was removed. Raises TunelintError when
    the file cannot be written.
    """
    suffix = plain_suffix(source.path)
    try:
        with _temporary(target) as stream:
            if decisions.empty:
                return _copied(source, stream)
            if suffix == ".parquet":
                return _parquet(source, decisions, stream)
            with _compressed(stream, compression_of(source.path)) as packed:
                if suffix == ".csv":
                    return _csv(source, decisions, packed)
                return _json(source, decisions, packed, suffix)
    except OSError as error:
        raise TunelintError(f"cannot write {target}: {error.strerror or error}") from error


class _temporary:
    """A file that takes its place only when it was written to the end."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = target.with_name(f".{target.name}.{os.getpid()}.tmp")

    def __enter__(self) -> IO[bytes]:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._stream = open(self._path, "wb")
        return self._stream

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self._stream.close()
        if kind is None:
            os.replace(self._path, self._target)
        else:
            self._path.unlink(missing_ok=True)


def _compressed(stream: IO[bytes], kind: str | None) -> IO[bytes]:
    """Compress as the input was; without a time stamp, so that the same records give the same bytes."""
    if kind == "gzip":
        return gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)  # type: ignore[return-value]
    if kind == "bzip2":
        return bz2.BZ2File(stream, "wb")
    if kind == "xz":
        return lzma.LZMAFile(stream, "wb")
    if kind == "zstandard":
        import zstandard

        return zstandard.ZstdCompressor().stream_writer(stream, closefd=False)
    return _Plain(stream)  # type: ignore[return-value]


class _Plain(io.RawIOBase):
    """The stream itself, whose end is the business of its owner."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._stream.write(data)


def _records(source: Source) -> Iterator[Record]:
    row, shape = 0, None
    for index, chunk in enumerate(read_chunks(Source(source.path, source.stdin), FileFaults())):
        shape = sniff_shape(chunk) if index == 0 else shape
        chunk.expected_shape = shape
        for record in records_of(chunk):
            if record.value is not None:
                row += 1
                record.row = row
                yield record
            else:
                yield record


def _copied(source: Source, stream: IO[bytes]) -> tuple[list[int], list[Removed]]:
    with source.open() as original:
        while block := original.read(1 << 20):
            stream.write(block)
    rows = sum(1 for record in _records(source) if record.value is not None)
    return list(range(1, rows + 1)), []


def _sorted_out(source: Source, decisions: Decisions, removed: list[Removed]) -> Iterator[Record]:
    """Yield what stays (blank lines too), edited; put what leaves on the list."""
    for record in _records(source):
        if record.value is None and record.raw == b"" and record.row:
            yield record
            continue
        removal = decisions.rows.get(record.row) if record.value is not None else decisions.lines.get(record.line or 0)
        if removal is not None:
            removed.append(Removed(record, removal))
            continue
        if record.value is not None and record.row in decisions.edits:
            record.raw = apply_edits(record.raw, decisions.edits[record.row])
        yield record


def _json(source: Source, decisions: Decisions, stream: IO[bytes], suffix: str) -> tuple[list[int], list[Removed]]:
    head = next(Source(source.path, source.stdin).blocks(), b"")
    if head.startswith(_BOM):
        if "byte-order-mark" not in decisions.file_fixes:
            stream.write(_BOM)
        head = head[len(_BOM) :]
    as_array = suffix == ".json" and sniff(head, len(head) < 1 << 20, suffix) == "array"
    removed: list[Removed] = []
    rows: list[int] = []
    first = True
    for record in _sorted_out(source, decisions, removed):
        if record.value is None and record.raw == b"" and record.row:
            if "blank-line" not in decisions.file_fixes:
                stream.write(b"\n" * record.row)
            continue
        if record.value is not None:
            rows.append(record.row)
        if as_array:
            stream.write(b"[\n" if first else b",\n")
            stream.write(record.raw.strip())
        else:
            stream.write(one_line(record.raw) if record.value is not None and suffix != ".json" else record.raw)
            stream.write(b"\n")
        first = False
    if as_array:
        stream.write(b"[]\n" if first else b"\n]\n")
    return rows, removed


def _csv(source: Source, decisions: Decisions, stream: IO[bytes]) -> tuple[list[int], list[Removed]]:
    """Rows are cut out of the original bytes, so a kept row is as it was."""
    data = b"".join(Source(source.path, source.stdin).blocks())
    everything = list(_records(source))
    starts = [record.offset for record in everything] + [len(data)]
    header = data[: starts[0]]
    if header.startswith(_BOM) and "byte-order-mark" in decisions.file_fixes:
        header = header[len(_BOM) :]
    stream.write(header)
    removed: list[Removed] = []
    rows: list[int] = []
    for record, start, end in zip(everything, starts, starts[1:], strict=False):
        removal = decisions.rows.get(record.row) if record.value is not None else decisions.lines.get(record.line or 0)
        if removal is not None:
            removed.append(Removed(record, removal))
            continue
        if record.value is not None:
            rows.append(record.row)
        stream.write(data[start:end])
    return rows, removed


def _parquet(source: Source, decisions: Decisions, stream: IO[bytes]) -> tuple[list[int], list[Removed]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError(f"writing {source.path}", "parquet") from error
    removed: list[Removed] = []
    rows = [record.row for record in _sorted_out(source, decisions, removed) if record.value is not None]
    with source.open() as original:
        table = parquet.read_table(io.BytesIO(original.read()))
    parquet.write_table(table.take([row - 1 for row in rows]), stream)
    return rows, removed


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
