"""Which answers a run of the engine counts."""

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.bench.outputs import Figures
from loadtests.bench.tally import Tally
from loadtests.engine import ThreadTime, Times, Window


def histogram(*values_us: int) -> bytes:
    whole = HdrHistogram(1, 600_000_000, 3)
    for value in values_us:
        whole.record_value(value)
    encoded: bytes = whole.encode()
    return encoded


def window(number: int, phase: str, right: int, **others: object) -> Window:
    """A window of a second: number 1 is the span from 1 to 2 s."""
    times = Times(*[histogram(number * 100)] * 4)
    fields: dict[str, object] = {
        "number": number,
        "phase": phase,
        "phase_number": 0,
        "start_ns": number * 10**9,
        "end_ns": (number + 1) * 10**9,
        "due": 10,
        "sent": 10,
        "right": right,
        "wrong": {},
        "unsent": 0,
        "answer_bytes": 0,
        "in_flight": 0,
        "queued": 0,
        "threads": (ThreadTime(cpu_s=0.3, run_queue_s=0.1, turns=50),),
        "connections": {},
        "wire": {},
        "right_times": times,
        "wrong_times": Times(*[histogram()] * 4),
    }
    return Window(**{**fields, **others})  # type: ignore[arg-type]


def told(*windows: Window) -> Figures:
    tally = Tally()
    for one in windows:
        tally.add(one)
    return tally.figures()


def test_only_what_ended_in_the_measured_span_makes_the_rate() -> None:
    figures = told(
        window(0, "warmup", right=1000),
        window(1, "warmup", right=4),  # was due before the span, and ended in it
        window(1, "measured", right=6, sent=9),
        window(2, "measured", right=10, wrong={"reset": 3}),
        window(3, "measured", right=7, unsent=2),  # was due in the span, and ended after it
        window(3, "after", right=500, wrong={"reset": 1}),
    )
    assert figures.rate_rps == pytest.approx((4 + 6 + 10) / 2)
    assert figures.wrong == 4
    assert figures.extra["achieved_ratio"] == pytest.approx(19 / 20)
    assert figures.extra["unsent"] == 2
    assert figures.extra["busy_ratio"] == pytest.approx(0.4)


def test_percentiles_are_of_all_that_was_due_in_the_span() -> None:
    figures = told(
        window(0, "warmup", 1),
        window(1, "measured", 1),
        window(3, "measured", 1),
        window(3, "after", 1),
    )
    assert figures.extra["generator_lag_p50_us"] == 100
    assert figures.extra["generator_lag_max_us"] == 300
    assert figures.extra["response_p99_us"] == 300
