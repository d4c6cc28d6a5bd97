"""What a search for a capacity left in the record, and what the summary says of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from loadtests.measure.window import Span, Window
from loadtests.record.answers import CapacityFound
from loadtests.record.summarise import summarise
from loadtests.record.summary import TargetSummary
from tests.loadtests.measure.windows import alike, drain
from tests.loadtests.record.test_record import RUN, TARGET

SLO = "p99=25ms,errors=0.1%"
FAST, SLOW, FEW_SLOW = {5000: 1000}, {30_000: 1000}, {5000: 990, 26_000: 10}


def probed(
    number: int, step: str, rate_rps: float | None, latencies: dict[int, int]
) -> list[Window]:
    """Twelve seconds at a rate, in two workers, and a drain with nothing left to end."""
    span = Span("t", number, step, "measure", 1, rate_rps)
    ended = replace(span, phase="drain")
    return [*alike(12, span=span, latencies_us=latencies), *drain(span=ended)]


def windows() -> Iterator[Window]:
    yield from probed(0, "hold", None, FAST)
    yield from probed(1, "bisect", 1000.0, FAST)
    yield from probed(2, "bisect", 2000.0, SLOW)
    yield from probed(3, "bisect", 1500.0, FEW_SLOW)
    yield from probed(4, "confirm", 1200.0, FAST)


def summed_up(*found: CapacityFound) -> TargetSummary:
    target = TARGET.model_copy(update={"generator_cores": [0, 2]})
    run = RUN.model_copy(update={"targets": [target]})
    (one,) = summarise(run, windows(), capacities=found).targets
    return one


def test_each_rate_says_whether_the_slo_held() -> None:
    found = CapacityFound("t", 0, SLO, 1200.0, at_least=False, why=None)
    outcomes = [probe.slo_outcome for probe in summed_up(found).probes]
    assert outcomes == [None, "pass", "fail", "likely", "pass"]


def test_the_capacity_has_the_verdict_of_its_confirmation() -> None:
    found = CapacityFound("t", 0, SLO, 1400.0, at_least=False, why=None, confirmed_rps=1200.0)
    capacity = summed_up(found).capacity
    assert capacity is not None
    assert (capacity.slo, capacity.confirmed_rps, capacity.confirmed_repeats) == (SLO, 1200.0, 1)
    assert capacity.verdict is not None
    assert capacity.verdict.valid


def test_the_capacity_is_read_off_all_probes() -> None:
    """At 1500/s just the allowed 1 % missed the SLO."""
    found = CapacityFound("t", 0, SLO, 1400.0, at_least=False, why=None)
    capacity = summed_up(found).capacity
    assert capacity is not None
    assert capacity.fit is not None
    assert capacity.rate_rps == pytest.approx(1500, rel=0.01)
    assert capacity.ci95_rps is not None
    assert capacity.ci95_rps[0] < 1500 < capacity.ci95_rps[1]
    assert [point.rate_rps for point in capacity.fit.points] == [1000, 2000, 1500, 1200]
    assert [point.missed / point.requests for point in capacity.fit.points] == [0, 1, 0.01, 0]
    assert capacity.fit.covers == "this start of the server"


def test_a_repeat_that_found_none_makes_it_invalid_and_is_told() -> None:
    repeats = [
        CapacityFound("t", 0, SLO, 1500.0, at_least=False, why=None),
        CapacityFound("t", 1, SLO, None, at_least=False, why="not even at 1/s"),
    ]
    capacity = summed_up(*repeats).capacity
    assert capacity is not None
    assert capacity.verdict is not None
    assert not capacity.verdict.valid
    assert [reason.what for reason in capacity.verdict.reasons] == [
        "repeat 2 found no capacity: not even at 1/s"
    ]


def test_where_no_rate_holds_the_reason_stands_in_its_place() -> None:
    found = CapacityFound("t", 0, SLO, None, at_least=False, why="not even at 1/s")
    capacity = summed_up(found).capacity
    assert capacity is not None
    assert (capacity.rate_rps, capacity.why, capacity.verdict) == (None, "not even at 1/s", None)


def test_without_such_a_search_no_probe_is_held_against_an_slo() -> None:
    one = summed_up()
    assert one.capacity is None
    assert {probe.slo_outcome for probe in one.probes} == {None}
