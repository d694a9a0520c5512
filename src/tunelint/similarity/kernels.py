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
def count_slots(values: Hashes, table: NDArray[np.uint16], most: int) -> None:
    """Count the values by their lower bits in a table of zeros, a power of two long, up to `most`."""
    mask = np.uint64(len(table) - 1)
    for place in range(len(values)):
        slot = int(values[place] & mask)
        if table[slot] < most:
            table[slot] += 1


@machine_code
def rarest(values: Hashes, offsets: Indices, order: Indices, starts: Indices, rarity: NDArray[np.uint8], keys: Hashes) -> None:
    """Fill `keys` from starts[i] to starts[i + 1] with the rarest values of row order[i] in the order of (rarity, value).

    A key has the rarity in its upper 6 bits and the value in the others; `rarity` goes by a value's lower bits. Rows are
    sorted, so that counting by rarity is all the sorting there is.
    """
    mask = np.uint64(len(rarity) - 1)
    longest = 0
    for row in range(len(order)):
        longest = max(longest, offsets[order[row] + 1] - offsets[order[row]])
    found = np.empty(longest, np.uint8)
    target = np.empty(65, np.int64)
    for row in range(len(order)):
        begin, size = offsets[order[row]], offsets[order[row] + 1] - offsets[order[row]]
        target[:] = 0
        for place in range(size):
            found[place] = rarity[int(values[begin + place] & mask)]
            target[found[place] + 1] += 1
        target[0] = starts[row]
        for rank in range(64):
            target[rank + 1] += target[rank]
        for place in range(size):
            where = target[found[place]]
            target[found[place]] += 1
            if where < starts[row + 1]:
                keys[where] = (np.uint64(found[place]) << np.uint64(58)) | (values[begin + place] >> np.uint64(6))


@machine_code
def meetings(
    entered: NDArray[np.int32],
    entered_rest: NDArray[np.int32],
    reader: NDArray[np.int32],
    reader_rest: NDArray[np.int32],
    start: NDArray[np.int32],
    length: NDArray[np.int32],
    sizes: Indices,
    threshold: float,
    first: int,
    pairs: Indices,
) -> tuple[int, int]:
    """Fill `pairs` with later row * rows + earlier row for who meets, from the reader `first` on, see `meetings.Lists`.

    Returns the reader to go on with, before whom `pairs` has become full, and how many pairs there are.
    """
    share = threshold / (1.0 + threshold)
    filled = 0
    for number in range(first, len(reader)):
        if filled + length[number] > len(pairs):
            return number, filled
        row, rest = np.int64(reader[number]), reader_rest[number]
        own = share * sizes[row] - 1e-9
        begin, end = np.int64(start[number]), np.int64(start[number]) + length[number]
        smallest, low, high = threshold * sizes[row] - 1e-9, begin, end
        while low < high:  # the entries of a list grow
            middle = (low + high) // 2
            if sizes[entered[middle]] < smallest:
                low = middle + 1
            else:
                high = middle
        for entry in range(low, end):
            needed = own + share * sizes[entered[entry]]
            if rest < needed:
                break
            if entered_rest[entry] >= needed:
                pairs[filled] = row * len(sizes) + entered[entry]
                filled += 1
    return len(reader), filled


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
def verified(values: Hashes, offsets: Indices, left: Indices, right: Indices, threshold: float) -> Indices:
    """Common values of the rows left[i] and right[i], sorted; -1 where their similarity is below the threshold."""
    counts = np.empty(len(left), np.int64)
    for pair in range(len(left)):
        a = values[offsets[left[pair]] : offsets[left[pair] + 1]]
        b = values[offsets[right[pair]] : offsets[right[pair] + 1]]
        needed = int(np.ceil(threshold / (1.0 + threshold) * (len(a) + len(b)) - 1e-9))
        overlap = overlap_at_least(a, b, needed)
        counts[pair] = overlap if overlap >= 0 and overlap / (len(a) + len(b) - overlap) >= threshold else -1
    return counts
