"""Inverted lists of the rows' rarest values, and who meets in them.

The values are dealt by some of their bits into parts that fit the cache. A part is sorted with the values' places packed
below them, so that equal values stand side by side in the order of the rows: a list is a run, and a search for it, or
a table of all values, is not needed. What this costs grows with the rows alone, as long as the lists do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity import fast
from tunelint.similarity.columns import Hashes, Indices, offsets_of
from tunelint.similarity.prefixes import RARITY_BITS

PART = 1 << 17  # values sorted at a time
MET = 1 << 15  # meetings looked at together
DEALT = 1 << 18  # values dealt at a time
KEPT = 1 << 20  # pairs that wait for their copies to be removed
BATCH, USUAL = 1 << 23, 8  # meetings looked at together, or so many for each reader: they bound the memory

Rows = NDArray[np.int32]
Places = NDArray[np.uint32] | Indices


class Lists(NamedTuple):
    """The inverted lists of one part of the values, as what is entered and which range of it each reader reads.

    An entry or a reader is a row (by the order of sizes) and how many values it has from the shared one on, its rest.
    """

    entered: Rows
    entered_rest: Rows
    reader: Rows
    reader_rest: Rows
    start: Rows
    length: Rows


def inverted_lists(prefixes: Hashes, probe: Indices, index: Indices, sizes: Indices, second: NDArray[np.bool_] | None) -> tuple[list[Lists], int]:
    """The lists, and how many meetings are to be expected in them.

    `prefixes` has the `probe[i]` rarest values of row i, the first `index[i]` of which are entered; `sizes` ascend.
    With `second` (rows,) a row meets only rows of the other kind.
    """
    offsets = offsets_of(probe)
    owner = np.repeat(np.arange(len(probe), dtype=np.int32), probe)
    entered_until, row_end = offsets[:-1] + index, offsets[:-1] + sizes
    found: list[Lists] = []
    visits = 0
    hands = _dealt(prefixes)
    del prefixes  # its memory, if nobody else needs it, is enough for what comes now
    for hand in filter(None, hands):
        keys, where = (np.concatenate(column) for column in zip(*hand, strict=True))
        hand.clear()
        local, starts = _runs(keys)
        if not len(local):
            continue
        where = where[local]
        row = owner[where]
        entered = where < entered_until[row]
        rest = (row_end[row] - where).astype(np.int32)
        run_sizes = np.diff(starts, append=len(row))
        if second is None:
            visits += int(np.sum(np.add.reduceat(entered.astype(np.int64), starts) * (run_sizes - 1)))
            found.append(_lists(row, rest, entered, None, starts, run_sizes))
            continue
        of_second = second[row]
        seconds = np.add.reduceat(of_second.astype(np.int64), starts)
        visits += int(np.sum(seconds * (run_sizes - seconds)))
        for side in (of_second, ~of_second):
            found.append(_lists(row, rest, entered & ~side, side, starts, run_sizes))
    return found, visits // 2 if second is None else visits


def _dealt(keys: Hashes) -> list[list[tuple[Hashes, Places]]]:
    """Keys and their places by parts, in order within each; a part comes in pieces."""
    narrow = len(keys) < 1 << 32
    parts = 1 << (len(keys) // PART).bit_length()
    kind = np.uint8 if parts <= 1 << 8 else np.uint16 if parts <= 1 << 16 else np.uint32
    hands: list[list[tuple[Hashes, Places]]] = [[] for _ in range(parts)]
    step = max(DEALT, len(keys) >> 6)
    for begin in range(0, len(keys), step):
        dealt = keys[begin : begin + step]
        part = (dealt & np.uint64(parts - 1)).astype(kind)
        order = np.argsort(part, kind="stable")
        order += begin
        columns = keys[order], order.astype(np.uint32) if narrow else order
        bounds = offsets_of(np.bincount(part, minlength=parts)).tolist()
        for hand, (first, last) in zip(hands, pairwise(bounds), strict=True):
            hand.append((columns[0][first:last], columns[1][first:last]))
    return hands


def _runs(keys: Hashes) -> tuple[Indices, Indices]:
    """The places of keys that occur twice or more, equal ones side by side and in order; and where each run starts.

    A place takes the lowest bits of a key, which leaves 46 of the hash beside those that the part is dealt by: values
    that fall together by chance can but add a candidate.
    """
    bits = np.uint64(len(keys).bit_length())
    packed = keys << np.uint64(RARITY_BITS)  # equal values are equally rare
    packed >>= bits
    packed <<= bits
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    value = packed >> bits
    first = np.ones(len(keys) + 1, dtype=bool)
    np.not_equal(value[1:], value[:-1], out=first[1:-1])
    repeated = ~(first[:-1] & first[1:])
    packed &= (np.uint64(1) << bits) - np.uint64(1)
    kept = np.flatnonzero(repeated)
    return packed[kept].astype(np.int64), np.flatnonzero(first[kept])


def _lists(row: Rows, rest: Rows, entered: NDArray[np.bool_], reads: NDArray[np.bool_] | None, starts: Indices, run_sizes: Indices) -> Lists:
    """Lists in which each row reads what was entered before it, from runs of rows."""
    before = np.cumsum(entered, dtype=np.int32)
    before -= entered
    begin = np.repeat(before[starts], run_sizes)
    count = before - begin
    meets = np.flatnonzero(count if reads is None else (count > 0) & reads)
    enters = np.flatnonzero(entered)
    return Lists(row[enters], rest[enters], row[meets], rest[meets], begin[meets], count[meets])


def candidates(lists: Sequence[Lists], sizes: Indices, threshold: float, compiled: bool | None) -> Iterator[tuple[Indices, Indices]]:
    """Pairs (later, earlier) of rows that meet and whose sizes and places still allow the threshold, each once.

    They come in batches of whole later rows, so that crowded lists need no more memory than others.
    """
    kernels = fast.kernels(compiled, sum(len(part.reader) for part in lists))
    rows = max(len(sizes), 1)
    for first, last in _row_ranges(lists, rows):
        pairs = np.empty(0, np.int64)
        waiting: list[Indices] = []
        count = 0
        for part in lists:
            readers = part if last - first == rows else _read_by(part, first, last)
            for met in _meetings(readers, sizes, threshold) if kernels is None else _compiled_meetings(readers, sizes, threshold, kernels):
                waiting.append(met)
                count += len(met)
                if count > max(KEPT, len(pairs)):
                    pairs, waiting, count = _distinct([pairs, *waiting]), [], 0
        later, earlier = np.divmod(_distinct([pairs, *waiting]), rows)
        apart = later != earlier  # two values of one row may have fallen together
        yield later[apart], earlier[apart]


def _row_ranges(lists: Sequence[Lists], rows: int) -> list[tuple[int, int]]:
    """Ranges of rows that read about BATCH entries each; a single one where the lists are not crowded."""
    batch = max(BATCH, USUAL * sum(len(part.reader) for part in lists))
    if sum(int(part.length.sum()) for part in lists) <= batch:
        return [(0, rows)]
    reads = np.zeros(rows)
    for part in lists:
        reads += np.bincount(part.reader, weights=part.length, minlength=rows)
    until = np.cumsum(reads)
    cuts = np.searchsorted(until, np.arange(batch, until[-1], batch)) + 1
    return list(pairwise(np.unique(np.concatenate(([0], cuts, [rows]))).tolist()))


def _read_by(lists: Lists, first: int, last: int) -> Lists:
    """The same lists with only the readers from row `first` to row `last` (exclusive)."""
    kept = np.flatnonzero((lists.reader >= first) & (lists.reader < last))
    return Lists(*lists[:2], lists.reader[kept], lists.reader_rest[kept], lists.start[kept], lists.length[kept])


def _distinct(parts: list[Indices]) -> Indices:
    values = np.concatenate(parts)
    values.sort()
    first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return values[np.flatnonzero(first)]


def _meetings(lists: Lists, sizes: Indices, threshold: float) -> Iterator[Indices]:
    """The same for one part, a few at a time, as later * rows + earlier; a pair as often as it meets."""
    # From the first value that two rows share on, they can share as many as the shorter rest; that meeting of a good
    # pair stays. It needs share * (both sizes); the allowance is for rounding.
    share = threshold / (1 + threshold)
    own, other = share * sizes[lists.reader], share * sizes[lists.entered]
    smallest, spare = threshold * own - 1e-9, lists.reader_rest - own + 1e-9
    other_spare, own = lists.entered_rest - other, own - 1e-9
    todo = offsets_of(lists.length)
    shift = lists.start - todo[:-1]
    first = 0
    while first < len(lists.reader):
        last = max(int(np.searchsorted(todo, todo[first] + MET, side="right")) - 1, first + 1)
        reader = np.repeat(np.arange(first, last), lists.length[first:last])
        entry = np.arange(todo[first], todo[last]) + shift[reader]
        size = other[entry]
        good = np.flatnonzero((size >= smallest[reader]) & (size <= spare[reader]) & (other_spare[entry] >= own[reader]))
        yield lists.reader[reader[good]] * np.int64(len(sizes)) + lists.entered[entry[good]]
        first = last


def _compiled_meetings(lists: Lists, sizes: Indices, threshold: float, kernels: Any) -> Iterator[Indices]:
    first = 0
    room = np.empty(max(MET, int(lists.length.max(initial=0))), np.int64)
    while first < len(lists.reader):
        first, filled = kernels.meetings(*lists, sizes, threshold, first, room)
        yield room[:filled].copy()
