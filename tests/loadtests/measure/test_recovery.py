"""When a server is as before: known by its latency, its errors and what is in flight."""

import random

from loadtests.measure.legs import Point
from loadtests.measure.recovery import recovery


def point(at_s: float, p50_us: int | None = 5000, **changes: float | None) -> Point:
    values: dict[str, object] = {
        "at_s": at_s,
        "duration_s": 1.0,
        "due": 100,
        "right": 100,
        "wrong": 0,
        "unsent": 0,
        "in_flight": 2,
        "p50_us": p50_us,
        "p99_us": None if p50_us is None else 3 * p50_us,
    }
    return Point(**(values | changes))  # type: ignore[arg-type]


BEFORE = [point(n, 5000 + 100 * (n % 3)) for n in range(10)]


def after(*p50_us: int) -> list[Point]:
    return [point(20 + n, value) for n, value in enumerate(p50_us)]


def test_it_lasts_to_the_end_of_the_last_bad_window() -> None:
    found = recovery(BEFORE, after(90_000, 40_000, 9_000, 5000, 5100, 5000, 5000), from_s=20)
    assert (found.time_s, found.seen_s, found.resolution_s) == (3.0, 7.0, 1.0)


def test_a_server_that_never_suffered_recovers_at_once() -> None:
    assert recovery(BEFORE, after(5000, 5000, 5100), from_s=20).time_s == 0


def test_one_good_window_between_bad_ones_is_chance() -> None:
    found = recovery(BEFORE, after(90_000, 5000, 5000, 90_000, 5000, 5000, 5000), from_s=20)
    assert found.time_s == 4.0


def test_what_stays_worse_is_named() -> None:
    found = recovery(BEFORE, after(90_000, 5000, 5000, 60_000), from_s=20)
    assert found.time_s is None
    assert found.lagging == ("the median latency", "the p99")
    pending = [point(20 + n, in_flight=50) for n in range(4)]
    assert recovery(BEFORE, pending, from_s=20).lagging == ("the requests in flight",)
    failing = [point(20 + n, wrong=1, right=99) for n in range(4)]
    assert recovery(BEFORE, failing, from_s=20).lagging == ("the error ratio",)


def test_silence_is_no_recovery() -> None:
    silent = [point(20 + n, None, right=0, in_flight=2) for n in range(4)]
    assert recovery(BEFORE, silent, from_s=20).lagging == ("the goodput",)


def test_a_p99_that_was_not_known_before_is_not_asked_for() -> None:
    before = [point(n, p99_us=None) for n in range(10)]
    assert recovery(before, [point(20 + n, p99_us=90_000) for n in range(3)], 20).time_s == 0


def test_the_noise_of_a_steady_server_delays_little() -> None:
    """Latencies that waver as before: of 200 such servers nearly all recover within 5 s."""
    rng = random.Random(3)
    noisy = lambda at_s: point(at_s, round(5000 * rng.lognormvariate(0, 0.2)))  # noqa: E731
    times_s = []
    for _ in range(200):
        before, behind = [noisy(n) for n in range(15)], [noisy(20 + n) for n in range(30)]
        times_s.append(recovery(before, behind, from_s=20).time_s)
    assert None not in times_s
    assert sum(time_s <= 5 for time_s in times_s if time_s is not None) >= 190
