"""One chunk, parted: rows that are known from earlier runs, and rows that must be scanned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunelint.engine.cache.entries import decoded_hits
from tunelint.engine.cache.rows import Keys, Rows, text_at
from tunelint.engine.scan import LocatedHit, ScanPlan, scan
from tunelint.records.chunks import Chunk
from tunelint.records.values import Piece

SHAPE, HITS, OUTCOME, REASON = "@shape", "@hits", "@outcome ", "@reason "
"""Columns that no feature has: the shape, the hits (JSON), and a target's outcomes with their reasons."""
CHECK_AGAIN = b"!"
"""Stands for hits that must not be kept: the row has to be checked again, its columns need not be made again."""
Indices = NDArray[np.int64]


def columns_of(features: Sequence[str], targets: Sequence[str]) -> frozenset[str]:
    """Return the columns that a run with these features and these ledgers keeps."""
    return frozenset([*features, SHAPE, HITS, *(start + target for target in targets for start in (OUTCOME, REASON))])


@dataclass
class Lookup:
    """A chunk and what is known of it. `table` and `row` (P,) say where each of its P pieces is known, -1: nowhere.

    `missing` holds the others, None where there are none; `chunk` is let go where all is known.
    """

    chunk: Chunk | None
    keys: Keys
    lines: Indices | None
    offsets: Indices
    lengths: Indices
    table: Indices
    row: Indices
    hits: dict[int, list[LocatedHit]]
    blank_runs: list[tuple[int, int, int]]
    missing: Chunk | None
    by_lines: bool

    @property
    def known(self) -> Indices:
        """The pieces that are known, in order."""
        return np.flatnonzero(self.table >= 0)

    @property
    def unknown(self) -> Indices:
        """The pieces that are not, in order."""
        return np.flatnonzero(self.table < 0)


def look_up(chunk: Chunk, tables: Sequence[Rows], plan: ScanPlan) -> Lookup:
    """Part a chunk by what the tables hold of the plan's results."""
    pieces, blank_runs = _pieces(chunk)
    raws = [piece[0] for piece in pieces]
    context = blake2b(repr((chunk.expected_shape, chunk.lenient, chunk.tabular)).encode(), digest_size=16).digest()
    joined_keys = b"".join([blake2b(raw, digest_size=16, key=context).digest() for raw in raws])
    keys = np.frombuffer(joined_keys, dtype="<u8").astype(np.uint64).reshape(-1, 2)
    lines = np.array([piece[1] for piece in pieces], dtype=np.int64) if chunk.has_lines else None
    offsets = np.array([piece[2] for piece in pieces], dtype=np.int64)
    table, row = np.full(len(pieces), -1, dtype=np.int64), np.full(len(pieces), -1, dtype=np.int64)
    for number, rows in enumerate(tables):
        left = np.flatnonzero(table < 0)
        found = rows.find(keys[left])
        table[left[found >= 0]], row[left[found >= 0]] = number, found[found >= 0]
    if chunk.pieces is not None:  # a stretch that is no record has its fault already
        faulty = [index for index, piece in enumerate(chunk.pieces) if piece.fault is not None]
        table[faulty] = -1
    hits, again = _known_hits(tables, table, row, lines, offsets)
    if again:
        checked = scan(_part(chunk, pieces, again), replace(plan, features=None))
        for hit in checked.hits:
            hits.setdefault(again[hit.row - 1], []).append(hit)
    unknown = np.flatnonzero(table < 0).tolist()
    missing = _part(chunk, pieces, unknown) if unknown else None
    lengths = np.array([len(raw) for raw in raws], dtype=np.int64)
    by_lines = chunk.pieces is None
    return Lookup(chunk if unknown or not pieces else None, keys, lines, offsets, lengths, table, row, hits, blank_runs, missing, by_lines)


def _part(chunk: Chunk, pieces: Sequence[tuple[bytes, int, int]], chosen: Sequence[int]) -> Chunk:
    """Return some of a chunk's pieces as a chunk."""
    own = chunk.pieces
    if own is not None:
        rest = [own[index] for index in chosen]
    else:
        rest = [Piece(line, offset, raw, line) for raw, line, offset in (pieces[index] for index in chosen)]
    return Chunk(pieces=rest, expected_shape=chunk.expected_shape, lenient=chunk.lenient, tabular=chunk.tabular, has_lines=chunk.has_lines)


def _pieces(chunk: Chunk) -> tuple[list[tuple[bytes, int, int]], list[tuple[int, int, int]]]:
    """Return bytes, line and offset of each piece, and the runs of blank lines, as `records_of` sees them."""
    if chunk.pieces is not None:
        return [(piece.raw, piece.line, piece.offset) for piece in chunk.pieces], []
    lines = chunk.data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    pieces: list[tuple[bytes, int, int]] = []
    blank: list[tuple[int, int, int]] = []
    offset = chunk.first_offset
    for line, raw in enumerate(lines, chunk.first_line):
        if raw and not raw.isspace():
            pieces.append((raw, line, offset))
        elif blank and blank[-1][0] + blank[-1][1] == line:
            blank[-1] = (blank[-1][0], blank[-1][1] + 1, blank[-1][2])
        else:
            blank.append((line, 1, offset))
        offset += len(raw) + 1
    return pieces, blank


def _known_hits(
    tables: Sequence[Rows], table: Indices, row: Indices, lines: Indices | None, offsets: Indices
) -> tuple[dict[int, list[LocatedHit]], list[int]]:
    """Return the hits of the known pieces that have any, by piece, and the pieces whose hits were not kept.

    A piece whose hits cannot be read becomes unknown.
    """
    found: dict[int, list[LocatedHit]] = {}
    again: list[int] = []
    for number, rows in enumerate(tables):
        column: Any = rows.columns[HITS]
        of_table = np.flatnonzero(table == number)
        for piece in of_table[column.lengths[row[of_table]] > 0].tolist():
            data = text_at(column, int(row[piece]))
            if data == CHECK_AGAIN:
                again.append(piece)
                continue
            try:
                line = None if lines is None else int(lines[piece])
                found[piece] = decoded_hits(data, line, 0, int(offsets[piece]))
            except (ValueError, TypeError):
                table[piece] = -1
    return found, sorted(again)
