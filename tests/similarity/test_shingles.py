"""Shingles, columns and the template discount against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from similarity_oracle import shingles as shingles_by_definition
from similarity_oracle import template as template_by_definition

from tunelint.similarity import columns
from tunelint.similarity.columns import Ragged, row_digests
from tunelint.similarity.fast import numba_installed
from tunelint.similarity.shingles import sets, shingle_sequence, shingles
from tunelint.similarity.templates import discounted, in_template, template_values
from tunelint.similarity.words import word_hashes

PATHS = [False, True] if numba_installed() else [False]
TEXTS = st.lists(st.text("abc 我", max_size=25), max_size=12)


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS)
def test_shingles_of_records_run_across_the_joint(prompts: list[str], answers: list[str]) -> None:
    size = min(len(prompts), len(answers))
    prompts, answers = prompts[:size], answers[:size]
    words = word_hashes(prompts), word_hashes(answers)
    defined = [shingles_by_definition(*record) for record in zip(prompts, answers, strict=True)]
    for compiled in PATHS:
        rows = shingles(*words, compiled=compiled)
        assert rows.lengths.tolist() == [len(record) for record in defined]
        for i in range(size):
            assert np.all(np.diff(rows.row(i).astype(object)) > 0)
            for j in range(i):
                common = len(set(rows.row(i).tolist()) & set(rows.row(j).tolist()))
                assert common == len(defined[i] & defined[j])


def test_short_texts_are_one_shingle_and_empty_ones_none() -> None:
    rows = shingles(word_hashes(["a b", "a b.", "a", "b a", "", "a b c", "!"]))
    assert rows.lengths.tolist() == [1, 1, 1, 1, 0, 1, 0]
    values = [rows.row(i).tolist() for i in range(7)]
    assert values[0] == values[1]
    assert len({tuple(value) for value in values}) == 5


def test_the_sequence_keeps_order_and_repetitions() -> None:
    words = word_hashes(["a b c a b c", "x"])
    sequence = shingle_sequence(words)
    assert sequence.lengths.tolist() == [4, 1]
    assert sequence.row(0)[0] == sequence.row(0)[3]
    assert set(sequence.values.tolist()) == set(shingles(words).values.tolist())


@pytest.mark.parametrize("compiled", PATHS)
@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, (1 << 64) - 1), max_size=40), max_size=10))
def test_sets_sort_any_values(compiled: bool, rows: list[list[int]]) -> None:
    found = sets(Ragged.of(rows), compiled=compiled)
    assert [found.row(i).tolist() for i in range(len(rows))] == [sorted(set(row)) for row in rows]


def test_equal_rows_have_equal_digests() -> None:
    rows = Ragged.of([[1, 2, 3], [3, 2, 1], [], [1, 2, 3], [1, 2], [0], [0, 0], []])
    ordered, unordered = row_digests(rows), row_digests(rows, ordered=False)
    assert ordered[0] == ordered[3]
    assert ordered[0] != ordered[1]
    assert unordered[0] == unordered[1] == unordered[3]
    assert ordered[2] == ordered[7] == 0
    assert len({int(value) for value in ordered}) == 6


RECORDS = st.lists(st.lists(st.integers(0, 12), max_size=5, unique=True), min_size=40, max_size=60)


@settings(max_examples=100, deadline=None)
@given(RECORDS)
def test_template_values_follow_the_definition(records: list[list[int]]) -> None:
    rows = sets(Ragged.of(records))
    defined = template_by_definition([frozenset((str(value),) for value in record) for record in records])
    template = template_values(rows)
    assert {(str(value),) for value in template.tolist()} == defined
    kept = discounted(rows, template)
    for i, record in enumerate(records):
        left = {value for value in record if (str(value),) not in defined}
        assert set(kept.row(i).tolist()) == (left or set(record))
    assert in_template(rows.values, template).tolist() == [(str(v),) in defined for v in rows.values.tolist()]


def test_exact_copies_count_for_the_template() -> None:
    rows = Ragged.of([[1, 2], [1, 3], [4]])
    assert template_values(rows, np.array([40, 9, 0])).tolist() == []
    assert template_values(rows, np.array([5, 5, 40])).tolist() == [4]
    assert template_values(rows, np.array([6, 5, 39])).tolist() == [1, 4]


def test_digests_do_not_depend_on_the_block_a_row_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    rows = Ragged.of([chance.integers(0, 50, size=chance.integers(0, 9)) for _ in range(200)])
    whole = row_digests(rows), row_digests(rows, ordered=False)
    monkeypatch.setattr(columns, "BLOCK", 10)
    assert np.array_equal(row_digests(rows), whole[0])
    assert np.array_equal(row_digests(rows, ordered=False), whole[1])
    alone = [row_digests(Ragged.of([rows.row(i)]))[0] for i in range(200)]
    assert whole[0].tolist() == [int(digest) for digest in alone]


def test_shingles_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(4)
    sides = [Ragged.of([chance.integers(0, 5, size=chance.integers(0, 7)) for _ in range(60)]) for _ in range(2)]
    whole = [shingles(sides[0], compiled=False), shingles(*sides, compiled=False)]
    monkeypatch.setattr(columns, "BLOCK", 9)
    for rows, wanted in zip([shingles(sides[0], compiled=False), shingles(*sides, compiled=False)], whole, strict=True):
        assert np.array_equal(rows.values, wanted.values)
        assert np.array_equal(rows.offsets, wanted.offsets)
