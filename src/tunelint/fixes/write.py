"""A cleaned file: the kept records of an input, in its own form and compression, written in one step."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tunelint.errors import TunelintError
from tunelint.fixes.decide import Decisions, Removal
from tunelint.fixes.edits import apply_edits, one_line
from tunelint.fixes.tables import csv_rows, spell_csv_row, write_parquet
from tunelint.records.layout import sniff
from tunelint.records.reader import read_all
from tunelint.records.record import Record
from tunelint.records.sources import Source, compression_of, plain_suffix

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Written:
    """What came of a file: the row that every kept record had before, in order; what left it; each edited record's bytes
    before and after, by the row it had before; the file-wide fixes that changed something."""

    rows: list[int] = field(default_factory=list)
    removed: list[tuple[Record, Removal]] = field(default_factory=list)
    edited: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    file_fixes: set[str] = field(default_factory=set)

    @property
    def changed(self) -> bool:
        """Tell whether the file is another than before."""
        return bool(self.removed or self.edited or self.file_fixes)


def write_cleaned(source: Source, decisions: Decisions, target: Path) -> Written:
    """Write the cleaned copy of one input. Raises TunelintError when the file cannot be written."""
    suffix = plain_suffix(source.path)
    written = Written()
    try:
        with replacing(target) as stream:
            if decisions.empty:
                _copy(source, stream)
                written.rows = list(range(1, 1 + sum(record.value is not None for record in read_all(source))))
            elif suffix == ".parquet":
                _parquet(source, decisions, stream, written)
            else:
                with compressed(stream, compression_of(source.path)) as packed:
                    (_csv if suffix == ".csv" else _json)(source, decisions, packed, written)
    except OSError as error:
        raise TunelintError(f"cannot write {target}: {error.strerror or error}") from error
    return written


class replacing:
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


def compressed(stream: IO[bytes], kind: str | None) -> IO[bytes]:
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


def _is_blank(record: Record) -> bool:
    return record.value is None and record.raw == b"" and bool(record.row)


def _copy(source: Source, stream: IO[bytes]) -> None:
    with source.open() as original:
        while block := original.read(1 << 20):
            stream.write(block)


def _sorted_out(source: Source, decisions: Decisions, written: Written) -> Iterator[tuple[int, Record]]:
    """Yield what stays (blank lines too), edited, each with its number among all; note what leaves and what changes."""
    for number, record in enumerate(read_all(source)):
        if _is_blank(record):
            yield number, record
            continue
        removal = decisions.rows.get(record.row) if record.value is not None else decisions.lines.get(record.line or 0)
        if removal is not None:
            written.removed.append((record, removal))
            continue
        if record.value is not None:
            written.rows.append(record.row)
            if record.row in decisions.edits:
                after = apply_edits(record.raw, decisions.edits[record.row])
                if after != record.raw:
                    written.edited[record.row] = (record.raw, after)
                    record.raw = after
        yield number, record


def _json(source: Source, decisions: Decisions, stream: IO[bytes], written: Written) -> None:
    suffix = plain_suffix(source.path)
    head = next(Source(source.path, source.stdin).blocks(), b"")
    if head.startswith(_BOM):
        if "byte-order-mark" in decisions.file_fixes:
            written.file_fixes.add("byte-order-mark")
        else:
            stream.write(_BOM)
        head = head[len(_BOM) :]
    is_array = sniff(head, len(head) < 1 << 20, suffix) == "array"
    as_array = is_array and suffix == ".json"
    if is_array and not as_array:
        written.file_fixes.add("json-array-file")
    first = True
    for _, record in _sorted_out(source, decisions, written):
        if _is_blank(record):
            if "blank-line" in decisions.file_fixes:
                written.file_fixes.add("blank-line")
            else:
                stream.write(b"\n" * record.row)
            continue
        if as_array:
            stream.write(b"[\n" if first else b",\n")
            stream.write(record.raw.strip())
        else:
            if "multi-line-json" in decisions.file_fixes and record.value is not None and b"\n" in record.raw:
                written.file_fixes.add("multi-line-json")
                record.raw = one_line(record.raw)
            stream.write(record.raw + b"\n")
        first = False
    if as_array:
        stream.write(b"[]\n" if first else b"\n]\n")


def _csv(source: Source, decisions: Decisions, stream: IO[bytes], written: Written) -> None:
    data = b"".join(Source(source.path, source.stdin).blocks())
    if data.startswith(_BOM) and "byte-order-mark" in decisions.file_fixes:
        written.file_fixes.add("byte-order-mark")
        data = data[len(_BOM) :]
    places = list(csv_rows(data))
    header = data[: places[0][1]] if places else data
    stream.write(header)
    for number, record in _sorted_out(source, decisions, written):
        start, end = places[number + 1]
        if record.row in written.edited and record.value is not None:
            stream.write(spell_csv_row(header, data[start:end], json.loads(record.raw)))
        else:
            stream.write(data[start:end])


def _parquet(source: Source, decisions: Decisions, stream: IO[bytes], written: Written) -> None:
    for _ in _sorted_out(source, decisions, written):
        continue
    with source.open() as original:
        write_parquet(original.read(), written.rows, written.edited, stream, source.path)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
