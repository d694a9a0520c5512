"""Shingles: every three consecutive words of a text, as sorted columns of 64-bit hashes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tunelint.similarity import fast
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


def shingles(words: Ragged, answers: Ragged | None = None, *, compiled: bool | None = None) -> Ragged:
    """The set of shingles of each text, sorted, from its word hashes; with `answers`, of `one_sequence` of both.

    A text of one or two words is one shingle; a text without a word has none.
    """
    kernels = fast.kernels(compiled, len(words.values))
    if kernels is None:
        offsets = words.offsets if answers is None else words.offsets + answers.offsets
        values, lengths = np.empty(offsets[-1], np.uint64), np.zeros(len(words), np.int64)
        written = 0
        for first, last in row_blocks(offsets):
            prompts = words.rows(first, last)
            sequence = prompts if answers is None else one_sequence(prompts, answers.rows(first, last))
            block = sets(shingle_sequence(sequence), compiled=False)
            values[written : written + len(block.values)] = block.values
            lengths[first:last] = block.lengths
            written += len(block.values)
        return Ragged(values[:written], offsets_of(lengths))
    if answers is None:
        answers = Ragged(np.empty(0, np.uint64), np.zeros(len(words) + 1, np.int64))
    values = np.empty(len(words.values) + len(answers.values), np.uint64)
    lengths = kernels.shingle_sets(words.values, words.offsets, answers.values, answers.offsets, np.array(FACTORS), values)
    offsets = offsets_of(lengths)
    return Ragged(values[: offsets[-1]], offsets)


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
