"""Exact set-similarity joins: every pair of rows at or above a Jaccard threshold, none missed, none wrong.

Prefix filter (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007) with the positional filter of PPJoin (Xiao,
Wang, Lin, Yu 2008, "Efficient similarity joins for near duplicate detection"): with all values in one order, rarest
first, two sets that reach the threshold share a value among the first few of each, and those are rare, so few rows meet
by chance.
Rows that consist of frequent values only are what makes such a join quadratic; `Postings.visits` says so beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity import fast
from tunelint.similarity.columns import Hashes, Indices, Ragged, offsets_of, ranges, row_blocks, table_size, table_slots

RARITY_BITS = 6
# Of the numpy path: meetings, and values of compared rows, at a time. They stay in the cache; fresh memory is dear.
CANDIDATES = COMPARED = 1 << 17
PAIR_NAMES = np.arange(1 << 12, dtype=np.uint64) << np.uint64(52)


class Pairs(NamedTuple):
    """Pairs of rows with their Jaccard similarity: three arrays of the same length, sorted by left, then right."""

    left: Indices
    right: Indices
    score: NDArray[np.float64]


@dataclass(frozen=True)
class Postings:
    """A prepared join: which rows, smallest first and without the empty ones (`order`), and who meets whom.

    `sizes`, `probe` and `index` go by that order. `visits` is the number of times that two rows meet in an inverted list, the cost of the join.
    """

    rows: Ragged
    order: Indices
    sizes: Indices
    probe: Indices
    index: Indices
    read: Indices
    post: Indices
    lists: Indices
    threshold: float
    visits: int


def self_join(rows: Ragged, threshold: float, *, compiled: bool | None = None) -> Pairs:
    """All pairs left < right of sorted sets whose Jaccard similarity is at least `threshold` (above 0)."""
    return run(prepare(rows, threshold, compiled=compiled), compiled=compiled)


def cross_join(left: Ragged, right: Ragged, threshold: float, *, compiled: bool | None = None) -> Pairs:
    """All pairs of a row of `left` and a row of `right` whose Jaccard similarity is at least `threshold`."""
    postings = prepare(Ragged.concatenate([left, right]), threshold, len(left), compiled)
    return split_pairs(run(postings, compiled=compiled), len(left))


def split_pairs(pairs: Pairs, first: int) -> Pairs:
    """Pairs over two concatenated sets of rows, renumbered so that `right` counts in the second."""
    return Pairs(pairs.left, pairs.right - first, pairs.score)


def prepare(rows: Ragged, threshold: float, first: int | None = None, compiled: bool | None = None) -> Postings:
    """Order values and rows and build the inverted lists. With `first`, only pairs across row `first` are joined."""
    sizes = rows.lengths
    order = np.argsort(sizes, kind="stable")
    order = order[sizes[order] > 0]
    sizes = sizes[order]
    probe = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    index = sizes - np.ceil(2 * threshold / (1 + threshold) * sizes - 1e-9).astype(np.int64) + 1
    prefix = _rarest(rows, order, probe, compiled)
    meeting = np.flatnonzero(_maybe_repeated(prefix, compiled))
    owner = np.repeat(np.arange(len(sizes)), probe)[meeting]
    posted = meeting - offsets_of(probe)[owner] < index[owner]
    second = np.zeros(len(meeting), np.int64) if first is None else (order[owner] >= first).astype(np.int64)
    read = np.full(len(prefix), -1)
    post = read if first is None else read.copy()  # within one set of rows, who reads a list may enter it
    read[meeting], post[meeting], lists, visits = _inverted_lists(prefix[meeting], posted, second, first is not None, compiled)
    return Postings(rows, order, sizes, probe, index, read, post, lists, threshold, visits)


def run(postings: Postings, *, compiled: bool | None = None) -> Pairs:
    """Carry out a prepared join."""
    rows = postings.rows
    kernels = fast.kernels(compiled, len(rows.values))
    if kernels is not None:
        x, y, overlap = kernels.join(
            rows.values, rows.offsets, postings.order, postings.probe, postings.index, postings.read, postings.post,
            postings.lists, postings.threshold,
        )  # fmt: skip
    else:
        x, y, overlap = _numpy_join(postings)
    x, y = postings.order[x], postings.order[y]
    score = overlap / (rows.lengths[x] + rows.lengths[y] - overlap)
    left, right = np.minimum(x, y), np.maximum(x, y)
    by_row = np.lexsort((right, left))
    return Pairs(left[by_row], right[by_row], score[by_row])


def similarities(a: Ragged, b: Ragged, left: Indices, right: Indices, *, compiled: bool | None = None) -> NDArray[np.float64]:
    """Jaccard similarity of row left[i] of `a` and row right[i] of `b`, sorted sets; 0 where either is empty."""
    common = overlaps(a, b, left, right, compiled=compiled)
    union = a.lengths[left] + b.lengths[right] - common
    score: NDArray[np.float64] = np.divide(common, union, out=np.zeros(len(common)), where=union > 0)
    return score


def overlaps(a: Ragged, b: Ragged, left: Indices, right: Indices, *, compiled: bool | None = None) -> Indices:
    """Number of values that row left[i] of `a` and row right[i] of `b` share."""
    kernels = fast.kernels(compiled, int(np.sum(a.lengths[left])))
    counts: Indices
    if kernels is not None:
        counts = kernels.overlaps(a.values, a.offsets, b.values, b.offsets, left, right)
        return counts
    counts = np.zeros(len(left), dtype=np.int64)
    sides = [(rows.values, rows.offsets[at], rows.offsets[at + 1] - rows.offsets[at]) for rows, at in ((a, left), (b, right))]
    weights = np.cumsum(sides[0][2] + sides[1][2])
    begin = 0
    while begin < len(left):
        end = int(np.searchsorted(weights, (weights[begin - 1] if begin else 0) + COMPARED, side="right"))
        end = min(max(end, begin + 1), begin + len(PAIR_NAMES))
        counts[begin:end] = _overlaps_of_few([(values, starts[begin:end], lengths[begin:end]) for values, starts, lengths in sides])
        begin = end
    return counts


def _overlaps_of_few(sides: Sequence[tuple[Hashes, Indices, Indices]]) -> Indices:
    """At most 4,096 pairs at once: equal values of a pair stand side by side once pair number and value are one key.

    A side is its rows' values, and where the row of each pair starts and how long it is. 12 bits name the pair and the
    upper 52 bits of the hash remain, so that a chance meeting of two values has odds of 2**-52 and each side is in order
    by itself: a stable sort merges two such runs in linear time.
    """
    keys = []
    for values, starts, lengths in sides:
        key = values[ranges(starts, lengths)]
        key >>= np.uint64(12)
        key |= np.repeat(PAIR_NAMES[: len(lengths)], lengths)
        keys.append(key)
    merged = np.concatenate(keys)
    merged.sort(kind="stable")
    twice = merged[1:][merged[1:] == merged[:-1]]
    return np.bincount((twice >> np.uint64(52)).astype(np.int64), minlength=len(sides[0][1]))


def _rarest(rows: Ragged, order: Indices, counts: Indices, compiled: bool | None) -> Hashes:
    """The `counts[i]` rarest values of row order[i], flat, as keys: the upper 6 bits say how many rows hold the value.

    That comes from a counting sketch, on a log scale; the lower 58 bits are the hash's. The order only decides how fast
    a join is, never what it finds: two values with the same key can but add a candidate, which is verified.
    """
    size = table_size(len(rows.values) >> 4)  # some values share a slot: the frequent ones still stand out
    kernels = fast.kernels(compiled, len(rows.values))
    if kernels is not None:
        keys: Hashes = kernels.rarest(rows.values, rows.offsets, order, counts, size)
        return keys
    rarity = _rarities(rows.values, size)
    taken = np.zeros(len(rows), dtype=np.int64)
    taken[order] = counts
    parts = [np.empty(0, np.uint64)]
    for first, last in row_blocks(rows.offsets):
        block = rows.rows(first, last)
        keys = rarity[table_slots(block.values, size)].astype(np.uint64) << np.uint64(64 - RARITY_BITS)
        keys |= block.values >> np.uint64(RARITY_BITS)
        for begin, end in pairwise(block.offsets.tolist()):
            keys[begin:end].sort()
        parts.append(keys[ranges(block.offsets[:-1], taken[first:last])])
    return np.concatenate(parts)[ranges(offsets_of(taken)[order], counts)]


def _rarities(values: Hashes, size: int) -> NDArray[np.uint8]:
    """How many rows hold a value, by its slot of a table of `size` places, on a log scale of RARITY_BITS bits."""
    count = np.zeros(size, dtype=np.int64)
    for begin in range(0, len(values), size):  # fresh memory costs more than counting
        count += np.bincount(table_slots(values[begin : begin + size], size), minlength=size)
    rarities: NDArray[np.uint8] = np.minimum(4 * np.log2(np.maximum(count, 1)), (1 << RARITY_BITS) - 1).astype(np.uint8)
    return rarities


def _maybe_repeated(keys: Hashes, compiled: bool | None) -> NDArray[np.bool_]:
    """False for keys that certainly occur once, so that nobody can be met there: most keys of a prefix."""
    repeated: NDArray[np.bool_]
    size = table_size(len(keys), 26)
    kernels = fast.kernels(compiled, len(keys))
    if kernels is not None:
        repeated = kernels.maybe_repeated(keys, size)
        return repeated
    slot, places = table_slots(keys, size), np.arange(len(keys), dtype=np.uint32)
    last = np.empty(size, dtype=np.uint32)
    last[slot] = places
    shared = np.zeros(size, dtype=bool)
    shared[slot[last[slot] != places]] = True
    return shared[slot]


def _inverted_lists(
    prefix: Hashes, posted: NDArray[np.bool_], second: Indices, both: bool, compiled: bool | None
) -> tuple[Indices, Indices, Indices, int]:
    """For each value of a prefix: the list to read and the list to enter; the lists' offsets; the visits expected."""
    names, total = _numbered(prefix, compiled)
    if not both:
        readers, writers = np.bincount(names, minlength=total), np.bincount(names[posted], minlength=total)
        used = readers > 1
        read = post = np.where(used[names], (np.cumsum(used) - 1)[names], -1)
        lengths = writers[used]
        return read, post, offsets_of(lengths), int(np.sum(lengths * (readers[used] - 1))) // 2
    sides = [np.bincount(names[second == side], minlength=total) for side in (0, 1)]
    used = (sides[0] > 0) & (sides[1] > 0)
    name = np.where(used[names], 2 * (np.cumsum(used) - 1)[names], -2)
    post = np.maximum(name + second, -1)
    read = np.maximum(name + 1 - second, -1)
    lengths = np.bincount(post[posted & (post >= 0)], minlength=2 * int(used.sum()))
    return read, post, offsets_of(lengths), int(np.sum(sides[0][used] * sides[1][used]))


