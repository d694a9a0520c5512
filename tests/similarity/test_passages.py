"""Shared passages and words outside the template, against their definitions."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import similarity_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.similarity import columns, passages
from tunelint.similarity.columns import Indices, Ragged
from tunelint.similarity.passages import shared_passages, tied_by_passages
from tunelint.similarity.rolling import Prefixes
from tunelint.similarity.shingles import shingles
from tunelint.similarity.templates import outside_template, template_values
from tunelint.similarity.words import word_hashes

SEQUENCES = st.lists(st.lists(st.integers(0, 3), max_size=20), max_size=6)


def longest_common_run(a: list[int], b: list[int]) -> tuple[int, int]:
    """(length, first start in a) of the longest run of a that b contains."""
    best = (0, 0)
    for start in range(len(a)):
        for end in range(start + best[0] + 1, len(a) + 1):
            run = a[start:end]
            if not any(b[i : i + len(run)] == run for i in range(len(b) - len(run) + 1)):
                break
            best = (len(run), start)
    return best


@settings(max_examples=150, deadline=None)
@given(SEQUENCES, SEQUENCES, st.integers(1, 6))
def test_passages_are_the_longest_common_runs(evals: list[list[int]], train: list[list[int]], least: int) -> None:
    found = shared_passages(Ragged.of(evals), Ragged.of(train), least)
    rows = zip(found.left.tolist(), found.right.tolist(), found.length.tolist(), strict=True)
    wanted = []
    for i, a in enumerate(evals):
        for j, b in enumerate(train):
            length, _ = longest_common_run(a, b)
            if length >= least:
                wanted.append((i, j, length))
    assert list(rows) == sorted(wanted, key=lambda pair: (pair[0], -pair[2], pair[1]))


REPEATED = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), max_size=5).map(
    lambda runs: [word for word, times in runs for _ in range(times)]
)
REPETITIVE = st.lists(REPEATED, max_size=5)


@settings(max_examples=150, deadline=None)
@given(REPETITIVE, REPETITIVE, st.integers(1, 6), st.sampled_from([1, 7, 1 << 17]), st.sampled_from([1, 5, 1 << 20]))
def test_repeated_words_and_small_blocks(evals: list[list[int]], train: list[list[int]], least: int, block: int, at_a_time: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "BLOCK", block)
        patch.setattr(passages, "MEETINGS", at_a_time)
        found = shared_passages(Ragged.of(evals), Ragged.of(train), least)
    longest = {(i, j): longest_common_run(a, b)[0] for i, a in enumerate(evals) for j, b in enumerate(train)}
    wanted = sorted((i, -length, j) for (i, j), length in longest.items() if length >= least)
    assert list(zip(found.left.tolist(), (-found.length).tolist(), found.right.tolist(), strict=True)) == wanted


def test_a_repeated_word_begins_few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    extended = []
    within = passages.common_lengths

    def counting(own: Prefixes, at: Indices, *others: Any) -> Indices:
        extended.append(len(at))
        return within(own, at, *others)

    monkeypatch.setattr(passages, "common_lengths", counting)
    found = shared_passages(Ragged.of([[7] * 20_000 + [1, 2, 3]]), Ragged.of([[4] + [7] * 20_000]), 48)
    assert (found.left.tolist(), found.right.tolist(), found.length.tolist()) == ([0], [0], [20_000])
    assert 0 < sum(extended) <= 40_000  # 20,000 windows meet 20,000: it is the rows' beginnings that are looked at, not all of them


def test_blocks_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(4)
    rows = [[chance.randrange(5) for _ in range(chance.randrange(30))] for _ in range(60)]
    evals, train = Ragged.of(rows[:10]), Ragged.of(rows[10:])
    whole = shared_passages(evals, train, 4)
    monkeypatch.setattr(columns, "BLOCK", 37)
    cut = shared_passages(evals, train, 4)
    assert len(whole.left) > 50
    for field in ("left", "right", "length"):
        assert np.array_equal(getattr(whole, field), getattr(cut, field))


def test_a_passage_of_49_words_is_none_and_of_50_is_one() -> None:
    words = [f"w{i}" for i in range(50)]
    evals = word_hashes([f"before {' '.join(words)} after", f"other {' '.join(words[:49])} end"])
    train = word_hashes([f"Context. {' '.join(words).upper()}! What is this?"])
    found = shared_passages(evals, train)
    assert (found.left.tolist(), found.right.tolist(), found.length.tolist()) == ([0], [0], [50])


def test_words_outside_the_template() -> None:
    frame = "please read the note below and sort it"
    texts = [f"{frame} item{i} is broken" for i in range(60)] + [frame]
    words = word_hashes(texts)
    template = template_values(shingles(words))
    keep = outside_template(words, template)
    kept = [keep[words.offsets[i] : words.offsets[i + 1]].tolist() for i in range(len(texts))]
    # "sort it item7" is no template text, so "sort it" stays with the word that matters.
    assert kept[7] == [False] * 6 + [True] * 5
    assert kept[60] == [True] * 8
    assert oracle.template([oracle.shingles(text) for text in texts]) == {tuple(frame.split()[i : i + 3]) for i in range(6)}


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), max_size=14), max_size=8), st.integers(1, 6), st.sampled_from([3, 1 << 24]))
def test_rows_are_tied_just_when_they_have_a_run_in_common(rows: list[list[int]], least: int, at_a_time: int) -> None:
    def runs(row: list[int]) -> set[tuple[int, ...]]:
        return {tuple(row[at : at + least]) for at in range(len(row) - least + 1)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "WINDOWS", at_a_time)
        left, right = tied_by_passages(Ragged.of(rows), least)
    group = list(range(len(rows)))
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        assert runs(rows[a]) & runs(rows[b])
        group = [group[a] if member == group[b] else member for member in group]
    for a, one in enumerate(rows):
        assert all(group[a] == group[b] for b, other in enumerate(rows) if runs(one) & runs(other))
