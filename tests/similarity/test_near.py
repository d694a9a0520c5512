"""Joins, sketches and clusters against brute force by the definition."""

from __future__ import annotations

import random

import numpy as np
import pytest
import similarity_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from tunelint.errors import TunelintError
from tunelint.similarity import join, meetings, minhash, near
from tunelint.similarity.clusters import connected_components
from tunelint.similarity.columns import Ragged
from tunelint.similarity.fast import numba_installed
from tunelint.similarity.near import Texts, near_duplicates, near_matches
from tunelint.similarity.shingles import sets, shingles
from tunelint.similarity.templates import template_values
from tunelint.similarity.words import word_hashes

PATHS = [False, True] if numba_installed() else [False]
THRESHOLDS = st.sampled_from([0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95])
Record = tuple[str, str]


def texts_of(records: list[Record], template: np.ndarray | None = None) -> Texts:
    prompts, answers = (word_hashes([record[side] for record in records]) for side in (0, 1))
    whole = shingles(prompts, answers)
    return Texts.of(whole, template_values(whole) if template is None else template, shingles(answers), answers.lengths)


def sets_of(rows: list[list[int]]) -> Ragged:
    """Small numbers spread out like hashes."""
    return sets(Ragged.of([[value * 0x9E3779B97F4A7C15 % (1 << 64) for value in row] for row in rows]))


ROWS = st.lists(st.lists(st.integers(0, 25), max_size=14), max_size=25)


@settings(max_examples=150, deadline=None)
@given(ROWS, THRESHOLDS)
def test_the_self_join_is_brute_force(rows: list[list[int]], threshold: float) -> None:
    defined = {
        (i, j): oracle.jaccard(frozenset(rows[i]), frozenset(rows[j]))
        for j in range(len(rows))
        for i in range(j)
        if rows[i] and oracle.jaccard(frozenset(rows[i]), frozenset(rows[j])) >= threshold
    }
    for compiled in PATHS:
        pairs = join.self_join(sets_of(rows), threshold, compiled=compiled)
        assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == sorted(defined)
        assert pairs.score.tolist() == [defined[key] for key in sorted(defined)]


@settings(max_examples=150, deadline=None)
@given(ROWS, ROWS, THRESHOLDS)
def test_the_cross_join_is_brute_force(a: list[list[int]], b: list[list[int]], threshold: float) -> None:
    defined = {
        (i, j): oracle.jaccard(frozenset(a[i]), frozenset(b[j]))
        for i in range(len(a))
        for j in range(len(b))
        if a[i] and oracle.jaccard(frozenset(a[i]), frozenset(b[j])) >= threshold
    }
    for compiled in PATHS:
        pairs = join.cross_join(sets_of(a), sets_of(b), threshold, compiled=compiled)
        assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == sorted(defined)
        assert pairs.score.tolist() == [defined[key] for key in sorted(defined)]


def family(size: int, seed: int, *, words: int = 60, edits: float = 0.1) -> list[list[int]]:
    """Edited copies of a few rows among unrelated ones."""
    random_ = random.Random(seed)
    rows = [[random_.randrange(10**6) for _ in range(words)] for _ in range(size // 3)]
    while len(rows) < size:
        copy = list(random_.choice(rows))
        for _ in range(random_.randrange(int(words * edits * 2) + 1)):
            copy[random_.randrange(words)] = random_.randrange(10**6)
        rows.append(copy)
    return rows


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9, 0.95])
def test_the_sketch_misses_hardly_a_pair_and_invents_none(threshold: float) -> None:
    rows = sets_of(family(1500, 7))
    exact = join.self_join(rows, threshold, compiled=False)
    left, right = minhash.candidate_pairs(rows, threshold)
    score = join.similarities(rows, rows, left, right, compiled=False)
    found = set(zip(left[score >= threshold].tolist(), right[score >= threshold].tolist(), strict=True))
    wanted = set(zip(exact.left.tolist(), exact.right.tolist(), strict=True))
    assert len(wanted) > 150
    assert found <= wanted
    assert len(found) >= 0.99 * len(wanted)


