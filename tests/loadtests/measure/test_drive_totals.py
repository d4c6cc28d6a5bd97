"""Windows of a drive add up, each to the span it belongs to."""

import pytest
from hdrh.histogram import HdrHistogram

from loadtests.engine.window import ThreadTime, Times, Window
from loadtests.measure.drive_totals import DRAIN, MEASURE, WARMUP, DriveTotals

SECOND = 10**9


def encoded(values_us: list[int]) -> bytes:
    histogram = HdrHistogram(1, 600_000_000, 3)
    for value in values_us:
        histogram.record_value(value)
    return bytes(histogram.encode())


def window(
    number: int,
    phase: str,
    latencies_us: list[int],
    *,
    due: int,
    sent: int,
    start_s: float | None = None,
    wrong: dict[str, int] | None = None,
    unsent: int = 0,
    cpu_s: float = 0.25,
) -> Window:
    start_ns = round((number if start_s is None else start_s) * SECOND)
    times = Times(*(encoded(latencies_us) for _ in range(4)))
    nothing = Times(*(encoded([]) for _ in range(4)))
    return Window(
        number=number,
        phase=phase,
        phase_number=0,
        start_ns=start_ns,
        end_ns=start_ns + SECOND,
        due=due,
        sent=sent,
        right=len(latencies_us),
        wrong=wrong or {},
        unsent=unsent,
        answer_bytes=0,
        in_flight=0,
        queued=0,
        threads=(ThreadTime(cpu_s, 0.25, 9), ThreadTime(0.0, 0.125, 3)),
        connections={},
        wire={},
        right_times=times,
        wrong_times=nothing,
    )


def totals(*windows: Window, end_s: int = 3) -> DriveTotals:
    """Of a drive measured from second 1 on."""
    all_of_it = DriveTotals(1 * SECOND)
    all_of_it.end_ns = end_s * SECOND
    for one in windows:
        all_of_it.add(one)
    return all_of_it


def test_each_window_counts_where_it_belongs() -> None:
    result = totals(
        window(0, WARMUP, [9_000_000], due=5, sent=5),
        window(1, WARMUP, [9_000_000] * 2, due=0, sent=1),  # due before, answered in the span
        window(1, MEASURE, [100] * 10, due=20, sent=18, wrong={"timeout": 1}),
        window(2, MEASURE, [300] * 10, due=20, sent=20, cpu_s=0.5),
        window(3, MEASURE, [500] * 15, due=0, sent=2, wrong={"timeout": 1, "reset": 2}, unsent=1),
        window(3, DRAIN, [9_000_000], due=3, sent=3),
    ).result()
    assert (result.due, result.sent, result.ok, result.unsent) == (40, 40, 35, 1)
    assert result.errors == {"timeout": 2, "reset": 2}
    assert (result.offered_rps, result.achieved_ratio) == (20, 0.95)
    assert result.goodput_rps == (2 + 10 + 10) / 2
    assert result.engine_busy_ratio == 0.625
    assert result.duration_s == 2


def test_of_a_window_that_was_cut_late_the_part_within_the_span_counts() -> None:
    result = totals(
        window(0, MEASURE, [100] * 40, due=40, sent=40, start_s=0.75),
        window(1, MEASURE, [100] * 40, due=40, sent=40, start_s=1.75),
        window(2, MEASURE, [100] * 40, due=40, sent=40, start_s=2.75),
        window(3, DRAIN, [], due=0, sent=0, start_s=3.75),
    ).result()
    assert result.ok == 120
    assert result.goodput_rps == (30 + 40 + 10) / 2
    assert result.engine_busy_ratio == 0.5


def test_figures_are_of_all_answers_together() -> None:
    measured = totals(
        window(1, MEASURE, [100] * 990, due=990, sent=990),
        window(2, MEASURE, [900] * 10, due=10, sent=10),
    )
    response = measured.result().latency_us["response"]
    assert (response["p50"], response["p90"], response["p99"]) == (100, 100, 100)
    assert response["max"] == 900
    assert response["mean"] == pytest.approx(108, rel=0.001)
    assert response["p999"] is None  # one answer lies beyond it


def test_nothing_measured_gives_no_figures() -> None:
    result = totals(window(1, MEASURE, [], due=0, sent=0)).result()
    assert result.achieved_ratio is None
    assert set(result.latency_us["service"].values()) == {None}


def test_a_span_without_an_end_has_no_result() -> None:
    with pytest.raises(ValueError, match="no end"):
        DriveTotals(0).result()


@pytest.mark.parametrize(
    ("wrong", "unsent", "all_right"),
    [({}, 0, True), ({"reset": 1}, 0, False), ({}, 1, False), ({"reset": 1}, 1, False)],
)
def test_what_was_never_sent_is_not_right(
    wrong: dict[str, int], unsent: int, *, all_right: bool
) -> None:
    due = 2 + sum(wrong.values()) + unsent
    measured = window(1, MEASURE, [10, 20], due=due, sent=2, wrong=wrong, unsent=unsent)
    assert totals(measured).result().all_right is all_right


def test_nothing_due_is_not_right() -> None:
    assert not totals(window(1, MEASURE, [], due=0, sent=0)).result().all_right
