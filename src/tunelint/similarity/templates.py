"""Template text: what so many records share that it must not make them look alike."""

from __future__ import annotations

import numpy as np

from tunelint.similarity.columns import Hashes, Indices, Ragged, ranges, table_slots
from tunelint.similarity.shingles import SHINGLE_WORDS, shingle_sequence

TEMPLATE_SHARE = 0.2
TEMPLATE_RECORDS = 50
TABLE = 1 << 16  # stays in the second-level cache
BLOCK = 1 << 18


def template_values(rows: Ragged, counts: Indices | None = None, *, share: float = TEMPLATE_SHARE, minimum: int = TEMPLATE_RECORDS) -> Hashes:
    """The values that occur in more than `share` of the records, sorted; none when fewer than `minimum` are compared.

    `rows` are sets (every value once per row); `counts` (rows,) says how many exact copies each row stands for. Rows
    without a value are no records to compare and do not count.
    """
    lengths = rows.lengths
    copies = np.ones(len(rows), dtype=np.int64) if counts is None else counts
    total = int(copies[lengths > 0].sum())
    if total < minimum:
        return np.empty(0, dtype=np.uint64)
    limit = share * total
    # A small table never counts too low, so that only few values are left to be counted one by one. Both passes go by
    # blocks: what they write stays in the cache.
    weight = None if counts is None else np.repeat(copies, lengths)
    seen = np.zeros(TABLE)
    for part in _blocks(len(rows.values)):
        seen += np.bincount(table_slots(rows.values[part], TABLE), None if weight is None else weight[part], minlength=TABLE)
    crowded = seen > limit
    if not crowded.any():
        return np.empty(0, dtype=np.uint64)
    heavy = np.concatenate([np.flatnonzero(crowded[table_slots(rows.values[part], TABLE)]) + part.start for part in _blocks(len(rows.values))])
    values, place = np.unique(rows.values[heavy], return_inverse=True)
    exactly = np.bincount(place, weights=None if weight is None else weight[heavy], minlength=len(values))
    return values[exactly > limit]


def _blocks(size: int) -> list[slice]:
    return [slice(begin, min(begin + BLOCK, size)) for begin in range(0, size, BLOCK)]


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
