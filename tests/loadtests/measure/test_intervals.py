"""Intervals cover what they should, as often as they say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from loadtests.measure.intervals import goodput_interval, latency_interval, mean_interval
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import alike, window


def test_repeats_have_the_interval_of_student() -> None:
    values = [9980.0, 10_110.0, 10_050.0, 9_900.0, 10_020.0]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert mean_interval(values) == pytest.approx((low, high))


def test_one_value_has_no_interval() -> None:
    assert mean_interval([5.0]) is None
    assert goodput_interval(alike(9)) is None
    assert latency_interval(alike(9), 0.5) is None


def test_goodput_counts_each_windows_own_length() -> None:
    windows = [replace(each, duration_s=2.0, right=2000 + i) for i, each in enumerate(alike(10))]
    rates = [(2000 + i) / 2 for i in range(10)]
    low, high = stats.t.interval(0.95, 9, np.mean(rates), stats.sem(rates))
    assert goodput_interval(windows) == pytest.approx((low, high))


def test_thirty_windows_are_ten_batches() -> None:
    windows = [replace(each, right=1000 + 50 * (i % 3)) for i, each in enumerate(alike(30))]
    assert goodput_interval(windows) == pytest.approx((1050, 1050))


def drawn(rng: np.random.Generator) -> list[Window]:
    """Thirty windows of latencies whose level wanders from window to window, mean 1."""
    windows, level = [], 0.0
    for number in range(30):
        level = 0.5 * level + rng.normal(scale=0.1)
        values = 10_000 * np.exp(level) * rng.exponential(size=100)
        bins, counts = np.unique(np.maximum(1, values.astype(int)), return_counts=True)
        latencies = dict(zip(bins.tolist(), counts.tolist(), strict=True))
        windows.append(window(number, latencies_us=latencies, service_us={}, lag_us={}))
    return windows


def test_a_latencys_interval_covers_it() -> None:
    rng = np.random.default_rng(12)
    level = rng.normal(scale=0.1 / np.sqrt(1 - 0.25), size=400_000)
    truth = np.quantile(10_000 * np.exp(level) * rng.exponential(size=level.size), 0.9)
    intervals = [latency_interval(drawn(rng), 0.9) for _ in range(60)]
    covered = sum(low <= truth <= high for low, high in filter(None, intervals))
    assert 52 <= covered <= 60  # at 95 %, fewer are 1 chance in 100
    widths = [high - low for low, high in filter(None, intervals)]
    assert np.mean(widths) < 0.2 * truth


def test_a_quantile_without_enough_answers_has_no_interval() -> None:
    few, enough = {1000: 98, 2000: 1}, {1000: 98, 2000: 2}
    assert latency_interval(alike(10, latencies_us=few), 0.99) is None
    assert latency_interval(alike(10, latencies_us=enough), 0.99) == (2000, 2000)
    assert latency_interval(alike(10, latencies_us=enough), 0.999) is None


def test_an_interval_that_reaches_beyond_the_slowest_answer_is_none() -> None:
    even, burst = {1000: 90}, {1000: 90, 2000: 60, 3000: 50}
    windows = [window(number, latencies_us=burst if number == 5 else even) for number in range(10)]
    assert latency_interval(windows, 0.95) is None
