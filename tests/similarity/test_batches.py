"""Rows in pieces are the rows in one piece, for whoever reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.similarity import columns, prefixes
from tunelint.similarity.batches import Batches, blocks
from tunelint.similarity.columns import Ragged
from tunelint.similarity.fast import numba_installed
from tunelint.similarity.shingles import shingles
from tunelint.similarity.templates import template_values

PATHS = [False, True] if numba_installed() else [False]
PARTS = st.lists(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=5), min_size=1, max_size=6)


def batches_of(parts: list[list[list[int]]]) -> Batches:
    return Batches(tuple(Ragged.of(part) for part in parts))


def as_lists(rows: Ragged) -> list[list[int]]:
    return [rows.row(i).tolist() for i in range(len(rows))]


@settings(max_examples=200, deadline=None)
@given(PARTS, st.data())
def test_rows_are_those_of_the_parts_one_after_the_other(parts: list[list[list[int]]], data: st.DataObject) -> None:
    batches, whole = batches_of(parts), [row for part in parts for row in part]
    assert len(batches) == len(whole)
    assert batches.lengths.tolist() == [len(row) for row in whole]
    assert as_lists(batches.flat()) == whole
    asked = data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=12)) if whole else []
    if asked:
        assert as_lists(batches.take(asked)) == [whole[i] for i in asked]
        assert as_lists(batches.take(sorted(set(asked)))) == [whole[i] for i in sorted(set(asked))]
        first, last = min(asked), max(asked) + 1
        assert as_lists(batches.rows(first, last)) == whole[first:last]


@settings(max_examples=100, deadline=None)
@given(PARTS, st.data())
def test_shingles_of_some_rows_in_pieces(parts: list[list[list[int]]], data: st.DataObject) -> None:
    words, answers = batches_of(parts), batches_of([[row[::-1] for row in part] for part in parts])
    rows = np.array(data.draw(st.permutations(range(len(words)))), dtype=np.int64)[: data.draw(st.integers(0, len(words)))]
    usual = columns.BLOCK
    for compiled in PATHS:
        for sides in ((words,), (words, answers)):
            flat = shingles(*(side.flat() for side in sides), compiled=compiled)
            columns.BLOCK = 7
            try:
                assert as_lists(shingles(*sides, compiled=compiled)) == as_lists(flat)
                assert as_lists(shingles(*sides, rows=rows, compiled=compiled)) == [as_lists(flat)[row] for row in rows]
            finally:
                columns.BLOCK = usual


@settings(max_examples=100, deadline=None)
@given(PARTS, st.data())
def test_template_values_of_pieces_with_their_copies(parts: list[list[list[int]]], data: st.DataObject) -> None:
    sets = [[sorted(set(row)) for row in part] for part in parts]
    batches, rows = batches_of(sets), [row for part in sets for row in part]
    counts = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(rows), max_size=len(rows))), dtype=np.int64)
    total = sum(int(count) for row, count in zip(rows, counts, strict=True) if row)
    seen: dict[int, int] = {}
    for row, count in zip(rows, counts.tolist(), strict=True):
        for value in row:
            seen[value] = seen.get(value, 0) + count
    frequent = sorted(value for value, count in seen.items() if count > 0.2 * total) if total >= 5 else []
    for given_rows in (batches, batches.flat()):
        assert template_values(given_rows, counts, minimum=5).tolist() == frequent


def test_blocks_are_whole_rows_with_their_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "BLOCK", 4)
    batches = batches_of([[[1, 2], [3], [4, 5, 6]], [], [[7] * 9, []], [[8]]])
    found = [(values.tolist(), None if weights is None else weights.tolist()) for values, weights in blocks(batches, np.arange(6))]
    assert [value for values, _ in found for value in values] == [1, 2, 3, 4, 5, 6, *[7] * 9, 8]
    assert [weight for _, weights in found for weight in weights or []] == [0, 0, 1, 2, 2, 2, *[3] * 9, 5]
    assert max(len(values) for values, _ in found) == 9


@pytest.mark.parametrize("compiled", PATHS)
def test_a_crowded_slot_is_full_and_never_begins_anew(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    values = np.array([*[5] * 70_000, *[6] * 3, 7], dtype=np.uint64)
    assert prefixes.rarities(values, 256, compiled)[5] == 60  # 4 log2 of the 32,768 that a slot counts to
    monkeypatch.setattr(prefixes, "SATURATED", 64)
    rarity = prefixes.rarities(values, 256, compiled)
    assert rarity[[5, 6, 7, 8]].tolist() == [24, 6, 0, 0]  # 4 log2 of 64, 3, 1 and of none
