"""The rarest values of each row, by which the rows of a set join meet: how rare a value is, and each row's prefix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity import fast
from tunelint.similarity.columns import Hashes, Indices, Ragged, offsets_of, ranges, row_blocks, table_size, table_slots

RARITY_BITS = 6
SATURATED = 1 << 15  # how far the table counts: 4 * log2 of this fits in RARITY_BITS bits
TABLE_BITS = 26


def rarest(rows: Ragged, order: Indices, counts: Indices, compiled: bool | None) -> Hashes:
    """The `counts[i]` rarest values of row order[i], flat, as keys: the upper 6 bits say how many rows hold the value.

    That comes from a counting sketch, on a log scale; the lower 58 bits are the hash's. The order only decides how fast
    a join is, never what it finds: two values with the same key can but add a candidate, which is verified. `order`
    has every row that `counts` does not give 0.
    """
    size = table_size(len(rows.values) >> 4, TABLE_BITS)  # some values share a slot: the frequent ones still stand out
    starts = offsets_of(counts)
    keys = np.empty(starts[-1], dtype=np.uint64)
    kernels = fast.kernels(compiled, len(rows.values))
    rarity = rarities(rows.values, size, compiled)
    if kernels is not None:
        kernels.rarest(rows.values, rows.offsets, order, starts, rarity, keys)
        return keys
    taken, target = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    taken[order], target[order] = counts, starts[:-1]
    for first, last in row_blocks(rows.offsets):
        block = rows.rows(first, last)
        sortable = rarity[table_slots(block.values, size)].astype(np.uint64) << np.uint64(64 - RARITY_BITS)
        sortable |= block.values >> np.uint64(RARITY_BITS)
        asked = np.flatnonzero(taken[first:last])
        for begin, end in zip(block.offsets[asked].tolist(), block.offsets[asked + 1].tolist(), strict=True):
            sortable[begin:end].sort()
        keys[ranges(target[first:last], taken[first:last])] = sortable[ranges(block.offsets[:-1], taken[first:last])]
    return keys


def rarities(values: Hashes, size: int, compiled: bool | None) -> NDArray[np.uint8]:
    """How many rows hold a value, by its slot of a table of `size` places, on a log scale of RARITY_BITS bits."""
    count = np.zeros(size, dtype=np.uint16)
    kernels = fast.kernels(compiled, len(values))
    if kernels is not None:
        kernels.count_slots(values, count, SATURATED)
    for begin in range(0, len(values) if kernels is None else 0, SATURATED):  # so few at a time cannot overflow a slot
        slots = table_slots(values[begin : begin + SATURATED], size)
        np.add.at(count, slots[count[slots] < SATURATED], np.uint16(1))
    scale = (4 * np.log2(np.maximum(np.arange(SATURATED + 1), 1))).astype(np.uint8)
    found: NDArray[np.uint8] = scale[np.minimum(count, SATURATED, out=count)]
    return found
