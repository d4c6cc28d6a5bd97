"""What the kernel saw of several clients adds up."""

import pytest

from loadtests.measure.wire import Wire, together

ONE = Wire(1000, 500, 20, 2, 4.0, 1.0, 0.5, 100.0, 3)
OTHER = Wire(4000, 1500, 80, 0, 1.0, 0.0, 0.0, 500.0, 1)


def test_counts_add_up_and_round_trips_weigh_by_readings() -> None:
    whole = together([ONE, None, OTHER])
    assert whole == Wire(5000, 2000, 100, 2, 5.0, 1.0, 0.5, 200.0, 4)
    assert whole is not None
    assert whole.retransmitted_ratio == pytest.approx(0.02)
    assert whole.rwnd_limited_ratio == pytest.approx(0.2)
    assert whole.sndbuf_limited_ratio == pytest.approx(0.1)


def test_what_nobody_knows_is_not_nothing() -> None:
    assert together([None, None]) is None
    assert together([]) is None


def test_connections_that_were_idle_were_held_back_by_nobody() -> None:
    idle = Wire(0, 0, 0, 0, 0.0, 0.0, 0.0, 30.0, 2)
    assert idle.retransmitted_ratio == idle.rwnd_limited_ratio == idle.sndbuf_limited_ratio == 0.0
