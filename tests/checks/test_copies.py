"""Exact copies by their digests: held against a dictionary, also where digests agree in part."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tunelint.checks.duplicates import first_of_copies

PART = st.integers(0, 3)


@given(st.lists(st.tuples(PART, PART), max_size=30))
def test_every_row_gets_its_first_copy(digests: list[tuple[int, int]]) -> None:
    first: dict[tuple[int, int], int] = {}
    expected = [first.setdefault(digest, row) for row, digest in enumerate(digests)]
    assert first_of_copies(np.array(digests, dtype=np.uint64).reshape(-1, 2)).tolist() == expected


def test_digests_that_agree_in_the_first_half_are_told_apart() -> None:
    assert first_of_copies(np.array([[7, 1], [7, 2], [7, 1], [8, 2]], dtype=np.uint64)).tolist() == [0, 1, 0, 3]
