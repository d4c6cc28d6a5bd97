"""A slope with its interval: it has to contain the true one, and to name what creeps."""

import random

import pytest

from loadtests.measure.drift import drift


def walk(rng: random.Random, rise: float, noise: float, alike: float, n: int = 60) -> list[float]:
    """Around 100, rising by ``rise`` in all; neighbours resemble each other."""
    values, rest = [], 0.0
    for index in range(n):
        rest = alike * rest + rng.gauss(0, noise)
        values.append(100 + rise * index / (n - 1) + rest)
    return values


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_the_interval_has_the_true_slope_in_it(alike: float) -> None:
    rng = random.Random(1)
    found = [drift(walk(rng, 6, 2, alike), 7200, allowed=2) for _ in range(300)]
    hit = sum(
        1 for one in found if one.interval and one.interval[0] <= 3 <= one.interval[1]
    )  # 6 in 2 hours
    assert hit >= 0.88 * len(found)


def test_a_leak_creeps_and_a_flat_line_does_not() -> None:
    rng = random.Random(2)
    leaks = [drift(walk(rng, 10, 1, 0.3), 3600, allowed=2).state for _ in range(100)]
    assert leaks.count("creeps") >= 98
    flat = [drift(walk(rng, 0, 1, 0.3), 3600, allowed=5).state for _ in range(100)]
    assert flat.count("steady") >= 98
    assert "creeps" not in flat


def test_a_rise_within_what_is_allowed_is_steady() -> None:
    values = [100 + 0.01 * n + 0.1 * (n % 2) for n in range(60)]
    assert drift(values, 3600, allowed=1).state == "steady"


def test_noise_that_hides_a_slope_decides_nothing() -> None:
    rng = random.Random(5)
    states = [drift(walk(rng, 0, 20, 0), 3600, allowed=1).state for _ in range(100)]
    assert states.count("undecided") >= 95


def test_falling_matters_where_it_is_asked() -> None:
    values = [100 - 0.5 * n for n in range(60)]
    assert drift(values, 1800, allowed=5, falling=True).state == "creeps"
    found = drift(values, 1800, allowed=5)
    assert (found.state, found.per_hour) == ("steady", pytest.approx(-59))


def test_few_values_decide_nothing() -> None:
    assert drift([1, 2, 3], 3600, allowed=1).state == "undecided"
    assert drift([], 0, allowed=1).interval is None
