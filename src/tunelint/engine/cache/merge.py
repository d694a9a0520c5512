"""One chunk, whole again: known rows and scanned rows joined to what the scan of the whole chunk would have given.

Only records that stand on lines of their own (or were cut out already) are kept, and where a broken line might begin a
record that goes on over known lines, the chunk is scanned as a whole.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tunelint.checks.survey import Column
from tunelint.engine.cache.entries import encoded_hits, moved, outcome_numbers, outcomes_of
from tunelint.engine.cache.lookup import CHECK_AGAIN, HITS, OUTCOME, REASON, SHAPE, Indices, Lookup
from tunelint.engine.cache.rows import Keys, Rows, joined, taken, text_at, texts
from tunelint.engine.scan import ChunkResult, LocatedHit
from tunelint.records.parse import parse_line
from tunelint.records.reader import lines_of_object
from tunelint.records.shapes import SHAPES
from tunelint.tokens.survivors import survivors


@dataclass
class Kept:
    """The scanned rows of one chunk, which are new: a key and the encoded hits of each."""

    keys: Keys
    hits: list[bytes]
    result: ChunkResult = field(repr=False)

    def table(self, features: Sequence[str]) -> Rows:
        """Return them as a table of their own."""
        detail = self.result.detail
        assert detail is not None
        columns = {name: self.result.columns[name] for name in features}
        columns[SHAPE] = shape_codes(detail.shapes)
        columns[HITS] = texts(self.hits)
        for target, outcomes in detail.outcomes.items():
            columns[OUTCOME + target] = outcome_numbers(outcomes)
            columns[REASON + target] = texts([outcome.reason.encode() for outcome in outcomes])
        return Rows(self.keys, columns)


def shape_codes(shapes: Sequence[str]) -> Column:
    """Return the index into `SHAPES` of each shape, (N,) uint8."""
    codes = {shape: code for code, shape in enumerate(SHAPES)}
    return np.array([codes[shape] for shape in shapes], dtype=np.uint8)


def unlike_whole(looked: Lookup, fresh: ChunkResult) -> bool:
    """Tell whether the rows that were scanned may read differently among the lines that were not."""
    if not fresh.faulty:
        return False
    assert looked.chunk is not None
    if not looked.by_lines:
        return True
    lines = looked.chunk.data.split(b"\n")
    for piece in looked.missing.pieces or () if looked.missing is not None else ():
        if piece.raw.lstrip()[:1] == b"{" and not parse_line(piece.raw).ok and lines_of_object(lines, piece.line - looked.chunk.first_line) > 1:
            return True
    return False


def merged(
    looked: Lookup, fresh: ChunkResult | None, tables: Sequence[Rows], features: Sequence[str], targets: Sequence[str]
) -> tuple[ChunkResult, Kept | None]:
    """Return what the scan of the whole chunk gives, and the rows of it that are new and may be kept."""
    known, parsed = looked.known, np.zeros(0, np.int64)
    if fresh is not None:
        unknown = looked.unknown
        # Lines have offsets of their own; where pieces do not, none of them is faulty.
        parsed = unknown if not fresh.faulty else np.searchsorted(looked.offsets, np.array(fresh.offsets, dtype=np.int64))
    by_table = [known[looked.table[known] == number] for number in range(len(tables))]
    pieces = np.concatenate([*by_table, parsed])
    order = np.argsort(pieces, kind="stable")
    pieces = pieces[order]
    sources = [(tables[number], looked.row[part]) for number, part in enumerate(by_table) if len(part)]

    def column(name: str, own: Column | None) -> Column:
        parts = [taken(table.columns[name], rows) for table, rows in sources]
        parts += [] if own is None else [own]
        whole = joined(parts)
        return whole if len(parts) == 1 else taken(whole, order)

    result = ChunkResult(records=len(pieces), faulty=0 if fresh is None else fresh.faulty, blank_runs=looked.blank_runs)
    detail = None if fresh is None else fresh.detail
    codes: Any = column(SHAPE, None if detail is None else shape_codes(detail.shapes))
    result.shapes = Counter(SHAPES[code] for code in codes.tolist())
    result.lines = array("q", (np.zeros(len(pieces), np.int64) if looked.lines is None else looked.lines[pieces]).tobytes())
    result.offsets, result.lengths = (array("q", part[pieces].tobytes()) for part in (looked.offsets, looked.lengths))
    result.columns = {name: column(name, None if fresh is None else fresh.columns[name]) for name in features}
    for target in targets:
        own = None if detail is None else detail.outcomes[target]
        numbers: Any = column(OUTCOME + target, None if own is None else outcome_numbers(own))
        reasons: Any = column(REASON + target, None if own is None else texts([outcome.reason.encode() for outcome in own]))
        result.ledgers[target] = survivors(target, outcomes_of(numbers, [text_at(reasons, row) for row in range(len(reasons))]))
    result.hits = _all_hits(looked, fresh, pieces, parsed)
    return result, _kept(looked, fresh, parsed)


def _all_hits(looked: Lookup, fresh: ChunkResult | None, pieces: Indices, parsed: Indices) -> list[LocatedHit]:
    """Return the hits of known and scanned rows in the order of their records, numbered as the whole chunk's."""
    found: list[tuple[int, LocatedHit]] = [(piece, hit) for piece, hits in looked.hits.items() for hit in hits]
    for hit in fresh.hits if fresh is not None else ():
        found.append((int(parsed[hit.row - 1]) if hit.row else int(np.searchsorted(looked.offsets, hit.offset)), hit))
    found.sort(key=lambda item: item[0])
    rows = (np.searchsorted(pieces, [piece for piece, _ in found]) + 1).tolist()
    return [moved(hit, row) if hit.row or piece in looked.hits else hit for (piece, hit), row in zip(found, rows, strict=True)]


def _kept(looked: Lookup, fresh: ChunkResult | None, parsed: Indices) -> Kept | None:
    """Return the scanned rows."""
    if fresh is None or not len(parsed):
        return None
    by_row: dict[int, list[LocatedHit]] = {}
    for hit in fresh.hits:
        by_row.setdefault(hit.row, []).append(hit)
    return Kept(looked.keys[parsed], [encoded_hits(by_row[row]) or CHECK_AGAIN if row in by_row else b"" for row in range(1, len(parsed) + 1)], fresh)
