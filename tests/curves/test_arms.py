"""The interval of the difference between two arms covers the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from tunelint.curves.arms import compare
from tunelint.errors import TunelintError


@pytest.mark.parametrize(("seed_noise", "row_noise"), [(0.05, 0.0), (0.0, 0.3), (0.03, 0.3)])
def test_the_interval_covers_the_true_difference(seed_noise, row_noise):
    draw = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        rows = 2.0 + draw.normal(0, 0.5, 40)
        effect = 0.1 + draw.normal(0, row_noise, 40)
        second = rows + draw.normal(0, 0.05, (3, 40))
        first = rows + effect + draw.normal(0, seed_noise, (3, 1)) + draw.normal(0, 0.05, (3, 40))
        result = compare(first, second)
        covered += result.low <= 0.1 <= result.high
    assert covered >= 0.85 * 400


def test_equal_arms_show_no_difference_and_clear_ones_do():
    draw = np.random.default_rng(2)
    rows = draw.normal(2, 0.5, 50)
    first, second = rows + draw.normal(0, 0.05, (3, 50)), rows + draw.normal(0, 0.05, (3, 50))
    assert not compare(first, second).shown
    clear = compare(first + 1.0, second)
    assert clear.shown
    assert clear.low > 0.8
    assert compare(first, first).difference == 0


def test_too_little_or_broken_is_refused():
    good = np.ones((3, 10))
    for first, second in ((good[:2], good[:2]), (good[:, :1], good[:, :1]), (good, good[:, :5]), (good * np.nan, good)):
        with pytest.raises(TunelintError):
            compare(first, second)
