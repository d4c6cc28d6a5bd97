"""Which answers a run of the engine counts."""

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.bench.engine_run import figures
from loadtests.engine import ThreadTime, Times, Window

END_NS = 3_000_000_000


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
        "threads": (ThreadTime(cpu_s=0.3, run_queue_s=0.1),),
        "right_times": times,
        "wrong_times": Times(*[histogram()] * 4),
    }
    return Window(**{**fields, **others})  # type: ignore[arg-type]


def test_only_what_ended_in_the_measured_span_makes_the_rate() -> None:
    windows = [
        window(0, "warmup", right=1000),
        window(1, "warmup", right=4),  # was due before the span, and ended in it
        window(1, "measured", right=6, sent=9),
        window(2, "measured", right=10, wrong={"reset": 3}),
        window(3, "measured", right=7, unsent=2),  # was due in the span, and ended after it
        window(3, "after", right=500),
    ]
    told = figures(windows, END_NS)
    assert told.rate_rps == pytest.approx((4 + 6 + 10) / 2)
    assert told.wrong == 3
    assert told.extra["achieved_ratio"] == pytest.approx(19 / 20)
    assert told.extra["unsent"] == 2
    assert told.extra["busy_ratio"] == pytest.approx(0.4)


def test_percentiles_are_of_all_that_was_due_in_the_span() -> None:
    windows = [window(0, "warmup", 1), window(1, "measured", 1), window(3, "measured", 1)]
    told = figures(windows, END_NS)
    assert told.extra["generator_lag_p50_us"] == 100
    assert told.extra["generator_lag_max_us"] == 300
    assert told.extra["response_p99_us"] == 300
