"""How well the mean of several holds is known, where the answer can be reckoned by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from loadtests.measure.distributions import t_quantile
from loadtests.measure.replicates import (
    Hold,
    gain_interval,
    goodput_of,
    hold_of,
    holds_interval,
    precise,
    width_of,
)
from tests.loadtests.measure.windows import alike

GAP_S = 7.0


def holds(*goodputs_rps: list[float]) -> list[Hold]:
    """Of windows of a second, each hold some seconds after the one before."""
    return [
        Hold(
            tuple(GAP_S * number + second for second in range(len(rates))),
            tuple(rates),
            sum(rates) / len(rates),
        )
        for number, rates in enumerate(goodputs_rps)
    ]


def scattered(means: list[float]) -> list[Hold]:
    """Holds whose windows lie on both sides of their mean: none resembles the one before."""
    return holds(*([mean - 3, mean + 3, mean] for mean in means))


MEANS = [100.0, 104, 97, 101, 99, 103]


def test_of_windows_without_any_likeness_it_is_students_t_of_the_holds() -> None:
    found = holds_interval(scattered(MEANS))
    assert found is not None
    half = t_quantile(0.975, 5) * float(np.std(np.log(MEANS), ddof=1)) / math.sqrt(6)
    low, high = found
    assert math.sqrt(low * high) == pytest.approx(goodput_of(scattered(MEANS)))
    assert half <= math.log(high / low) / 2 <= 1.1 * half


def test_windows_that_resemble_each_other_make_it_wider() -> None:
    wandering = holds(*([mean - 0.1, mean, mean + 0.1] for mean in MEANS))
    apart, alike_ = holds_interval(scattered(MEANS)), holds_interval(wandering)
    assert apart is not None
    assert alike_ is not None
    assert width_of(alike_) > 1.5 * width_of(apart)


def test_one_hold_alone_tells_nothing_of_others_and_equal_ones_leave_no_doubt() -> None:
    assert holds_interval(scattered([100.0])) is None
    assert holds_interval(holds([5.0, 5.0], [5.0, 5.0])) == (5, 5)
    assert holds_interval(holds([5.0], [6.0], [5.5])) is not None


def test_no_interval_reaches_nothing_unless_a_hold_gave_nothing() -> None:
    found = holds_interval(scattered([10.0, 100, 10]))
    assert found is not None
    assert 0 < found[0] < 10
    assert holds_interval(scattered([0.0, 100, 100])) == (0, math.inf)


def test_the_gain_is_of_each_double_against_the_hold_before_it() -> None:
    drifting = [100.0, 80, 60, 40, 20]
    found = gain_interval(scattered(drifting), scattered([0.98 * rate for rate in drifting]))
    assert found == pytest.approx((0.98, 0.98))
    low, high = gain_interval(scattered([100.0, 100]), scattered([110.0, 100])) or (0, 0)
    assert low < 1 < high


def test_there_is_no_gain_without_two_pairs_or_over_nothing() -> None:
    assert gain_interval(scattered([100.0, 90]), scattered([100.0])) is None
    assert gain_interval(holds([0.0], [5.0]), holds([5.0], [5.0])) is None


@pytest.mark.parametrize(
    ("gains", "known"), [([1.0] * 6, True), ([2.0] * 6, True), ([1.0, 1.1] * 3, False)]
)
def test_a_ceiling_is_known_once_its_double_gives_more_or_does_not(
    gains: list[float], known: bool
) -> None:
    doubles = [gain * mean for gain, mean in zip(gains, MEANS, strict=True)]
    assert precise(scattered(MEANS), scattered(doubles), 0.05) == known
    assert not precise(scattered(MEANS), scattered(doubles), 0.01)


def test_a_hold_is_of_all_its_windows() -> None:
    windows = [replace(one, duration_s=0.5) for one in alike(4)]
    found = hold_of(windows)
    assert found.goodput_rps == 2000
    assert found.goodputs_rps == (2000,) * 4
    assert found.starts_s == (100, 101, 102, 103)
    assert found.connections is None
    opened = [replace(windows[0], connections={"a": 2, "b": n}) for n in (1, 3)]
    assert hold_of(opened).connections == 5
