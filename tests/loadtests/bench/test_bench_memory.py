"""Growth, where it is known what it is."""

import random

import pytest

from loadtests.bench.memory import growth, peak_mb

TEN_MINUTES = range(6000)


def noise(seed: int) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(0, 0.2) for _ in TEN_MINUTES]


def test_a_leak_is_found_through_noise_and_behind_the_start() -> None:
    # 6 MB an hour; the first minute has a start that is far steeper.
    samples = [
        (t / 10, 80 + min(t, 600) / 20 + t / 10 * 6 / 3600 + noise)
        for t, noise in zip(TEN_MINUTES, noise(1), strict=True)
    ]
    found = growth(samples)
    assert found is not None
    assert found.low < 6 < found.high
    assert found.mb_per_h == pytest.approx(6, abs=0.5)
    assert found.high - found.low < 1


def test_a_leak_in_steps_is_one() -> None:
    found = growth([(t / 10, 80 + t // 1000) for t in TEN_MINUTES])  # 1 MB each 100 s
    assert found is not None
    assert found.low > 0
    assert found.mb_per_h == pytest.approx(36, rel=0.1)


def test_the_interval_holds_no_growth_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(40):
        found = growth([(t / 10, 80 + n) for t, n in zip(TEN_MINUTES, noise(seed), strict=True)])
        assert found is not None
        inside += found.low < 0 < found.high
    assert inside >= 34  # 38 are expected


def test_a_short_run_tells_nothing_of_growth() -> None:
    assert growth([]) is None
    assert growth([(t / 10, 80.0) for t in range(1100)]) is None


def test_the_peak() -> None:
    assert peak_mb([(0, 1.5), (1, 7.5), (2, 3.0)]) == 7.5
    assert peak_mb([]) == 0.0
