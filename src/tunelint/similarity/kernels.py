"""The hot loops, compiled by numba. Each gives bit for bit what the numpy path beside its caller gives.

Import this module through `fast.kernels` only: importing it needs numba.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunelint.similarity.columns import MIX_1, MIX_2, Hashes, Indices
from tunelint.similarity.fast import machine_code

ZERO, ONE = np.uint64(0), np.uint64(1)
S27, S30, S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@machine_code
def mix_one(value: np.uint64) -> np.uint64:
    """`columns.mix` of one value."""
    value = (value ^ (value >> S30)) * MIX_1
    value = (value ^ (value >> S27)) * MIX_2
    return value ^ (value >> S31)


@machine_code
def hash_words(codes: NDArray[np.uint32], starts: Indices, table: Hashes, base: np.uint64) -> tuple[Hashes, Indices]:
    """Word hashes of a block and the words of each text; `starts` (texts + 1,) are the texts' places in `codes`."""
    texts = len(starts) - 1
    hashes = np.empty((len(codes) + 1), np.uint64)
    counts = np.zeros(texts, np.int64)
    found = 0
    for text in range(texts):
        first = found
        total, power, inside = ZERO, ONE, False
        for place in range(starts[text], starts[text + 1] - 1):
            value = table[codes[place]]
            if value & ONE:
                total += value * power
                power *= base
                inside = True
                continue
            if inside:
                hashes[found] = mix_one(total)
                found += 1
                total, power, inside = ZERO, ONE, False
            if value:
                hashes[found] = mix_one(value)
                found += 1
        if inside:
            hashes[found] = mix_one(total)
            found += 1
        counts[text] = found - first
    return hashes[:found].copy(), counts


@machine_code
def shingle_sets(prompts: Hashes, prompt_offsets: Indices, answers: Hashes, answer_offsets: Indices, factors: Hashes, values: Hashes) -> Indices:
    """Fill `values`, from its begin on, with the sorted set of shingles of each record, and give the sets' sizes.

    A record's words are its prompt's and then its answer's, one sequence; `values` has room for one shingle per word.
    """
    rows = len(prompt_offsets) - 1
    lengths = np.zeros(rows, np.int64)
    longest = 0
    for row in range(rows):
        lengths[row] = prompt_offsets[row + 1] - prompt_offsets[row] + answer_offsets[row + 1] - answer_offsets[row]
        longest = max(longest, lengths[row])
    words = np.empty(longest + 2, np.uint64)
    scratch = np.empty(longest + 1, np.uint64)
    slots = np.empty(4 * longest + 4, np.int64)
    written = 0
    for row in range(rows):
        size = 0
        for place in range(prompt_offsets[row], prompt_offsets[row + 1]):
            words[size] = prompts[place]
            size += 1
        for place in range(answer_offsets[row], answer_offsets[row + 1]):
            words[size] = answers[place]
            size += 1
        words[size] = ZERO  # the missing words of a short text count as 0
        words[size + 1] = ZERO
        if size == 0:
            continue
        count = max(size - 2, 1)
        for place in range(count):
            total = words[place] * factors[0] + words[place + 1] * factors[1] + words[place + 2] * factors[2]
            scratch[place] = mix_one(total)
        lengths[row] = _sorted_set(scratch[:count], slots, values[written:])
        written += lengths[row]
    return lengths


@machine_code
def sorted_sets(rows: Hashes, offsets: Indices) -> tuple[Hashes, Indices]:
    """Each row of evenly spread values sorted, every value once, flat, and its size."""
    lengths = np.zeros(len(offsets) - 1, np.int64)
    values = np.empty(len(rows), np.uint64)
    longest = 0
    for row in range(len(lengths)):
        longest = max(longest, offsets[row + 1] - offsets[row])
    slots = np.empty(4 * longest + 4, np.int64)
    written = 0
    for row in range(len(lengths)):
        lengths[row] = _sorted_set(rows[offsets[row] : offsets[row + 1]], slots, values[written:])
        written += lengths[row]
    return values[:written].copy(), lengths


@machine_code
def _sorted_set(source: Hashes, slots: Indices, target: Hashes) -> int:
    """Sort hashes in linear time: they are spread evenly, so their upper bits all but say their place.

    Each value goes to a slot by its upper bits, about one value per slot; an insertion sort finishes. Returns how many
    different values stand in `target`.
    """
    size = len(source)
    bits = np.uint64(1)
    while (1 << int(bits)) < size:
        bits += ONE
    shift = np.uint64(64) - bits
    slots[: (1 << int(bits)) + 1] = 0
    for place in range(size):
        slots[int(source[place] >> shift) + 1] += 1
    for slot in range(1 << int(bits)):
        slots[slot + 1] += slots[slot]
    for place in range(size):
        slot = int(source[place] >> shift)
        target[slots[slot]] = source[place]
        slots[slot] += 1
    for place in range(1, size):
        value = target[place]
        before = place - 1
        while before >= 0 and target[before] > value:
            target[before + 1] = target[before]
            before -= 1
        target[before + 1] = value
    written = 0
    for place in range(size):
        if place == 0 or target[place] != target[written - 1]:
            target[written] = target[place]
            written += 1
    return written


