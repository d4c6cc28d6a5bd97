"""Counts above a level, and levels of a share, agree with the values themselves."""

import numpy as np
import pytest

from loadtests.measure.levels import count_above, mean_us, value_at
from loadtests.measure.window import new_histogram


def test_they_agree_with_the_raw_values() -> None:
    values = np.random.default_rng(4).lognormal(9, 1.5, 20_000).astype(int) + 1
    histogram = new_histogram()
    for value in values:
        histogram.record_value(int(value))
    assert mean_us(histogram) == pytest.approx(values.mean(), rel=1e-3)
    for level in (1, 700, 8_000, 25_000, 400_000):
        near = (values > level * 0.999).sum() - (values > level * 1.001).sum()
        assert abs(count_above(histogram, level) - (values > level).sum()) <= near
    for share in (0.0, 0.5, 0.9, 0.99, 0.9999, 1.0):
        expected = np.quantile(values, share, method="inverted_cdf")
        assert value_at(histogram, share) == pytest.approx(expected, rel=1e-3)


def test_what_equals_the_level_is_not_above_it() -> None:
    histogram = new_histogram()
    histogram.record_value(25_000, 7)
    assert (count_above(histogram, 24_900), count_above(histogram, 25_000)) == (7, 0)


def test_an_empty_histogram() -> None:
    assert count_above(new_histogram(), 1) == 0
    assert value_at(new_histogram(), 0.99) == 0
    assert mean_us(new_histogram()) == 0
