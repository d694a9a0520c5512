"""CSV and parquet as records: each row becomes the JSON object that its columns spell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tunelint.errors import MissingExtraError
from tunelint.records.record import Fault
from tunelint.records.sources import Source
from tunelint.records.values import Piece

if TYPE_CHECKING:
    from tunelint.records.chunks import FileFaults

csv.field_size_limit(1 << 30)


def csv_pieces(data: bytes, offset: int, faults: FileFaults) -> Iterator[Piece]:
    """Yield the rows of a CSV file with a header line. Cells are text; quoted cells may hold line breaks."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"Byte 0x{data[error.start]:02X} is not UTF-8; the bad bytes were replaced to go on."
        faults.add(Fault("not-utf8", message, None, error.start), line)
        text = data.decode("utf-8", "replace")
    if not text.strip():
        return
    starts = _LineStarts(text)
    reader = csv.reader(starts, delimiter=_delimiter(text), strict=False)
    header: list[str] | None = None
    while True:
        start_line, start_offset = starts.line + 1, starts.offset
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = Fault("invalid-json", f"Row is not CSV: {error}.", None, 0)
            yield Piece(start_line, offset + start_offset, b"", start_line, fault)
            continue
        if not cells:
            continue
        if header is None:
            header = cells
            continue
        if len(cells) != len(header):
            message = f"Row has {len(cells)} cells, the header has {len(header)}."
            raw = json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass")
            yield Piece(start_line, offset + start_offset, raw, starts.line, Fault("invalid-json", message, None, 0))
            continue
        yield Piece(start_line, offset + start_offset, _dump(dict(zip(header, cells, strict=True))), starts.line)


def parquet_pieces(source: Source, faults: FileFaults) -> Iterator[Piece]:
    """Yield the rows of a parquet file. Raises MissingExtraError without pyarrow."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError(f"reading {source.path}", "parquet") from error
    for _ in source.blocks():  # sizes and digest; also notices a Git LFS pointer
        continue
    if source.fault is not None:
        faults.add(source.fault)
        return
    if not source.size:
        faults.add(Fault("empty-file", "File is empty."))
        return
    row = 0
    try:
        with source.open() as stream, parquet.ParquetFile(io.BytesIO(stream.read())) as table:
            for batch in table.iter_batches(batch_size=1000):
                for value in batch.to_pylist():
                    row += 1
                    yield Piece(row, 0, _dump(value), row)
    except (arrow.ArrowException, OSError) as error:
        faults.add(Fault("unreadable-compression", f"File cannot be read as parquet: {str(error).splitlines()[0]}.", unread=True))
        return
    if row == 0:
        faults.add(Fault("empty-file", "File holds no rows."))


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_readable).encode("utf-8", "surrogatepass")


def _readable(value: Any) -> Any:
    """Spell what JSON lacks: bytes as base64 (images), dates and decimals as text."""
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode("ascii")
    return str(value)


def _delimiter(text: str) -> str:
    header = text[: text.find("\n")] if "\n" in text else text
    return max(",;\t", key=header.count)


class _LineStarts:
    """The lines of a text, split on LF only, counting lines and bytes as the CSV reader takes them."""

    def __init__(self, text: str) -> None:
        self._text, self._position = text, 0
        self.line, self.offset = 0, 0

    def __iter__(self) -> _LineStarts:
        return self

    def __next__(self) -> str:
        if self._position >= len(self._text):
            raise StopIteration
        end = self._text.find("\n", self._position) + 1 or len(self._text)
        line = self._text[self._position : end]
        self._position = end
        self.line += 1
        self.offset += len(line.encode("utf-8", "surrogatepass"))
        return line