def test_a_crowded_bucket_costs_a_star_not_all_pairs() -> None:
    rows = sets_of([[*range(40), 100 + i] for i in range(2000)])
    left, right = minhash.candidate_pairs(rows, 0.8)
    assert len(left) < 30 * 2000
    assert np.all(connected_components(2000, left, right) == 0)


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
def test_bands_hardly_miss_a_pair_at_the_threshold(threshold: float) -> None:
    bands, length = minhash.bands_for(threshold)
    assert bands * length <= minhash.PERMUTATIONS
    assert (1 - threshold**length) ** bands <= 0.005


WORDS = ["a", "b", "c", "d", "e", "f"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
TEMPLATES = ["", "you are a helpful assistant please classify this text", "x"]


@st.composite
def record_sets(draw: st.DrawFn) -> list[Record]:
    """50 to 60 records from few prompts and answers, most of them inside a template."""
    prompts = draw(st.lists(TEXT, min_size=1, max_size=12))
    answers = draw(st.lists(TEXT, min_size=1, max_size=6))
    prefix = draw(st.sampled_from(TEMPLATES))
    size = draw(st.integers(3, 60))
    random_ = random.Random(draw(st.integers(0, 1 << 16)))
    records = []
    for _ in range(size):
        framed = prefix if random_.random() < 0.8 else ""
        tail = f"u{random_.randrange(200)}" if random_.random() < 0.7 else ""
        records.append((f"{framed} {random_.choice(prompts)} {tail}", random_.choice(answers)))
    return records


@settings(max_examples=60, deadline=None)
@given(record_sets(), THRESHOLDS)
def test_clusters_follow_the_definition(records: list[Record], threshold: float) -> None:
    defined = oracle.clusters(records, threshold)
    boilerplate = oracle.template([oracle.shingles(*record) for record in records])
    for compiled in PATHS:
        found = near_duplicates(texts_of(records), threshold, compiled=compiled)
        assert found.exact
        for row, (first, partner, score) in enumerate(defined):
            assert found.first[row] == first
            assert found.partner[row] == partner
            assert np.isnan(found.score[row]) if partner < 0 else found.score[row] == score
            if first != row:
                assert found.first_score[row] == oracle.similarity(records[first], records[row], boilerplate, threshold)
        assert found.later.tolist() == [row for row, (first, *_) in enumerate(defined) if first != row]


@settings(max_examples=60, deadline=None)
@given(record_sets(), record_sets(), THRESHOLDS)
def test_matches_follow_the_definition(evals: list[Record], train: list[Record], threshold: float) -> None:
    boilerplate = oracle.template([oracle.shingles(*record) for record in evals + train])
    both = texts_of(evals + train)
    template = template_values(both.whole)
    for compiled in PATHS:
        found = near_matches(texts_of(evals, template), texts_of(train, template), threshold, compiled=compiled)
        matched = []
        for row, record in enumerate(evals):
            scores = [oracle.similarity(record, other, boilerplate, threshold) for other in train]
            wanted = sorted((-score, other) for other, score in enumerate(scores) if score >= threshold)
            rows, similarity = found.of(row)
            assert list(zip((-similarity).tolist(), rows.tolist(), strict=True)) == wanted
            if wanted:
                matched.append(row)
        assert found.matched.tolist() == matched


def templated(count: int, seed: int = 0) -> list[Record]:
    random_ = random.Random(seed)
    frame = "Read the following customer message carefully and answer with the single best matching category for it"
    return [(f"{frame} item{random_.randrange(10**9)}", "Refund") for _ in range(count)]


def test_prompts_of_one_template_that_differ_in_the_word_that_matters_are_not_duplicates() -> None:
    assert len(near_duplicates(texts_of(templated(60)), 0.8).later) == 0
    assert len(near_duplicates(texts_of(templated(40)), 0.7).later) == 39  # fewer than 50 records have no template


def test_a_long_answer_that_repeats_inside_a_template_is_still_found() -> None:
    records = templated(60)
    reply = "We are sorry to hear that your parcel arrived damaged and will send a new one within two working days"
    records[20] = (records[20][0], reply)
    records[41] = (records[41][0], reply)
    found = near_duplicates(texts_of(records), 0.8)
    assert found.later.tolist() == [41]
    assert found.partner[41] == 20


@pytest.mark.parametrize("compiled", PATHS)
def test_the_sketch_engine_finds_the_clusters_too(compiled: bool) -> None:
    random_ = random.Random(3)
    vocabulary = [f"w{i}" for i in range(3000)]
    records = [(" ".join(random_.choices(vocabulary, k=60)), "") for _ in range(200)]
    for i in range(100):
        copy = records[i][0].split()
        copy[30] = "changed"
        records.append((" ".join(copy), ""))
    exact = near_duplicates(texts_of(records), 0.8, engine="exact", compiled=compiled)
    sketch = near_duplicates(texts_of(records), 0.8, engine="sketch", compiled=compiled)
    assert exact.exact
    assert not sketch.exact
    assert len(exact.later) == 100
    assert np.mean(exact.first == sketch.first) > 0.99
    matches = near_matches(texts_of(records[200:]), texts_of(records[:200]), 0.8, engine="sketch", compiled=compiled)
    assert [matches.of(row)[0].tolist() for row in matches.matched] == [[row] for row in matches.matched]
    assert len(matches.matched) >= 99


def test_too_many_meetings_turn_the_join_into_a_sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [(f"one two three four five six seven eight nine ten eleven {i}", "") for i in range(30)]
    assert near_duplicates(texts_of(records), 0.8).exact
    monkeypatch.setattr(near, "MOST_VISITS", 10)
    found = near_duplicates(texts_of(records), 0.8)
    assert not found.exact
    assert len(found.later) == 29


def test_no_rows_and_wordless_rows() -> None:
    assert len(near_duplicates(texts_of([]), 0.8).first) == 0
    found = near_duplicates(texts_of([("", ""), ("...", "!"), ("", "")]), 0.8)
    assert len(found.later) == 0
    assert len(near_matches(texts_of([("", "")]), texts_of([]), 0.8).matched) == 0


@pytest.mark.parametrize("threshold", [0.0, 0.49, 0.96, 1.0, float("nan")])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(TunelintError, match=r"between 0\.5 and 0\.95"):
        near_duplicates(texts_of([("a", "b")]), threshold)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_components_are_those_of_a_flood_fill(edges: list[tuple[int, int]]) -> None:
    left, right = (np.array([min(e) for e in edges], dtype=np.int64), np.array([max(e) for e in edges], dtype=np.int64))
    found = connected_components(31, left, right)
    lowest = list(range(31))
    for _ in range(31):
        for a, b in edges:
            lowest[a] = lowest[b] = min(lowest[a], lowest[b])
    assert found.tolist() == lowest


def test_clusters_do_not_depend_on_the_order_beyond_who_is_first() -> None:
    records = [(" ".join(map(str, row)), "") for row in family(120, 5, words=30)]
    order = random.Random(1).sample(range(len(records)), len(records))
    straight = near_duplicates(texts_of(records), 0.7).first
    shuffled = near_duplicates(texts_of([records[i] for i in order]), 0.7).first
    groups = {frozenset(np.flatnonzero(straight == f).tolist()) for f in set(straight.tolist())}
    regrouped = {frozenset(order[i] for i in np.flatnonzero(shuffled == f)) for f in set(shuffled.tolist())}
    assert groups == regrouped


@pytest.mark.parametrize("compiled", PATHS)
def test_crowded_lists_are_joined_in_batches(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    chance = np.random.default_rng(5)
    few = np.sort(chance.integers(0, 2**64, 14, dtype=np.uint64))
    rows = Ragged.of([np.sort(chance.choice(few, chance.integers(1, 12), replace=False)) for _ in range(300)])
    at_once = [join.self_join(rows, 0.6, compiled=compiled), join.cross_join(rows.rows(0, 100), rows.rows(100, 300), 0.6, compiled=compiled)]
    for name, small in (("BATCH", 64), ("USUAL", 0), ("KEPT", 16), ("MET", 8), ("PART", 32), ("DEALT", 64)):
        monkeypatch.setattr(meetings, name, small)
    in_batches = [join.self_join(rows, 0.6, compiled=compiled), join.cross_join(rows.rows(0, 100), rows.rows(100, 300), 0.6, compiled=compiled)]
    assert len(at_once[0].left) > 50
    for one, other in zip(at_once, in_batches, strict=True):
        assert all(map(np.array_equal, one, other))