def _numbered(keys: Hashes, compiled: bool | None) -> tuple[Indices, int]:
    """A number for each key, equal for equal keys, and how many there are; which number is of no account."""
    kernels = fast.kernels(compiled, len(keys))
    if kernels is not None:
        names, total = kernels.numbered(keys, table_size(len(keys), 62))
        return names, total
    values, names = np.unique(keys, return_inverse=True)
    return names, len(values)


def _numpy_join(postings: Postings) -> tuple[Indices, Indices, Indices]:
    """Candidates by enumerating who meets in a list, a few million at a time; then the exact overlap of each."""
    rows, order, sizes, threshold = postings.rows, postings.order, postings.sizes, postings.threshold
    keys = [np.empty(0, np.int64)]
    for x, y in _meetings(postings):
        keys.append(np.unique(x * len(sizes) + y))
    key = np.unique(np.concatenate(keys))
    x, y = key // max(len(sizes), 1), key % max(len(sizes), 1)
    overlap = overlaps(rows, rows, order[x], order[y], compiled=False)
    good = overlap / (sizes[x] + sizes[y] - overlap) >= threshold
    return x[good], y[good], overlap[good]


def _meetings(postings: Postings) -> Iterator[tuple[Indices, Indices]]:
    """Pairs (later, earlier) of rows that meet and whose sizes and places still allow the threshold."""
    sizes, threshold = postings.sizes, postings.threshold
    owner = np.repeat(np.arange(len(sizes)), postings.probe)
    place = np.arange(len(owner)) - np.repeat(offsets_of(postings.probe)[:-1], postings.probe)
    posts = (postings.post >= 0) & (place < postings.index[owner])
    order = np.flatnonzero(posts)[np.argsort(postings.post[posts], kind="stable")]
    entered, places = owner[order], place[order]  # each list, in the order of the rows
    reader = np.flatnonzero(postings.read >= 0)
    source = postings.read[reader]
    # A row reads what was entered before it: as (list, row) is sorted, one search gives the end of that range.
    width = len(sizes) + 1
    entries = postings.post[order] * width + entered
    begin = postings.lists[source]
    end = np.searchsorted(entries, source * width + owner[reader])
    todo = offsets_of(end - begin)
    first = 0
    while first < len(reader):
        last = max(int(np.searchsorted(todo, todo[first] + CANDIDATES, side="right")) - 1, first + 1)
        which = ranges(begin[first:last], (end - begin)[first:last])
        reads = np.repeat(reader[first:last], (end - begin)[first:last])
        x, y = owner[reads], entered[which]
        # From the first value that two rows share on, they can share this many; that meeting of a good pair stays.
        reachable = np.minimum(sizes[x] - place[reads], sizes[y] - places[which])
        needed = np.ceil(threshold / (1 + threshold) * (sizes[x] + sizes[y]) - 1e-9)
        good = (sizes[y] >= threshold * sizes[x] - 1e-9) & (reachable >= needed)
        yield x[good], y[good]
        first = last
