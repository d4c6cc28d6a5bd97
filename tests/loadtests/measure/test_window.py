"""Windows add up, and give no quantile that too few answers stand behind."""

import random
from dataclasses import replace

import pytest

from loadtests.measure.window import (
    TIMES,
    Span,
    Times,
    Window,
    across_time,
    across_workers,
    from_message,
    new_histogram,
    quantiles_ms,
    to_message,
)
from loadtests.measure.wire import Wire, together

SPAN = Span("target", 3, "grow", "measure", 16)


def window(
    number: int = 0,
    duration_s: float = 1.0,
    latencies_us: tuple[int, ...] = (1000,),
    wrong: dict[str, int] | None = None,
    busy: float = 0.5,
    thread: str = "a",
) -> Window:
    times = Times()
    for value in latencies_us:
        times.response.record_value(value)
        times.generator_lag.record_value(3)
    ended = len(latencies_us) + sum((wrong or {}).values())
    return Window(
        span=SPAN,
        number=number,
        start_s=100.0 + number,
        duration_s=duration_s,
        due=ended + 2,
        sent=ended + 1,
        right=len(latencies_us),
        wrong=wrong or {},
        unsent=1,
        in_flight=4,
        workers=1,
        busy={thread: busy},
        times=times,
    )


def test_goodput_counts_right_answers_only() -> None:
    one = window(duration_s=2.0, latencies_us=(5, 6, 7), wrong={"timeout": 1})
    assert one.goodput_rps == 1.5
    assert one.error_ratio == 0.25
    assert one.ended == 4


def test_workers_add_up_side_by_side() -> None:
    merged = across_workers(
        [
            window(latencies_us=(10, 20), wrong={"timeout": 1}, busy=0.2),
            window(latencies_us=(30,), wrong={"timeout": 2, "reset": 1}, busy=0.9, thread="b"),
        ],
        workers=2,
    )
    assert (merged.right, merged.wrong) == (3, {"timeout": 3, "reset": 1})
    assert (merged.duration_s, merged.workers) == (1.0, 2)
    assert (merged.busy, merged.busy_ratio) == ({"a": 0.2, "b": 0.9}, 0.9)
    assert (merged.due, merged.sent, merged.unsent, merged.in_flight) == (11, 9, 2, 8)
    assert merged.times.response.get_max_value() == 30
    assert merged.times.generator_lag.get_total_count() == 3
    assert merged.goodput_rps == 3


def test_a_starved_workers_uneven_windows_add_up_to_the_time_that_passed() -> None:
    # Four seconds: one worker cut every second, the other only after 2.5 s and at the end.
    steady = [window(number, 1.0, (10,) * 100) for number in range(4)]
    starved = [window(0, 2.5, (10,) * 250), window(1, 1.5, (10,) * 150)]
    merged = [
        across_workers([steady[0], starved[0]], workers=2),
        across_workers([steady[1], starved[1]], workers=2),
        across_workers([steady[2]], workers=2),
        across_workers([steady[3]], workers=2),
    ]
    whole = across_time(merged)
    assert whole.duration_s == 4.0
    assert whole.goodput_rps == 200


def test_one_wrong_answer_in_the_sample_makes_all_doubtful() -> None:
    assert window(wrong={"wrong answer": 1}, latencies_us=(5,) * 999).error_ratio == 1.0


def test_time_adds_up_end_to_end() -> None:
    merged = across_time(
        [window(0, 1.0, (10,) * 30, busy=0.3), window(1, 0.5, (20,) * 30, busy=0.9)]
    )
    assert merged.duration_s == 1.5
    assert merged.busy_ratio == pytest.approx(0.5)
    assert (merged.due, merged.in_flight) == (64, 4)
    assert merged.goodput_rps == 40
    assert merged.start_s == 100.0


def test_a_wait_for_a_core_is_the_mean_over_time_and_the_worst_of_all_threads() -> None:
    first = replace(window(0, 1.0), core_waits_us={"a": 30.0, "b": 10.0})
    second = replace(window(1, 0.5), core_waits_us={"a": 90.0, "b": 20.0})
    assert across_time([first, second]).core_wait_us == pytest.approx(50)
    other = replace(window(0, 1.0), core_waits_us={"c": 70.0})
    assert across_workers([first, other], workers=2).core_wait_us == 70
    assert across_time([window(0), window(1)]).core_wait_us is None


WIRE = Wire(1000, 500, 20, 2, 4.0, 1.0, 0.5, 100.0, 3)


def test_connections_add_up_over_workers_and_not_over_time() -> None:
    one = replace(window(0), connections={"10.0.0.1": 3, "10.0.0.2": 2}, wire=WIRE)
    other = replace(window(0, thread="b"), connections={"10.0.0.2": 4}, wire=WIRE)
    merged = across_workers([one, other, window(0, thread="c")], workers=3)
    assert merged.connections == {"10.0.0.1": 3, "10.0.0.2": 6}
    assert merged.connected == 9
    later = across_time([one, merged, replace(window(2), connections={"10.0.0.1": 1})])
    assert later.connections == merged.connections
    assert later.wire == together([WIRE] * 3)
    assert (across_time([window(0), window(1)]).connected, window(0).wire) == (None, None)


def test_a_quantile_needs_ten_answers_beyond_it() -> None:
    few, enough = new_histogram(), new_histogram()
    for number in range(1, 1001):
        enough.record_value(number * 1000)
        if number < 1000:
            few.record_value(number * 1000)
    assert quantiles_ms(few)["p99"] is None
    assert quantiles_ms(enough)["p99"] == pytest.approx(990, rel=1e-3)
    assert quantiles_ms(enough)["p999"] is None
    assert quantiles_ms(enough)["max"] == pytest.approx(1000, rel=1e-3)
    assert quantiles_ms(new_histogram()) == dict.fromkeys(("p50", "p90", "p99", "p999", "max"))


def test_quantiles_agree_with_the_raw_samples() -> None:
    draw = random.Random(6)
    samples = [1 + int(draw.lognormvariate(8, 1)) for _ in range(20_000)]
    quantiles = quantiles_ms(window(latencies_us=tuple(samples)).times.response)
    ordered = sorted(samples)
    for name, share in {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}.items():
        true_ms = ordered[round(share * len(ordered)) - 1] / 1000
        assert quantiles[name] == pytest.approx(true_ms, rel=1e-3)


def test_a_message_carries_a_window_whole() -> None:
    plain = window(4, 0.75, (10, 200_000), {"503 ServiceUnavailableException": 2})
    sent = replace(plain, connections={"::1": 4}, wire=WIRE)
    assert from_message(to_message(plain, last=False)) == (plain, False)
    received, last = from_message(to_message(sent, last=True))
    assert received == sent
    assert last is True
    for name in TIMES:
        assert getattr(received.times, name).equals(getattr(sent.times, name)), name


def test_an_empty_histogram_leaves_the_smallest_value_alone() -> None:
    total, one = Times(), Times()
    one.response.record_value(700)
    total.add(one)
    total.add(Times())
    assert total.response.get_min_value() == 700
