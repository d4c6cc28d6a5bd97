"""What each scenario asks of a server, and when."""

import math

import pytest

from loadtests.search.course_search import CourseSearch
from loadtests.search.courses import (
    Check,
    Course,
    Overload,
    Ramp,
    Replay,
    Soak,
    Spike,
    course_of,
)
from loadtests.search.load import Load
from loadtests.search.profiles import PROFILES
from serving.errors import RedlineError, UsageError
from tests.loadtests.search.gave import gave

QUICK = PROFILES["quick"]


def rates(load: Load) -> list[tuple[str, float | None, float]]:
    return [(one.step, one.rate_rps, one.measure_s) for one in (load, *load.then)]


def test_a_spike_goes_up_and_back() -> None:
    load = Spike(base=0.2, factor=5, base_s=10, peak_s=4, after_s=20).lay(1000)
    assert rates(load) == [("before", 200, 10), ("peak", 1000, 4), ("after", 200, 20)]
    assert (load.settle_s, load.window_s) == (3, 1)


def test_an_overload_goes_above_the_capacity_and_back() -> None:
    load = Overload().lay(1000)
    assert rates(load) == [("before", 500, 15), ("overload", 1500, 30), ("after", 500, 60)]


def test_a_ramp_has_equal_steps() -> None:
    load = Ramp(first=0.2, last=1.0, steps=5, step_s=7).lay(100)
    assert [round(rate or 0, 9) for _, rate, _ in rates(load)] == [20, 40, 60, 80, 100]
    assert [step for step, _, _ in rates(load)] == [f"step {n}" for n in range(1, 6)]
    assert {length_s for _, _, length_s in rates(load)} == {7}


@pytest.mark.parametrize(
    ("soak_s", "window_s"), [(60, 1), (3600, 1), (7200, 2), (86_400, 24), (10 * 86_400, 30)]
)
def test_a_long_soak_has_long_windows(soak_s: float, window_s: float) -> None:
    load = Soak(soak_s=soak_s).lay(1000)
    assert rates(load) == [("soak", 700, soak_s)]
    assert load.window_s == window_s


def test_a_replay_is_as_long_as_its_arrivals_and_scaled() -> None:
    load = Replay(speed=2, times_s=(0, 1, 1, 4)).lay(0)
    assert load.schedule_s == (0, 0.5, 0.5, 2)
    assert (load.measure_s, load.rate_rps) == (3, 4 / 3)


def test_settings_are_read_by_name() -> None:
    assert course_of("spike", {"peak-s": "4", "factor": 3}) == Spike(peak_s=4, factor=3)
    assert course_of("ramp", {"steps": "4"}) == Ramp(steps=4)
    assert course_of("replay", {"arrivals": "a.txt"}) == Replay(arrivals="a.txt")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"peek-s": "4"},
            "spike has no setting 'peek-s': choose from base, factor, base-s, peak-s",
        ),
        ({"factor": "much"}, "spike: factor is 'much', not a number"),
        ({"factor": "0.5"}, "spike: factor is 0.5, but must be at least 1"),
        ({"base-s": "nan"}, "spike: base-s is nan, but must be at least 5"),
        ({"base": "inf"}, "spike: base is inf, but must be at least"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        course_of("spike", settings)


def test_a_known_capacity_needs_no_search() -> None:
    search = CourseSearch(Spike(), QUICK, 1000.0, users=7)
    warmup = search.next_load()
    assert warmup is not None
    assert (warmup.step, warmup.rate_rps) == ("warmup", None)
    for _ in range(3):  # until its goodput stands still
        search.feed(gave(500), 0, 0.01)
    laid = search.next_load()
    assert laid is search.laid
    assert laid is not None
    assert rates(laid)[1] == ("peak", 1500, 10)
    assert {one.users for one in (laid, *laid.then)} == {7}
    search.feed(gave(0), 1, 0.01)
    assert search.next_load() is None


def held_at(goodput_rps: float, error_ratio: float) -> CourseSearch:
    """The search after a ceiling search in which all else was well."""
    search = CourseSearch(Overload(), QUICK, None, users=1)
    for _ in range(200):
        load = search.next_load()
        assert load is not None
        if load is search.laid:
            break
        held = load.step == "hold"
        search.feed(
            gave(goodput_rps if held else 100.0 * load.users), error_ratio if held else 0, 0.01
        )
    return search


def test_without_one_the_ceiling_is_sought_first() -> None:
    search = held_at(900, 0)
    assert search.capacity_rps == 900
    assert search.laid is not None
    assert rates(search.laid)[0] == ("before", 450, 15)


def test_a_ceiling_whose_answers_go_wrong_is_none() -> None:
    with pytest.raises(RedlineError, match="no ceiling was found"):
        held_at(900, 0.5)


def warmed(course: Course, latencies_s: list[float]) -> list[Load]:
    """The loads of a search whose probes give these latencies."""
    search, loads = CourseSearch(course, QUICK, None, users=3), []
    for latency_s in [*latencies_s, 0.0]:
        load = search.next_load()
        assert load is not None
        loads.append(load)
        search.feed(gave(100), 0, latency_s)
    assert search.next_load() is None
    assert search.laid is loads[-1]
    return loads


@pytest.mark.parametrize(
    "latencies_s",
    [
        [0.02, 0.02],
        [0.02, 0.019],
        [0.09, 0.05, 0.03, 0.03],
        [math.inf, 0.03, 0.03],
        [math.inf, math.inf],
        [0.5**n for n in range(12)],
    ],
    ids=["warm", "within a tenth", "while it gets faster", "late", "silent", "no longer than 12 s"],
)
def test_a_server_is_warmed_at_the_rate_of_the_course_while_it_gets_faster(
    latencies_s: list[float],
) -> None:
    *warming, check = warmed(Check(rate_rps=40), latencies_s)
    assert {(load.step, load.rate_rps, load.users) for load in warming} == {("warmup", 40, 3)}
    assert (check.step, check.rate_rps, check.users) == ("check", 40, 3)


def test_a_replay_has_no_use_for_a_capacity() -> None:
    search = CourseSearch(Replay(times_s=(0, 1)), QUICK, None, users=1)
    for _ in range(2):
        search.feed(gave(100), 0, 0.01)
    assert search.capacity_rps is None
    assert search.laid is not None
    assert search.laid.schedule_s == (0, 1)


def test_the_peak_of_a_schedule_is_its_busiest_second() -> None:
    assert Load("replay", 1, 0, 9, 0.7, schedule_s=(0, 1, 1.5, 1.99, 2, 8)).peak_rps == 3
    assert Load("check", 1, 0, 9, 0.7).peak_rps == 0.7
    assert Load("grow", 8, 0, 9).peak_rps is None