@machine_code
def count_slots(values: Hashes, table: NDArray[np.int32]) -> None:
    """Count the values by their lower bits in a table of zeros, a power of two long."""
    mask = np.uint64(len(table) - 1)
    for place in range(len(values)):
        table[int(values[place] & mask)] += 1


@machine_code
def rarest(values: Hashes, offsets: Indices, order: Indices, starts: Indices, rarity: NDArray[np.uint8], keys: Hashes) -> None:
    """Fill `keys` from starts[i] to starts[i + 1] with the rarest values of row order[i] in the order of (rarity, value).

    A key has the rarity in its upper 6 bits and the value in the others; `rarity` goes by a value's lower bits.
    """
    mask = np.uint64(len(rarity) - 1)
    for row in range(len(order)):
        first = starts[row]
        limit, filled = starts[row + 1] - first, 0
        for place in range(offsets[order[row]], offsets[order[row] + 1]):
            value = values[place]
            key = (np.uint64(rarity[int(value & mask)]) << np.uint64(58)) | (value >> np.uint64(6))
            if filled == limit:
                if key >= keys[first + filled - 1]:
                    continue
            else:
                filled += 1
            before = first + filled - 2
            while before >= first and keys[before] > key:
                keys[before + 1] = keys[before]
                before -= 1
            keys[before + 1] = key


@machine_code
def mark_repeated(keys: Hashes, seen: NDArray[np.uint8]) -> int:
    """Mark in a table of zeros, a power of two long, which slots one key falls into (1) and which several (2).

    Returns how many keys are in the latter: the others certainly stand alone, which is most keys of a prefix.
    """
    mask = np.uint64(len(seen) - 1)
    count = 0
    for place in range(len(keys)):
        slot = int(keys[place] & mask)
        if seen[slot]:
            count += 3 - seen[slot]  # the first of them counts now, too
            seen[slot] = 2
        else:
            seen[slot] = 1
    return count


