"""The search for the capacity, against servers that say at once whether a rate passes."""

import re
from collections.abc import Callable

import pytest

from loadtests.measure.capacity_fit import FitPoint
from loadtests.search.capacity import (
    CapacityAnswer,
    CapacityQuestion,
    CapacitySearch,
    Outcome,
)
from loadtests.search.load import Load

Judge = Callable[[Load], Outcome]
ALLOWED = 0.01
STEEP = 40


def rate_of(load: Load) -> float:
    assert load.rate_rps is not None
    return load.rate_rps


def up_to(capacity_rps: float) -> Judge:
    return lambda load: "pass" if rate_of(load) <= capacity_rps else "fail"


def question(
    ceiling_rps: float = 1000.0,
    most_rps: float = 50_000.0,
    shortest_s: float = 5.0,
    fewest_requests: int = 459,
    fewest_for_errors: int = 2995,
    found_rps: float | None = None,
) -> CapacityQuestion:
    return CapacityQuestion(
        16,
        ceiling_rps,
        most_rps,
        shortest_s,
        fewest_requests,
        fewest_for_errors,
        ALLOWED,
        0.001,
        found_rps,
    )


def counted(load: Load, capacity_rps: float) -> FitPoint:
    """A server whose share over the SLO is a power of the rate, without any chance."""
    requests = round(rate_of(load) * load.measure_s)
    share = min(1.0, ALLOWED * (rate_of(load) / capacity_rps) ** STEEP)
    return FitPoint(0, rate_of(load), requests, round(share * requests), 1.0)


def searched(
    judge: Judge, asked: CapacityQuestion, capacity_rps: float = 600
) -> tuple[list[Load], CapacityAnswer]:
    search = CapacitySearch(asked)
    loads = []
    while (load := search.next_load()) is not None:
        loads.append(load)
        assert len(loads) < 40
        search.feed(judge(load), counted(load, capacity_rps))
    assert search.answer is not None
    return loads, search.answer


def test_it_begins_lightly_and_bisects() -> None:
    loads, _ = searched(up_to(600), question())
    assert [rate_of(load) for load in loads[:4]] == [50, 550, 800, 675]
    assert {load.users for load in loads} == {16}


def test_an_slo_that_never_breaks_ends_at_what_the_generator_can_offer() -> None:
    loads, answer = searched(up_to(10**9), question(most_rps=3000), 10**9)
    assert answer == CapacityAnswer(
        3000,
        at_least=True,
        why="the SLO still held at 3000/s, all that the generator can offer",
        confirmed_rps=3000,
    )
    assert max(rate_of(load) for load in loads) == 3000
    assert loads[-1].step == "confirm"


def test_a_generator_below_the_ceiling_offers_what_it_can() -> None:
    loads, answer = searched(up_to(10**9), question(most_rps=300), 10**9)
    assert (answer.rate_rps, answer.at_least) == (300, True)
    assert max(rate_of(load) for load in loads) == 300


def test_an_slo_that_is_never_met_ends_at_the_lightest_load() -> None:
    loads, answer = searched(up_to(10), question())
    assert answer == CapacityAnswer(
        None, at_least=False, why="the SLO does not hold, even at the lightest load, 50.0/s"
    )
    assert [load.rate_rps for load in loads] == [50]


def test_where_nothing_can_be_shown_that_is_said() -> None:
    loads, answer = searched(lambda _: "unlikely", question())
    assert answer.rate_rps is None
    assert answer.why == (
        "that the SLO holds could not be shown in 120 s, even at the lightest load, 50.0/s"
    )
    assert [load.measure_s for load in loads] == [15, 60, 120]


def test_the_lightest_load_still_has_answers_enough() -> None:
    loads, _ = searched(up_to(9), question(ceiling_rps=12.0))
    assert loads[0].rate_rps == 6  # half the ceiling: 5 % would take 20 minutes for 459 answers
    assert loads[0].measure_s == pytest.approx(1.5 * 459 / 6)


def test_a_long_limit_takes_long_probes() -> None:
    loads, _ = searched(up_to(600), question(shortest_s=200.0))
    assert [load.measure_s for load in loads] == pytest.approx([220] * len(loads))


def test_nothing_can_be_fed_after_the_end() -> None:
    search = CapacitySearch(question())
    search.feed("fail", None)
    assert search.next_load() is None
    with pytest.raises(ValueError, match="over"):
        search.feed("pass", None)


@pytest.mark.parametrize("capacity_rps", [60, 130, 400, 799, 990, 1049, 2900])
@pytest.mark.parametrize("found_rps", [None, 0.96, 1.04])
def test_it_reads_off_the_capacity_and_confirms_just_below(
    capacity_rps: float, found_rps: float | None
) -> None:
    asked = question(found_rps=found_rps and found_rps * capacity_rps)
    loads, answer = searched(up_to(capacity_rps), asked, capacity_rps)
    assert answer.rate_rps == pytest.approx(capacity_rps, rel=0.005)
    assert (answer.at_least, answer.why) == (False, None)
    assert (loads[-1].step, loads[-1].measure_s >= 180) == ("confirm", True)
    assert answer.confirmed_rps == loads[-1].rate_rps
    assert 0.9 * capacity_rps <= rate_of(loads[-1]) < capacity_rps
    assert len(loads) <= (14 if capacity_rps < 1100 else 24)


def test_what_no_confirmation_shows_is_said_and_made_again_once() -> None:
    loads, answer = searched(
        lambda load: "likely" if load.step == "confirm" else up_to(600)(load), question()
    )
    assert [load.step for load in loads].count("confirm") == 2
    assert answer.rate_rps == pytest.approx(600, rel=0.005)
    assert answer.confirmed_rps is None
    assert str(answer.why).startswith("no confirmation showed that the SLO holds, at 5")


def test_where_errors_cannot_be_shown_in_time_that_is_said_at_once() -> None:
    loads, answer = searched(up_to(3), question(ceiling_rps=5.0), 3)
    assert {load.step for load in loads} == {"bisect"}
    assert answer.rate_rps is None
    assert re.fullmatch(
        r"to show that errors keep the SLO at (\S+)/s takes (\d+) s, of at most 600 s: allow more "
        r"errors",
        str(answer.why),
    )
