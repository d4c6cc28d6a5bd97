"""The search for the capacity, against servers that say at once whether a rate passes."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from loadtests.search.capacity import (
    CapacityAnswer,
    CapacityQuestion,
    CapacitySearch,
    Outcome,
)
from loadtests.search.ceiling import Load

Judge = Callable[[Load], Outcome]


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
        16, ceiling_rps, most_rps, shortest_s, fewest_requests, fewest_for_errors, found_rps
    )


def searched(judge: Judge, asked: CapacityQuestion) -> tuple[list[Load], CapacityAnswer]:
    search = CapacitySearch(asked)
    loads = []
    while (load := search.next_load()) is not None:
        loads.append(load)
        assert len(loads) < 40
        search.feed(judge(load))
    assert search.answer is not None
    return loads, search.answer


@pytest.mark.parametrize("capacity_rps", [50.5, 130, 400, 799, 990, 1049])
def test_it_ends_within_two_percent_below_and_confirms_that(capacity_rps: float) -> None:
    loads, answer = searched(up_to(capacity_rps), question())
    assert 0.98 * capacity_rps <= (answer.rate_rps or 0) <= capacity_rps
    assert (answer.at_least, answer.why) == (False, None)
    assert [load.step for load in loads] == ["bisect"] * (len(loads) - 1) + ["confirm"]
    assert loads[-1].rate_rps == answer.rate_rps
    assert len(loads) <= 12


def test_it_begins_lightly_and_bisects() -> None:
    loads, _ = searched(up_to(600), question())
    assert [rate_of(load) for load in loads[:4]] == [50, 550, 800, 675]
    assert {load.users for load in loads} == {16}


def test_the_ceiling_is_no_limit_where_the_slo_holds_there() -> None:
    loads, answer = searched(up_to(2900), question())
    assert 0.98 * 2900 <= (answer.rate_rps or 0) <= 2900
    rates = [rate_of(load) for load in loads]
    assert rates.index(1050) < rates.index(1050 * 1.5 / 2 + 1050 / 2)


def test_an_slo_that_never_breaks_ends_at_what_the_generator_can_offer() -> None:
    loads, answer = searched(up_to(10**9), question(most_rps=3000))
    assert answer == CapacityAnswer(
        3000, at_least=True, why="the SLO still held at 3000/s, all that the generator can offer"
    )
    assert max(rate_of(load) for load in loads) == 3000
    assert loads[-1].step == "confirm"


def test_a_generator_below_the_ceiling_offers_what_it_can() -> None:
    loads, answer = searched(up_to(10**9), question(most_rps=300))
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


def test_only_a_confirmation_waits_for_what_errors_need() -> None:
    loads, answer = searched(up_to(20), question(ceiling_rps=30.0))
    *bisected, confirmed = loads
    assert all(load.measure_s <= 120 for load in bisected)
    assert confirmed.measure_s == pytest.approx(1.5 * 2995 / rate_of(confirmed))
    assert answer.rate_rps == confirmed.rate_rps


def test_a_confirmation_that_errors_leave_open_is_made_again_for_longer() -> None:
    loads, _ = searched(
        lambda load: "likely" if load.step == "confirm" else up_to(20)(load),
        question(ceiling_rps=30.0),
    )
    first, second, *_ = (load for load in loads if load.step == "confirm")
    assert first.rate_rps == second.rate_rps
    assert second.measure_s == 600 > first.measure_s


def test_where_errors_cannot_be_shown_in_time_that_is_said_at_once() -> None:
    loads, answer = searched(up_to(3), question(ceiling_rps=5.0))
    assert {load.step for load in loads} == {"bisect"}
    assert answer.rate_rps is None
    told = re.fullmatch(
        r"to show that errors keep the SLO at (\S+)/s takes (\d+) s, of at most 600 s: allow more "
        r"errors",
        str(answer.why),
    )
    assert told
    assert 0.98 * 3 <= float(told[1]) <= 3
    assert float(told[2]) == pytest.approx(2995 / float(told[1]), rel=0.02)


def test_what_is_likely_moves_on_but_is_confirmed_for_longer() -> None:
    def judge(load: Load) -> Outcome:
        if rate_of(load) > 600:
            return "unlikely"
        return "pass" if load.step == "confirm" and load.measure_s >= 120 else "likely"

    loads, answer = searched(judge, question())
    assert 0.98 * 600 <= (answer.rate_rps or 0) <= 600
    assert [load.measure_s for load in loads if load.step == "bisect"] == [15] * (len(loads) - 2)
    assert [load.measure_s for load in loads if load.step == "confirm"] == [30, 120]


def test_a_rate_that_is_not_confirmed_is_tried_a_step_below() -> None:
    def judge(load: Load) -> Outcome:
        if load.step == "confirm":
            return "pass" if rate_of(load) <= 570 else "unlikely"
        return "likely" if rate_of(load) <= 600 else "fail"

    loads, answer = searched(judge, question())
    confirmed = [rate_of(load) for load in loads if load.step == "confirm"]
    assert len(confirmed) > 1
    for before, after in pairwise(confirmed):
        assert after == pytest.approx(0.98 * before)
    assert 0.98 * 570 <= (answer.rate_rps or 0) <= 570


def test_steps_down_end() -> None:
    loads, answer = searched(
        lambda load: "fail" if load.step == "confirm" else "likely", question(most_rps=1000)
    )
    assert answer.rate_rps is None
    assert str(answer.why).startswith("no confirmation met the SLO, at 8")
    assert [load.step for load in loads].count("confirm") == 11


def test_steps_down_end_at_the_lightest_load() -> None:
    _, answer = searched(
        lambda load: "fail" if load.step == "confirm" else up_to(52)(load), question()
    )
    assert answer.why == "the SLO does not hold, even at the lightest load, 50.0/s"


@pytest.mark.parametrize("capacity_rps", [475, 500, 520])
def test_a_repeat_looks_around_what_was_found(capacity_rps: float) -> None:
    loads, answer = searched(up_to(capacity_rps), question(found_rps=500.0))
    assert 0.98 * capacity_rps <= (answer.rate_rps or 0) <= capacity_rps
    assert all(450 <= rate_of(load) <= 550 for load in loads)
    assert len(loads) <= 6


@pytest.mark.parametrize("capacity_rps", [60, 300, 700, 990])
def test_a_repeat_that_differs_is_followed(capacity_rps: float) -> None:
    _, answer = searched(up_to(capacity_rps), question(found_rps=500.0))
    assert 0.98 * capacity_rps <= (answer.rate_rps or 0) <= capacity_rps


def test_a_long_limit_takes_long_probes() -> None:
    loads, _ = searched(up_to(600), question(shortest_s=200.0))
    assert [load.measure_s for load in loads] == pytest.approx([220] * len(loads))


def test_nothing_can_be_fed_after_the_end() -> None:
    search = CapacitySearch(question())
    search.feed("fail")
    assert search.next_load() is None
    with pytest.raises(ValueError, match="over"):
        search.feed("pass")