@machine_code
def inverted_lists(
    keys: Hashes,
    starts: Indices,
    index: Indices,
    second: NDArray[np.bool_],
    seen: NDArray[np.uint8],
    table: NDArray[np.int32],
    read: NDArray[np.int32],
    post: NDArray[np.int32],
) -> tuple[Indices, int]:
    """Fill, for each key, the list to read and the list to enter (-1 = none); the lists' offsets, the visits expected.

    Row i has the keys from starts[i] to starts[i + 1] and enters the first `index[i]` of them. `seen` is that of
    `mark_repeated`. `table`, zeros, has more rows than there are repeated keys, a power of two; what belongs to a key
    stands side by side there, one cache miss for all: 32 bits of the key beside those that its slot is made of, its list
    + 1, how many read it and how many enter it. With two more columns, those are for rows of the other kind, by `second`,
    and a row reads what rows of the other kind have entered.
    """
    alone, mask = np.uint64(len(seen) - 1), np.uint64(len(table) - 1)
    both = table.shape[1] > 4
    for row in range(len(index)):
        kind = 2 + 2 * int(second[row])
        for place in range(starts[row], starts[row + 1]):
            key = keys[place]
            if seen[int(key & alone)] < 2:
                read[place] = -1
                continue
            slot, tag = np.int64(key & mask), np.int32(np.uint32(key >> np.uint64(26)))
            while table[slot, 0] != tag and (table[slot, 2] or (both and table[slot, 4])):  # open addressing
                slot = (slot + 1) % len(table)
            table[slot, 0] = tag
            table[slot, kind] += 1
            table[slot, kind + 1] += place - starts[row] < index[row]
            read[place] = slot
    lists = np.zeros(len(table) * (2 if both else 1) + 1, np.int64)
    used, visits = 0, np.int64(0)
    for row in range(len(index)):
        side = int(second[row])
        for place in range(starts[row], starts[row + 1]):
            slot = read[place]
            post[place] = -1
            if slot < 0:
                continue
            readers = np.int64(table[slot, 2])
            read[place] = -1
            if both:
                others = np.int64(table[slot, 4])
                if not readers or not others:
                    continue
                if not table[slot, 1]:
                    table[slot, 1] = used + 1
                    visits += readers * others
                    lists[used + 1] = lists[used] + table[slot, 3]
                    lists[used + 2] = lists[used + 1] + table[slot, 5]
                    used += 2
                read[place] = table[slot, 1] - side
                post[place] = table[slot, 1] - 1 + side
            elif readers > 1:
                if not table[slot, 1]:
                    table[slot, 1] = used + 1
                    visits += table[slot, 3] * (readers - 1)
                    lists[used + 1] = lists[used] + table[slot, 3]
                    used += 1
                read[place] = post[place] = table[slot, 1] - 1
    return lists[: used + 1].copy(), int(visits if both else visits // 2)


@machine_code
def overlap_at_least(a: Hashes, b: Hashes, needed: int) -> int:
    """Common values of two sorted rows; -1 as soon as `needed` is out of reach."""
    i, j, found = 0, 0, 0
    while i < len(a) and j < len(b):
        if found + min(len(a) - i, len(b) - j) < needed:
            return -1
        if a[i] == b[j]:
            found += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return found if found >= needed else -1


@machine_code
def overlaps(values_a: Hashes, offsets_a: Indices, values_b: Hashes, offsets_b: Indices, left: Indices, right: Indices) -> Indices:
    """Common values of row left[i] of a and row right[i] of b, for every pair i; rows are sorted."""
    counts = np.empty(len(left), np.int64)
    for pair in range(len(left)):
        a = values_a[offsets_a[left[pair]] : offsets_a[left[pair] + 1]]
        b = values_b[offsets_b[right[pair]] : offsets_b[right[pair] + 1]]
        counts[pair] = overlap_at_least(a, b, 0)
    return counts


@machine_code
def needed_overlap(threshold: float, a: int | np.int64, b: int | np.int64) -> int:
    """The least overlap that two sets of sizes a and b need for this Jaccard similarity (less a rounding error)."""
    return int(np.ceil(threshold / (1.0 + threshold) * (a + b) - 1e-9))


@machine_code
def join(
    values: Hashes,
    offsets: Indices,
    order: Indices,
    probe: Indices,
    index: Indices,
    read: NDArray[np.int32],
    post: NDArray[np.int32],
    lists: Indices,
    threshold: float,
) -> tuple[Indices, Indices, Indices]:
    """All pairs of rows at or above the threshold whose values meet in an inverted list: (later, earlier, overlap).

    Rows are sorted sets, taken in the order of their sizes: the i-th is row order[i], and pairs speak of i. `probe[i]`
    and `index[i]` are its prefix lengths in the global order of rarity. For each value of a probe prefix, row after row,
    `read` and `post` name the inverted list to look into and the one to enter the row into (-1 = none); `lists` are the
    offsets of the inverted lists.
    """
    rows = len(order)
    state = np.zeros((rows, 2), np.int32)  # size and shared values so far, side by side: one cache miss for both
    for x in range(rows):
        state[x, 0] = offsets[order[x] + 1] - offsets[order[x]]
    posted = np.empty((lists[-1], 2), np.int32)  # row and place
    begin, end = lists[:-1].copy(), lists[:-1].copy()
    candidates = np.empty(rows, np.int64)
    pairs = np.empty((max(1024, rows), 3), np.int64)
    found, entry = 0, 0
    for x in range(rows):
        size = np.int64(state[x, 0])
        least = threshold * size - 1e-9
        number = 0
        for place in range(probe[x]):
            source, target = read[entry + place], post[entry + place]
            if source >= 0:
                while begin[source] < end[source]:  # rows grow: what is too small for this row is too small for good
                    if state[posted[begin[source], 0], 0] >= least:
                        break
                    begin[source] += 1
                for posting in range(begin[source], end[source]):
                    y, other = posted[posting, 0], posted[posting, 1]
                    other_size, shared = np.int64(state[y, 0]), state[y, 1]
                    if shared < 0:
                        continue
                    if shared == 0:
                        candidates[number] = y
                        number += 1
                    if shared + min(size - place, other_size - other) < needed_overlap(threshold, size, other_size):
                        state[y, 1] = -1
                    else:
                        state[y, 1] = shared + 1
            if target >= 0 and place < index[x]:
                posted[end[target], 0], posted[end[target], 1] = x, place
                end[target] += 1
        entry += probe[x]
        for candidate in range(number):
            y = candidates[candidate]
            seen, state[y, 1] = state[y, 1], 0
            if seen < 0:
                continue
            a = values[offsets[order[x]] : offsets[order[x] + 1]]
            b = values[offsets[order[y]] : offsets[order[y] + 1]]
            needed = needed_overlap(threshold, len(a), len(b))
            overlap = overlap_at_least(a, b, needed)
            if overlap < 0 or overlap / (len(a) + len(b) - overlap) < threshold:
                continue
            if found == len(pairs):
                bigger = np.empty((2 * found, 3), np.int64)
                bigger[:found] = pairs
                pairs = bigger
            pairs[found, 0], pairs[found, 1], pairs[found, 2] = x, y, overlap
            found += 1
    return pairs[:found, 0].copy(), pairs[:found, 1].copy(), pairs[:found, 2].copy()
