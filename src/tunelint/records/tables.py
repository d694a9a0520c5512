"""CSV and parquet as records: each row becomes the JSON object that its columns spell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
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
    header_line, hidden = 0, []
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
            header, header_line, hidden = cells, start_line, _hidden(cells)
            continue
        if len(cells) != len(header):
            message = f"Row has {len(cells)} cells, the header has {len(header)}."
            raw = json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass")
            yield Piece(start_line, offset + start_offset, raw, starts.line, Fault("invalid-json", message, None, 0))
            continue
        # Columns that are empty throughout lose nothing: spreadsheets leave several without a name behind the last.
        lost = {header[place] for place in hidden if cells[place].strip()}
        for name in sorted(lost):
            faults.add(_twice(name), header_line)
        hidden = [place for place in hidden if header[place] not in lost]
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
            names: list[str] = table.schema_arrow.names
            for name in sorted({names[place] for place in _hidden(names)}):
                faults.add(_twice(name))
            inner = next(_repeated_fields(table.schema_arrow), None)
            if inner is not None:
                faults.add(Fault("duplicate-key", f"{inner}; the file was not read.", unread=True))
                return
            for batch in table.iter_batches(batch_size=1000):
                for value in batch.to_pylist():
                    row += 1
                    yield Piece(row, 0, _dump(value), row)
    except (arrow.ArrowException, OSError) as error:
        faults.add(Fault("unreadable-compression", f"File cannot be read as parquet: {str(error).splitlines()[0]}.", unread=True))
        return
    if row == 0:
        faults.add(Fault("empty-file", "File holds no rows."))


def _hidden(names: Sequence[str]) -> list[int]:
    """Return the places of columns whose name comes again: a row as an object holds the last of them only."""
    last = {name: place for place, name in enumerate(names)}
    return [place for place, name in enumerate(names) if last[name] != place]


def _twice(column: str) -> Fault:
    message = f"Column {json.dumps(column, ensure_ascii=False)} stands more than once; only the last is read."
    return Fault("duplicate-key", message, unread=True)


def _repeated_fields(fields: Any, column: str = "") -> Iterator[str]:
    """Yield a sentence for each struct with two fields of one name, at any depth; pyarrow makes no values of such."""
    for field in fields:
        inner = [field.type.field(place) for place in range(field.type.num_fields)]
        names = [part.name for part in inner]
        for place in _hidden(names)[:1]:
            yield f'Field "{names[place]}" stands more than once in the column "{column or field.name}"'
        yield from _repeated_fields(inner, column or field.name)


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_readable).encode("utf-8", "surrogatepass")


def _readable(value: Any) -> Any:
    """Spell what JSON lacks: bytes as base64 (images), dates and decimals as text."""
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode("ascii")
    return str(value)


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").partition("\n")[0]
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
