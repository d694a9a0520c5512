"""Properties of the parts: passages in common, the draw's sizes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tunelint.similarity.columns import Ragged, mix
from tunelint.similarity.words import word_hashes
from tunelint.splitting.draw import draw, quotas
from tunelint.splitting.together import shared_passages

NO_TEMPLATE = np.empty(0, np.uint64)


def windows(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=14).map(" ".join), max_size=8), st.integers(3, 6))
def test_rows_are_tied_just_when_they_have_a_run_of_words_in_common(texts, least):
    left, right = shared_passages(word_hashes(texts), NO_TEMPLATE, least)
    group = list(range(len(texts)))
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        assert windows(texts[a], least) & windows(texts[b], least)
        group = [group[a] if member == group[b] else member for member in group]
    for a, one in enumerate(texts):
        for b, other in enumerate(texts):
            if windows(one, least) & windows(other, least):
                assert group[a] == group[b]


def reachable(sizes: list[int]) -> set[int]:
    sums = {0}
    for size in sizes:
        sums |= {total + size for total in sums}
    return sums - {0, sum(sizes)}


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), st.data(), st.integers(-5, 5))
def test_the_draw_comes_as_near_as_clusters_allow(sizes, data, seed):
    cluster = np.repeat(np.arange(len(sizes)), sizes)
    wanted = data.draw(st.integers(1, len(cluster) - 1))
    strata = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(cluster), max_size=len(cluster))))
    name = mix(np.arange(len(cluster), dtype=np.uint64))
    mask = draw(cluster, strata, name, wanted, seed)
    assert all(len(set(mask[cluster == number].tolist())) == 1 for number in range(len(sizes)))
    taken, totals = int(mask.sum()), reachable(sizes)
    if taken:
        assert taken in totals
        assert abs(taken - wanted) == min(abs(total - wanted) for total in totals)
    else:
        assert min(totals) > max(len(cluster) // 2, 2 * wanted - 1)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.data())
def test_quotas_add_up_and_are_within_one_of_the_share(strata, data):
    wanted = data.draw(st.integers(1, len(strata) - 1))
    given_out = quotas(np.array(strata), wanted)
    assert sum(given_out) == wanted
    for stratum, number in enumerate(given_out):
        assert abs(number - strata.count(stratum) * wanted / len(strata)) < 1


def test_passages_are_found_in_several_rounds_too(monkeypatch):
    monkeypatch.setattr("tunelint.splitting.together._AT_A_TIME", 3)
    rows = Ragged.of([[1, 2, 3, 4, 5], [9, 2, 3, 4, 8], [7, 7, 7, 7]])
    left, right = shared_passages(rows, NO_TEMPLATE, 3)
    assert {tuple(sorted(pair)) for pair in zip(left.tolist(), right.tolist(), strict=True)} == {(0, 1)}
