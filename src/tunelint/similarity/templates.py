"""Template text: what so many records share that it must not make them look alike."""

from __future__ import annotations

import numpy as np

from tunelint.similarity.batches import Batches, blocks
from tunelint.similarity.columns import Hashes, Indices, Ragged, ranges, table_slots
from tunelint.similarity.shingles import SHINGLE_WORDS, shingle_sequence

TEMPLATE_SHARE = 0.2
TEMPLATE_RECORDS = 50
TABLE = 1 << 16  # stays in the second-level cache


def template_values(
    rows: Ragged | Batches, counts: Indices | None = None, *, share: float = TEMPLATE_SHARE, minimum: int = TEMPLATE_RECORDS
) -> Hashes:
    """The values that occur in more than `share` of the records, sorted; none when fewer than `minimum` are compared.

    `rows` are sets (every value once per row); `counts` (rows,) says how many exact copies each row stands for. Rows
    without a value are no records to compare and do not count.
    """
    filled = rows.lengths > 0
    total = int(np.sum(filled) if counts is None else counts[filled].sum())
    if total < minimum:
        return np.empty(0, dtype=np.uint64)
    if counts is not None and total == np.sum(filled) and not (counts[filled] != 1).any():
        counts = None  # nothing to be weighed
    limit = share * total
    # A small table never counts too low, so that only few values are left to be counted one by one. Both passes go by
    # blocks: what they write stays in the cache.
    seen = np.zeros(TABLE)
    for values, weight in blocks(rows, counts):
        seen += np.bincount(table_slots(values, TABLE), weight, minlength=TABLE)
    crowded = seen > limit
    if not crowded.any():
        return np.empty(0, dtype=np.uint64)
    heavy: list[Hashes] = []
    weights: list[Indices] = []
    for values, weight in blocks(rows, counts):
        kept = np.flatnonzero(crowded[table_slots(values, TABLE)])
        heavy.append(values[kept])
        weights.append(np.ones(len(kept), np.int64) if weight is None else weight[kept])
    found, place = np.unique(np.concatenate(heavy), return_inverse=True)
    return found[np.bincount(place, weights=np.concatenate(weights), minlength=len(found)) > limit]


def in_template(values: Hashes, template: Hashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of the values are template text; `template` is sorted."""
    found = np.zeros(len(values), dtype=bool)
    if len(template):
        slots = np.zeros(TABLE, dtype=bool)
        slots[table_slots(template, TABLE)] = True
        maybe = np.flatnonzero(slots[table_slots(values, TABLE)])
        place = np.minimum(np.searchsorted(template, values[maybe]), len(template) - 1)
        found[maybe] = template[place] == values[maybe]
    return found


def discounted(rows: Ragged, template: Hashes) -> Ragged:
    """The rows without template text; a row of nothing else stays whole."""
    if not len(template):
        return rows
    keep = ~in_template(rows.values, template)
    kept = np.concatenate(([0], np.cumsum(keep, dtype=np.int64)))[rows.offsets]
    keep |= np.repeat(np.diff(kept) == 0, rows.lengths)
    return rows.where(keep)


def outside_template(words: Ragged, template: Hashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which words stand in a shingle that is no template text, for word sequences; all words of a row without any."""
    if not len(template):
        return np.ones(len(words.values), dtype=bool)
    sequence = shingle_sequence(words)
    own = ~in_template(sequence.values, template)
    keep = np.zeros(len(words.values), dtype=bool)
    first = ranges(words.offsets[:-1], sequence.lengths)  # the word that each shingle begins with
    last_of_row = np.repeat(words.offsets[:-1] + words.lengths - 1, sequence.lengths)
    for place in range(SHINGLE_WORDS):
        covered = np.minimum(first + place, last_of_row)
        keep[covered[own]] = True
    kept = np.concatenate(([0], np.cumsum(keep, dtype=np.int64)))[words.offsets]
    keep |= np.repeat(np.diff(kept) == 0, words.lengths)
    return keep
