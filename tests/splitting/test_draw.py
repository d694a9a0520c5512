"""Properties of the draw: sizes and quotas."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tunelint.similarity.columns import mix
from tunelint.splitting.draw import draw, quotas


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
