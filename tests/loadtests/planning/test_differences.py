"""Intervals of differences, beside scipy's own and on simulated runs whose truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from loadtests.planning.differences import (
    START_SPREAD,
    Difference,
    Measured,
    difference,
    is_regression,
    word,
)
from loadtests.planning.starts import StartSpread

TOLERANCE = 0.05


def test_several_on_each_side_are_compared_as_by_welch() -> None:
    first, second = (980.0, 1010.0, 1005.0, 991.0), (930.0, 925.0, 951.0)
    found = difference(Measured(first), Measured(second))
    oracle = stats.ttest_ind(np.log(second), np.log(first), equal_var=False)
    interval = oracle.confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(
        (math.expm1(interval.low), math.expm1(interval.high))
    )
    assert found.change == pytest.approx(math.expm1(np.log(second).mean() - np.log(first).mean()))
    assert not found.assumed


def test_one_beside_several_is_judged_by_their_spread() -> None:
    """The interval that a further value of the same kind lies in (Student)."""
    several = (100.0, 102.0, 99.0, 101.0)
    logs = np.log(several)
    half = stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    for first, second, sign in ((several, (90.0,), 1), ((90.0,), several, -1)):
        found = difference(Measured(first), Measured(second))
        middle = sign * (math.log(90) - logs.mean())
        assert found is not None
        assert (found.low, found.high) == pytest.approx(
            (math.expm1(middle - half), math.expm1(middle + half))
        )


def test_single_ones_are_taken_to_differ_as_starts_may() -> None:
    found = difference(Measured((1000.0,), 0.03), Measured((1000.0,), 0.04))
    assert found is not None
    assert found.assumed
    half = math.sqrt(0.05**2 + 2 * (1.959964 * START_SPREAD) ** 2)
    assert (found.low, found.high) == pytest.approx((math.expm1(-half), math.expm1(half)))
    assert found.restart == found.high
    assert difference(Measured((1000.0,)), Measured((1000.0,), 0.04)) is None


def test_what_starts_are_known_to_differ_by_is_pooled() -> None:
    groups = [(100.0, 102.0, 99.0), (50.0, 51.0), (7.0,)]
    known = StartSpread.of(groups)
    logs = [np.log(each) for each in groups[:2]]
    pooled = (2 * logs[0].var(ddof=1) + logs[1].var(ddof=1)) / 3
    assert known is not None
    assert (known.degrees, known.groups) == (3, 2)
    assert known.deviation == pytest.approx(math.sqrt(pooled))
    assert StartSpread.of([(7.0,), (8.0,)]) is None
    found = difference(Measured((100.0,), 0.01), Measured((90.0,), 0.02), known)
    half = math.hypot(stats.t.ppf(0.975, 3) * math.sqrt(2 * pooled), 0.01, 0.02)
    assert found is not None
    assert not found.assumed
    assert (found.low, found.high) == pytest.approx(
        (math.expm1(math.log(0.9) - half), math.expm1(math.log(0.9) + half))
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.03, 0.03, "cannot tell"),
        (-0.2, 0.01, "cannot tell"),
        (-0.2, -0.06, "worse"),
        (0.06, 0.2, "better"),
    ],
)
def test_nothing_is_called_the_same_by_an_assumption(low: float, high: float, said: str) -> None:
    assert word(Difference(0.0, low, high, assumed=True), TOLERANCE) == said


def test_a_lower_bound_leaves_one_end_open() -> None:
    exact, bound = Measured((1000.0,), 0.01), Measured((1000.0,), 0.01, at_least=True)
    known = StartSpread(deviation=0.01, degrees=8, groups=2)
    over, under = difference(bound, exact, known), difference(exact, bound, known)
    assert over is not None
    assert under is not None
    assert over.low == -1
    assert 0 < over.high < 0.05
    assert -0.05 < under.low < 0
    assert under.high == math.inf


@pytest.mark.parametrize(
    ("low", "high", "said", "regression"),
    [
        (-0.04, 0.04, "same", False),
        (-0.04, -0.01, "same", False),  # surely slower, and surely by too little to matter
        (-0.09, 0.02, "same", False),  # neither is shown
        (-0.09, -0.02, "worse", False),
        (-0.09, -0.051, "worse", True),
        (0.02, 0.09, "better", False),
        (-1.0, -0.06, "worse", True),
        (0.01, math.inf, "better", False),
    ],
)
def test_words(low: float, high: float, said: str, regression: bool) -> None:
    found = Difference(0.0, low, high, assumed=False)
    assert (word(found, TOLERANCE), is_regression(found, TOLERANCE)) == (said, regression)


def runs(rng: np.random.Generator, mean: float, spread: float, count: int) -> Measured:
    """Single measurements wavered by 0.5 % within, which their intervals tell."""
    values = mean * np.exp(rng.normal(0, math.hypot(spread, 0.005), count))
    return Measured(tuple(values.tolist()), half=2.26 * 0.005 if count == 1 else None)


@pytest.mark.parametrize(("count", "spread"), [(5, 0.01), (10, 0.02)])
def test_a_tenth_slower_is_found_and_no_change_is_not(count: int, spread: float) -> None:
    """Ten measurements of one build, each beside each other; and others that are slower."""
    rng = np.random.default_rng(7)
    same = [runs(rng, 1000, spread, count) for _ in range(10)]
    pairs = [(one, other) for one in same for other in same if other is not one]
    assert not any(regressed(one, other) for one, other in pairs)
    slower = [runs(rng, 1000 / 1.1, spread, count) for _ in range(200)]
    assert sum(regressed(same[0], one) for one in slower) >= 0.95 * 200


def regressed(first: Measured, second: Measured) -> bool:
    found = difference(first, second)
    return found is not None and is_regression(found, TOLERANCE)


@pytest.mark.parametrize(
    ("count", "spread"), [(1, START_SPREAD), (3, 0.01), (3, 0.05), (8, 0.01), (8, 0.05)]
)
def test_intervals_hold_the_truth(count: int, spread: float) -> None:
    """Of single starts while they differ as assumed; of several whatever they differ by."""
    rng = np.random.default_rng(11)
    truth, trials = -0.08, 1000
    held = 0
    for _ in range(trials):
        first, second = (runs(rng, mean, spread, count) for mean in (1000, 1000 * (1 + truth)))
        found = difference(first, second)
        assert found is not None
        held += found.low <= truth <= found.high
    assert 0.93 * trials <= held <= 0.985 * trials
