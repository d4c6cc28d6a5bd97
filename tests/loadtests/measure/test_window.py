"""Windows add up, and give no quantile that too few answers stand behind."""

import random

import pytest

from loadtests.measure.window import (
    Span,
    Window,
    across_time,
    across_workers,
    from_message,
    new_histogram,
    quantiles_ms,
    to_message,
)

SPAN = Span("target", 3, "grow", "measure", 16)


def window(
    number: int = 0,
    duration_s: float = 1.0,
    latencies_us: tuple[int, ...] = (1000,),
    wrong: dict[str, int] | None = None,
    busy: float = 0.5,
) -> Window:
    histogram = new_histogram()
    for value in latencies_us:
        histogram.record_value(value)
    return Window(
        span=SPAN,
        number=number,
        start_s=100.0 + number,
        duration_s=duration_s,
        right=len(latencies_us),
        wrong=wrong or {},
        workers=1,
        busy_ratio=busy,
        latency=histogram,
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
            window(latencies_us=(30,), wrong={"timeout": 2, "reset": 1}, busy=0.9),
        ],
        workers=2,
    )
    assert (merged.right, merged.wrong) == (3, {"timeout": 3, "reset": 1})
    assert (merged.duration_s, merged.workers, merged.busy_ratio) == (1.0, 2, 0.9)
    assert merged.latency.get_max_value() == 30
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
    merged = across_time([window(0, 1.0, (10,) * 30), window(1, 0.5, (20,) * 30)])
    assert merged.duration_s == 1.5
    assert merged.goodput_rps == 40
    assert merged.start_s == 100.0


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
    quantiles = quantiles_ms(window(latencies_us=tuple(samples)).latency)
    ordered = sorted(samples)
    for name, share in {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}.items():
        true_ms = ordered[round(share * len(ordered)) - 1] / 1000
        assert quantiles[name] == pytest.approx(true_ms, rel=1e-3)


def test_a_message_carries_a_window_whole() -> None:
    sent = window(4, 0.75, (10, 200_000), {"503 ServiceUnavailableException": 2})
    received, last = from_message(to_message(sent, last=True))
    assert received == sent
    assert last is True
    assert received.latency.equals(sent.latency)
