"""Cleaned tables: CSV rows are cut out of the original bytes, parquet rows are taken; only edited rows are spelled anew."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

from tunelint.errors import MissingExtraError, TunelintError
from tunelint.records.tables import _delimiter


def csv_rows(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of the header and of every row of a CSV file, blank lines left out.

    Read as Latin-1: what shapes a CSV file is ASCII, and a byte is a character.
    """
    text = data.decode("latin-1")
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=_delimiter(text), strict=False)
    while True:
        start = lines.position
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = [""]
        if cells:
            yield start, lines.position


class _Lines:
    """The lines of a text, split on LF only, and the position after the last one read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.position >= len(self._text):
            raise StopIteration
        start, self.position = self.position, self._text.find("\n", self.position) + 1 or len(self._text)
        return self._text[start : self.position]


def spell_csv_row(header: bytes, old: bytes, value: dict[str, Any]) -> bytes:
    """Return a row of the file with new values, in the file's own dialect and line ends.

    Of columns with the same name the last is the one that is read; the others keep what they hold.
    """
    text = header.decode("utf-8-sig", "replace")
    delimiter = _delimiter(text)
    columns, cells = _cells(text, delimiter), _cells(old.decode("utf-8", "replace"), delimiter)
    for column, place in {column: place for place, column in enumerate(columns)}.items():
        cell = value.get(column, "")
        cells[place] = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    end = "\r\n" if old.endswith(b"\r\n") else "\n" if old.endswith(b"\n") else ""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerow(cells)
    return stream.getvalue().encode("utf-8", "surrogatepass")


def _cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of the first row that is not blank."""
    return next(cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if cells)


def write_parquet(data: bytes, rows: Sequence[int], edited: dict[int, tuple[bytes, bytes]], stream: IO[bytes], path: str) -> None:
    """Write the rows (numbers from 1) of a parquet file; `edited` holds JSON before and after of those that change.

    Raises TunelintError when a new value does not fit its column.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtraError(f"writing {path}", "parquet") from error
    table = parquet.ParquetFile(io.BytesIO(data)).read()  # read_table refuses columns of the same name
    places = {name: place for place, name in enumerate(table.column_names)}  # the last of them is the one that is read
    changes: dict[str, dict[int, Any]] = {}
    for row, (before, after) in edited.items():
        old, new = json.loads(before), json.loads(after)
        for name in places:
            if old.get(name) != new.get(name):
                changes.setdefault(name, {})[row - 1] = new.get(name)
    for name, values in changes.items():
        at = places[name]
        column = table.column(at).to_pylist()
        for index, value in values.items():
            column[index] = value
        try:
            table = table.set_column(at, table.field(at), arrow.array(column, type=table.field(at).type))
        except (arrow.ArrowException, TypeError) as error:
            raise TunelintError(f"{path}: a fix does not fit the column '{name}' ({error}); leave its rule out with --ignore") from error
    parquet.write_table(table.take(arrow.array([row - 1 for row in rows], arrow.int64())), stream)
