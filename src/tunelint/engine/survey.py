"""The reduce: what the chunks left behind becomes one `Survey`, over which the dataset and splits checks run.

A check is a function `(survey: Survey, options: dict) -> Iterator[Hit]`, marked with the features it reads
(`@needs("copy", "prompt")`, see `tunelint.engine.features` for the columns there are). Its hits name records by their index
in the survey (`Hit.at`, `Partner.index`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tunelint.checks.survey import Column, Survey, SurveyFile
from tunelint.engine.features import FeaturePlan, Scanned, compute
from tunelint.engine.scan import ChunkResult
from tunelint.records.chunks import FileFaults, read_chunks
from tunelint.records.reader import records_of
from tunelint.records.record import Record
from tunelint.records.sources import Source, compression_of, plain_suffix
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray


def build_survey(
    files: Sequence[SurveyFile], results: Sequence[Sequence[ChunkResult]], fetch: RecordFetcher, target: str | None,
    features: FeaturePlan | None,
) -> Survey:  # fmt: skip
    """Join the columns of all chunks of all files, in order."""
    parts = [result for chunks in results for result in chunks]
    counts = [sum(result.records for result in chunks) for chunks in results]
    file = np.repeat(np.arange(len(files), dtype=np.int32), counts)
    is_eval = np.array([item.split == "eval" for item in files], dtype=bool)[file] if len(files) else np.zeros(0, bool)
    line = _numbers([result.lines for result in parts])
    row = np.concatenate([np.arange(1, count + 1, dtype=np.int64) for count in counts]) if counts else np.zeros(0, np.int64)
    fetch.offsets, fetch.lengths = (_numbers([getattr(result, name) for result in parts]) for name in ("offsets", "lengths"))
    fetch.file, fetch.row, fetch.line = file, row, line
    columns: dict[str, NDArray[Any] | Batches] = {}
    if features is not None:
        parts = parts or [ChunkResult(columns=compute(Scanned([], features)))]  # empty files have columns too, without rows
        columns = {name: _join([result.columns[name] for result in parts]) for name in features.names}
    extras = {} if features is None else dict(features.parameters)
    return Survey(tuple(files), file, is_eval, line, row, columns, fetch, target, extras)


def _numbers(parts: Sequence[array[int]]) -> NDArray[np.int64]:
    return np.concatenate([np.frombuffer(part, np.int64) for part in parts if part] or [np.zeros(0, np.int64)])


def _join(parts: list[Column]) -> NDArray[Any] | Batches:
    if isinstance(parts[0], Ragged):
        return Batches(tuple(part for part in parts if isinstance(part, Ragged)))
    return np.concatenate([part for part in parts if not isinstance(part, Ragged)])


class RecordFetcher:
    """Reads records again by their index in the survey: by offset where the bytes lie plainly on disk, else by a second
    pass over the file (compressed files, tables, arrays, standard input)."""

    def __init__(self, sources: Sequence[Source], shapes: Sequence[str | None], seekable: Sequence[bool]) -> None:
        self._sources, self._shapes, self._seekable = sources, shapes, seekable
        self.offsets: NDArray[np.int64] = np.zeros(0, np.int64)
        self.lengths: NDArray[np.int64] = np.zeros(0, np.int64)
        self.file: NDArray[np.int32] = np.zeros(0, np.int32)
        self.row: NDArray[np.int64] = np.zeros(0, np.int64)
        self.line: NDArray[np.int64] = np.zeros(0, np.int64)

    def __call__(self, indices: list[int]) -> dict[int, Record]:
        found: dict[int, Record] = {}
        by_file: dict[int, list[int]] = {}
        for index in indices:
            by_file.setdefault(int(self.file[index]), []).append(index)
        for file, wanted in by_file.items():
            found.update(self._seek(file, wanted) if self._seekable[file] else self._pass(file, wanted))
        return found

    def _seek(self, file: int, wanted: list[int]) -> dict[int, Record]:
        from tunelint.records.chunks import Chunk

        found = {}
        with self._sources[file].open() as stream:
            for index in wanted:
                stream.seek(int(self.offsets[index]))
                data = stream.read(int(self.lengths[index]))
                chunk = Chunk(data=data, first_line=int(self.line[index]), first_offset=int(self.offsets[index]))
                chunk.expected_shape = self._shapes[file]
                for record in records_of(chunk):
                    if record.value is not None:
                        record.row = int(self.row[index])
                        found[index] = record
        return found

    def _pass(self, file: int, wanted: list[int]) -> dict[int, Record]:
        rows = {int(self.row[index]): index for index in wanted}
        found, row = {}, 0
        source = self._sources[file]
        again = Source(source.path, source.stdin)
        for chunk in read_chunks(again, FileFaults()):
            chunk.expected_shape = self._shapes[file]
            for record in records_of(chunk):
                if record.value is None:
                    continue
                row += 1
                if row in rows:
                    record.row = row
                    found[rows[row]] = record
                    if len(found) == len(rows):
                        return found
        return found


def is_seekable(source: Source, layout_lines: bool) -> bool:
    """Tell whether a record's offset is a place in the file on disk."""
    return layout_lines and source.stdin is None and compression_of(source.path) is None and plain_suffix(source.path) != ".parquet"


def hexadecimal(digests: Any, index: int) -> str:
    """Return a record digest as text from the (N, 2) uint64 column."""
    return f"{int(digests[index, 0]):016x}{int(digests[index, 1]):016x}"
