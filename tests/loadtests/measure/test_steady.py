"""A probe is steady unless its goodput drifts or its queue grows; what is in vain is given up."""

from dataclasses import replace

import pytest

from loadtests.measure.replicates import Hold
from loadtests.measure.slo import Slo
from loadtests.measure.steady import hopeless, unsteadiness, unsteady, unsteady_holds
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import CLOSED, OPEN, alike, window

WOBBLE = [(-1) ** i * (i % 3) for i in range(20)]


def drifting(total: float, windows: int = 20) -> list[float]:
    """Goodput around 1000 with a drift of ``total`` from the first window to the last."""
    return [1000 + total * (i / (windows - 1) - 0.5) + WOBBLE[i] for i in range(windows)]


@pytest.mark.parametrize("sign", [1, -1])
def test_goodput_may_be_seen_to_drift_by_half_of_five_percent(sign: int) -> None:
    assert unsteady(drifting(sign * 23), [16] * 20, closed=True) is None
    assert "goodput drifted by " in str(unsteady(drifting(sign * 28), [16] * 20, closed=True))
    assert f"{20 * sign:+d}" in str(unsteady(drifting(sign * 201), [16] * 20, closed=True))


def held(goodputs_rps: list[float]) -> list[Hold]:
    """Of three seconds each, which differ more within than from one to the next."""
    return [
        Hold((7.0 * i, 7.0 * i + 1, 7.0 * i + 2), (rate - 9, rate + 9, rate), rate)
        for i, rate in enumerate(goodputs_rps)
    ]


def test_holds_must_not_drift_over_all_their_time() -> None:
    assert unsteady_holds(held([1000.0, 1003, 998, 1001, 997, 1002])) is None
    assert unsteady_holds(held([1000.0, 1004, 1007, 1012, 1014, 1020])) is None  # by 2 %
    falling = unsteady_holds(held([1100.0, 1079, 1062, 1039, 1022, 999]))
    assert "goodput drifted by -9.5% of its mean within its holds" in str(falling)
    wild = held([1000.0, 1600, 700, 1500, 900, 1400])
    assert unsteady_holds(wild) is None  # a drift of 7 %, which the next hold may undo
    assert "held 3 times, of at least 4" in str(unsteady_holds(held([1.0, 1, 1])))


def test_a_drift_must_stand_out_of_the_noise() -> None:
    noise = [0, 400, -300, 250, -400, 300, -250, 350, -300, 350]
    assert unsteady([1000 + n for n in noise], [16] * 10, closed=True) is None


def test_ten_windows_are_needed() -> None:
    assert unsteady([1000.0] * 10, [16] * 10, closed=True) is None
    assert "9 windows" in str(unsteady([1000.0] * 9, [16] * 9, closed=True))


def test_the_queue_must_not_grow_in_open_loop() -> None:
    growing = [20 + 2 * i + WOBBLE[i] for i in range(20)]
    assert "in flight grew from 20 to 57" in str(unsteady([1000.0] * 20, growing, closed=False))
    assert unsteady([1000.0] * 20, growing[::-1], closed=False) is None
    assert unsteady([1000.0] * 20, growing, closed=True) is None


def test_windows_say_which_loop_they_are_of() -> None:
    def growing(window: Window) -> Window:
        return replace(window, in_flight=16 + 3 * window.number)

    closed, opened = alike(12, span=CLOSED), alike(12, span=OPEN)
    assert unsteadiness(closed) is None
    assert unsteadiness([growing(each) for each in closed]) is None
    assert unsteadiness(opened) is None
    assert "in flight grew" in str(unsteadiness([growing(each) for each in opened]))


def overloaded(windows: int, growth: int, slowing_us: int, backlog: int = 16) -> list[Window]:
    return [
        window(
            i,
            span=OPEN,
            in_flight=backlog + growth * i + WOBBLE[i],
            latencies_us={5000 + slowing_us * i + 3 * WOBBLE[i]: 1000},
        )
        for i in range(windows)
    ]


def test_a_probe_whose_queue_and_latency_grow_is_hopeless() -> None:
    slo = Slo(0.99, 50_000)  # at 1,000/s, 50 in flight
    assert hopeless(overloaded(8, growth=20, slowing_us=2000), slo)
    assert not hopeless(overloaded(4, growth=20, slowing_us=2000), slo)  # too early to say
    assert not hopeless(overloaded(8, growth=20, slowing_us=0), slo)
    assert not hopeless(overloaded(8, growth=0, slowing_us=2000, backlog=200), slo)
    assert not hopeless(overloaded(8, growth=4, slowing_us=2000), slo)  # the limit allows so many
    assert not hopeless([], slo)
