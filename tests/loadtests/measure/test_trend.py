"""Lines through independent values agree with scipy; like neighbours make them doubtful."""

import numpy as np
import pytest
from scipy import stats

from loadtests.measure.trend import grows, trend


def test_independent_values_give_the_ordinary_regression() -> None:
    values = [3.0, 9.0, 4.0, 8.0, 3.5, 9.5, 5.0, 9.0, 4.5, 8.5, 6.0, 9.5]
    line = stats.linregress(range(12), values)
    found = trend(values)
    assert found.freedom == 10  # neighbours differ: none the less no more than n values
    assert found.rise == pytest.approx(11 * line.slope)
    assert found.error == pytest.approx(11 * line.stderr)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.exceeds(0) is bool(line.pvalue / 2 < 0.05)


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.8])
def test_values_without_a_trend_seldom_show_one(alike: float) -> None:
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(300):
        noise, values = rng.normal(size=130), np.zeros(130)
        for i in range(1, 130):
            values[i] = alike * values[i - 1] + noise[i]
        found += trend(list(values[100:])).exceeds(0)
    assert found <= 0.09 * 300


def test_a_trend_in_like_values_is_found() -> None:
    rng = np.random.default_rng(9)
    rising = (list(rng.normal(size=30) + 0.15 * np.arange(30)) for _ in range(100))
    assert sum(trend(values).exceeds(0) for values in rising) >= 95


def test_a_straight_line_and_a_constant() -> None:
    assert trend([1.0, 2.0, 3.0, 4.0, 5.0]).exceeds(3.99)
    assert not trend([1.0, 2.0, 3.0, 4.0, 5.0]).exceeds(4.01)
    assert not trend([7.0] * 12).exceeds(0)


def test_too_few_independent_values_show_nothing() -> None:
    assert trend([1.0, 2.0, 4.0]).freedom <= 1
    steps = [0.0] * 15 + [100.0] * 15
    assert not trend(steps[:4]).exceeds(0)


def test_a_walk_with_a_drift_grows_though_its_line_tells_little() -> None:
    rng = np.random.default_rng(10)
    walks = [list(np.cumsum(rng.normal(0.8, 1, size=20))) for _ in range(200)]
    assert sum(trend(walk).exceeds(0) for walk in walks) <= 150
    assert sum(grows(walk) for walk in walks) >= 180
    still = [list(rng.normal(size=20)) for _ in range(200)]
    assert sum(grows(values) for values in still) <= 20


def test_what_falls_or_stays_does_not_grow() -> None:
    assert grows([1.0, 2.0, 3.0, 4.0])
    assert not grows([4.0, 3.0, 2.0, 1.0])
    assert not grows([5.0] * 6)
