"""The gain of one configuration over another, by a t-test that scipy and a hand both do."""

import math
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from loadtests.planning.gain import gain


def test_the_interval_is_that_of_the_ratio_of_two_log_normal_samples() -> None:
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(400):
        one, other = 1300 * random.lognormal(0, 0.03, 3), 1000 * random.lognormal(0, 0.03, 3)
        _, interval = gain(one.tolist(), other.tolist())
        assert interval is not None
        covered += interval[0] <= 0.3 <= interval[1]
    assert 0.92 <= covered / 400 <= 0.985


def test_by_hand() -> None:
    one, other = [110.0, 112.0, 108.0], [100.0, 101.0, 99.0]
    ratio, interval = gain(one, other)
    assert ratio == pytest.approx(fmean(one) / 100 - 1)
    a, b = np.log(one), np.log(other)
    variances = a.var(ddof=1) / 3, b.var(ddof=1) / 3
    freedom = sum(variances) ** 2 / sum(each**2 / 2 for each in variances)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(variances))
    middle = a.mean() - b.mean()
    assert interval == pytest.approx((math.expm1(middle - half), math.expm1(middle + half)))


def test_without_repeats_there_is_no_interval() -> None:
    assert gain([120.0], [100.0, 101.0])[1] is None
    ratio, interval = gain([120.0, 120.0], [100.0, 100.0])
    assert (ratio, *(interval or ())) == pytest.approx((0.2, 0.2, 0.2))
