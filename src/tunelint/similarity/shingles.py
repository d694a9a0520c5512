"""Shingles: every three consecutive words of a text, as sorted columns of 64-bit hashes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tunelint.similarity import fast
from tunelint.similarity.batches import Batches
from tunelint.similarity.columns import Indices, Ragged, mix, offsets_of, row_blocks

SHINGLE_WORDS = 3
FACTORS = (np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F), np.uint64(0xE7037ED1A0B428DB))


def one_sequence(prompts: Ragged, answers: Ragged) -> Ragged:
    """The words of each record, of its prompt and then of its answer, so that shingles run across the joint."""
    both = np.stack((prompts.lengths, answers.lengths), axis=1)
    of_prompt = np.repeat(np.tile([True, False], len(prompts)), both.reshape(-1))
    values = np.empty(len(of_prompt), dtype=np.uint64)
    values[of_prompt] = prompts.values
    values[~of_prompt] = answers.values
    return Ragged(values, offsets_of(both.sum(axis=1)))


def shingles(
    words: Ragged | Batches, answers: Ragged | Batches | None = None, *, rows: Indices | None = None, compiled: bool | None = None
) -> Ragged:
    """The set of shingles of each text, sorted, from its word hashes; with `answers`, of `one_sequence` of both.

    A text of one or two words is one shingle; a text without a word has none. `rows` (n,) says which texts, and in which
    order (default: all). They are read some at a time, so that no second copy of the words is ever made.
    """
    lengths = words.lengths if rows is None else words.lengths[rows]
    kernels = fast.kernels(compiled, int(lengths.sum()))
    if answers is not None:
        lengths = lengths + (answers.lengths if rows is None else answers.lengths[rows])
    offsets = offsets_of(lengths)
    values, sizes, written = np.empty(offsets[-1], np.uint64), np.zeros(len(lengths), np.int64), 0
    for first, last in row_blocks(offsets):
        prompts = _block(words, rows, first, last)
        replies = _nothing(last - first) if answers is None else _block(answers, rows, first, last)
        if kernels is None:
            block = sets(shingle_sequence(prompts if answers is None else one_sequence(prompts, replies)), compiled=False)
            values[written : written + len(block.values)] = block.values
            sizes[first:last] = block.lengths
        else:
            columns = prompts.values, prompts.offsets, replies.values, replies.offsets
            sizes[first:last] = kernels.shingle_sets(*columns, np.array(FACTORS), values[written:])
        written += int(sizes[first:last].sum())
    return Ragged(values[:written], offsets_of(sizes))


def _block(words: Ragged | Batches, rows: Indices | None, first: int, last: int) -> Ragged:
    return words.rows(first, last) if rows is None else words.take(rows[first:last])


def _nothing(rows: int) -> Ragged:
    return Ragged(np.empty(0, np.uint64), np.zeros(rows + 1, np.int64))


def shingle_sequence(words: Ragged) -> Ragged:
    """The shingles of each text in the order of the text, repetitions kept."""
    lengths, starts = words.lengths, words.offsets[:-1]
    counts: Indices = np.maximum(lengths - (SHINGLE_WORDS - 1), np.minimum(lengths, 1))
    padded = np.concatenate((words.values, np.zeros(SHINGLE_WORDS - 1, dtype=np.uint64)))
    total = len(words.values)
    sums = padded[:total] * FACTORS[0]
    sums += padded[1 : total + 1] * FACTORS[1]
    sums += padded[2 : total + 2] * FACTORS[2]
    for length in (1, 2):  # the missing words of a short text count as 0
        first = starts[lengths == length]
        sums[first] = padded[first] * FACTORS[0] + (padded[first + 1] * FACTORS[1] if length == 2 else np.uint64(0))
    keep = np.ones(total, dtype=bool)
    for from_end in range(1, SHINGLE_WORDS):
        long_enough = lengths > from_end
        keep[starts[long_enough] + lengths[long_enough] - from_end] = False
    return Ragged(mix(sums[keep]), offsets_of(counts))


def sets(rows: Ragged, *, compiled: bool | None = None) -> Ragged:
    """Each row of hashes sorted, every value once."""
    kernels = fast.kernels(compiled, len(rows.values))
    if kernels is not None:
        values, lengths = kernels.sorted_sets(rows.values, rows.offsets)
        return Ragged(values, offsets_of(lengths))
    values = rows.values.copy()
    bounds = rows.offsets.tolist()
    for begin, end in pairwise(bounds):
        values[begin:end].sort()
    keep = np.ones(len(values), dtype=bool)
    keep[1:] = values[1:] != values[:-1]
    keep[rows.offsets[:-1][rows.lengths > 0]] = True
    return Ragged(values, rows.offsets).where(keep)
