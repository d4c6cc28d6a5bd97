"""An engine's window in Locust's statistics, against Locust's own logging of the same requests."""

import time

import pytest

from loadtests import engine
from loadtests.engine.window import ThreadTime, Times, Window, _compressed

with pytest.MonkeyPatch.context() as patch:  # or the whole test process would run under gevent
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    from locust.stats import RequestStats

    from loadtests.users.statistics import merge

pytestmark = pytest.mark.skipif(not engine.available(), reason=engine.why_unavailable())

RIGHT_MS = [0.4, 1.0, 3.0, 3.0, 147.0, 3432.0]
WRONG_MS = [2.0, 12.0]


def times(values_ms: list[float]) -> Times:
    one = _compressed(engine._native.histogram_payload([round(ms * 1e6) for ms in values_ms]))
    return Times(one, one, one, one)


def window(right: int, wrong: dict[str, int]) -> Window:
    now_ns = time.monotonic_ns()
    return Window(
        number=0,
        phase="p",
        phase_number=0,
        start_ns=now_ns - 500_000_000,
        end_ns=now_ns,
        due=9,
        sent=8,
        right=right,
        wrong=wrong,
        unsent=0,
        answer_bytes=90,
        in_flight=0,
        queued=0,
        threads=(ThreadTime(0.1, 0.0, 5),),
        connections={},
        wire={},
        right_times=times(RIGHT_MS),
        wrong_times=times(WRONG_MS),
    )


def test_it_is_what_locust_would_have_counted() -> None:
    merged, logged = RequestStats(), RequestStats()
    # `connect` has no time: it never was sent.
    merge(merged, "POST", "one", window(6, {"http 503": 2, "connect": 1}))
    for response_ms in RIGHT_MS + WRONG_MS:
        logged.log_request("POST", "one", response_ms, 0)
    for entry in (merged.total, merged.get("one", "POST")):
        own = logged.total
        assert entry.num_requests == own.num_requests + 1 == 9
        assert (entry.num_none_requests, entry.num_failures) == (1, 3)
        assert dict(entry.response_times) == dict(own.response_times)
        assert entry.total_response_time == pytest.approx(own.total_response_time, rel=1e-3)
        assert entry.min_response_time == pytest.approx(0.4, rel=1e-3)
        assert entry.max_response_time == pytest.approx(3432, rel=1e-3)
        assert entry.get_response_time_percentile(0.5) == own.get_response_time_percentile(0.5)
        assert entry.avg_content_length == 10
    errors = {error.error: error.occurrences for error in merged.errors.values()}
    assert errors == {"http 503": 2, "connect": 1}


def test_merging_again_adds_up_after_a_reset_too() -> None:
    stats = RequestStats()
    merge(stats, "POST", "one", window(6, {"http 503": 2}))
    merge(stats, "POST", "one", window(6, {"http 503": 2}))
    assert (stats.total.num_requests, stats.total.num_failures) == (16, 4)
    stats.clear_all()
    merge(stats, "POST", "one", window(6, {"http 503": 2}))
    assert (stats.total.num_requests, stats.get("one", "POST").num_requests) == (8, 8)
    assert [error.occurrences for error in stats.errors.values()] == [2]
    assert sum(stats.total.num_reqs_per_sec.values()) == 8
