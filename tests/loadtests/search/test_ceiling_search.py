"""The ceiling search finds the smallest load that draws nearly all there is, in virtual servers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtests.search.ceiling import CeilingSearch
from loadtests.search.load import Load
from loadtests.search.profiles import PROFILES
from tests.loadtests.search.gave import gave

Server = Callable[[int], tuple[float, float]]


def saturating(knee: int, top_rps: float) -> Server:
    """Goodput grows with the users up to ``knee``, then stays."""
    return lambda users: (top_rps * min(1.0, users / knee), 0.0)


def collapsing(knee: int, top_rps: float) -> Server:
    """As above, but half is lost beyond twice the knee."""
    return lambda users: (top_rps * min(1.0, users / knee) * (1 if users <= 2 * knee else 0.5), 0.0)


def rejecting(limit: int, each_rps: float) -> Server:
    """Up to ``limit`` requests in flight are served, all others refused: a cheap error reply."""

    def serve(users: int) -> tuple[float, float]:
        return min(users, limit) * each_rps, 0.0 if users <= limit else 0.9

    return serve


def searched(server: Server, profile: str = "full") -> list[Load]:
    search = CeilingSearch(PROFILES[profile])
    loads = []
    while (load := search.next_load()) is not None:
        loads.append(load)
        assert len(loads) < 60
        feed(search, server(load.users))
    return loads


def feed(search: CeilingSearch, found: tuple[float, float]) -> None:
    """The goodput, the same all the time, and the share of errors."""
    goodput_rps, error_ratio = found
    search.feed(gave(goodput_rps), error_ratio)


def held(loads: list[Load]) -> Load:
    """What was held last: the answer of the search."""
    return [load for load in loads if load.step == "hold"][-1]


@pytest.mark.parametrize("knee", [1, 2, 7, 16, 40, 100, 300])
@pytest.mark.parametrize("shape", [saturating, collapsing])
def test_the_held_load_draws_nearly_all(knee: int, shape: Callable[..., Server]) -> None:
    server = shape(knee, 1000.0)
    users = held(searched(server)).users
    assert server(users)[0] >= 0.97 * 1000
    assert users <= 2 * knee


def warmed(goodputs_rps: list[float], profile: str = "quick") -> list[Load]:
    """The warm-ups of a server that gives so much in its first ones, and then the last for ever."""
    search = CeilingSearch(PROFILES[profile])
    loads: list[Load] = []
    while (load := search.next_load()) is not None and load.step == "warmup":
        loads.append(load)
        search.feed(gave(goodputs_rps[min(len(loads), len(goodputs_rps)) - 1]), 0.0)
    return loads


def test_a_server_that_compiles_what_it_repeats_is_warmed_until_it_stands_still() -> None:
    cold = [439.0, 2647, 4053, 5126, 5185, 6610, 6844]  # one flat gain in between says nothing
    assert len(warmed(cold, "full")) == len(cold) + 2
    assert len(warmed(cold)) == PROFILES["quick"].warmups
    assert len(warmed([500.0])) == 3
    assert len(warmed([0.0])) == 3  # one that answers nothing does not get warmer


def test_a_server_that_slows_down_is_warmed_until_it_stands_still() -> None:
    slower = [15_008.0, 14_071, 12_385, 9_041, 7_665, 7_500]
    assert len(warmed(slower, "full")) == len(slower) + 1
    assert len(warmed(slower)) == PROFILES["quick"].warmups


def test_a_warm_up_asks_no_more_than_is_answered_within_a_second() -> None:
    assert [load.users for load in warmed([900.0])] == [4, 64, 64]
    assert [load.users for load in warmed([20.0])] == [4, 20, 20]
    assert [load.users for load in warmed([0.5])] == [4, 4, 4]


def test_it_starts_with_a_warmup_and_ends_with_holds_and_their_doubles_in_turns() -> None:
    steps = [load.step for load in searched(saturating(20, 500))]
    assert steps[:4] == ["warmup"] * 4 != steps[1:5]
    fewest, _ = PROFILES["full"].holds
    assert steps[-2 * fewest :] == ["hold", "double"] * fewest
    found = steps[: -2 * fewest]
    assert found == sorted(found, key=["warmup", "grow", "refine"].index)


def test_a_search_goes_on_until_its_holds_are_alike_or_its_time_is_up() -> None:
    fewest, most = PROFILES["quick"].holds
    assert turns([1.0, 1.002, 0.998]) == fewest
    assert turns([1.0, 1.6, 0.8, 1.2, 1.0]) == most
    assert turns([1.0, 1.03, 0.97], precision=0.2) == fewest < turns([1.0, 1.03, 0.97])


def turns(shares: list[float], precision: float = 0.05) -> int:
    """How often a load is held that gives these shares of a goodput, as its double does."""
    search = CeilingSearch(PROFILES["quick"], found=Load("hold", 8, 1, 3), precision=precision)
    holds = 0
    while (load := search.next_load()) is not None:
        holds += load.step == "hold"
        of_turn = load.step in ("hold", "double")
        search.feed(gave(100 * (shares[holds % len(shares)] if of_turn else 1)), 0.0)
    return holds


def test_a_double_has_the_connections_of_its_hold() -> None:
    search = CeilingSearch(PROFILES["quick"], found=Load("hold", 8, 1, 3))
    asked = []
    while (load := search.next_load()) is not None:
        asked.append((load.step, load.connections))
        search.feed(replace(gave(100.0), connections=3), 0.0)
    assert set(asked) == {("warmup", None), ("hold", None), ("double", 3)}


def test_doubles_that_may_give_more_are_looked_at_again() -> None:
    search = CeilingSearch(PROFILES["quick"], found=Load("hold", 8, 1, 3))
    holds = 0
    while (load := search.next_load()) is not None:
        holds += load.step == "hold"
        search.feed(gave(104 + 6 * (-1) ** holds if load.step == "double" else 100), 0.0)
    assert holds == PROFILES["quick"].holds[1]


def test_twice_the_users_held_are_probed_even_beyond_the_limit() -> None:
    loads = searched(lambda users: (10.0 * users, 0.0), "quick")
    assert held(loads).users == PROFILES["quick"].max_users
    assert loads[-1] == Load("double", 2 * PROFILES["quick"].max_users, 0.5, 2)


def test_a_repeat_holds_what_was_found_and_its_double() -> None:
    first = CeilingSearch(PROFILES["full"])
    while (load := first.next_load()) is not None:
        feed(first, slow(4, 2.0)(load.users))
    assert first.held is not None
    again = CeilingSearch(PROFILES["full"], found=first.held)
    loads = []
    while (load := again.next_load()) is not None:
        loads.append(load)
        feed(again, slow(4, 2.0)(load.users))
    assert [load.step for load in loads[:5]] == ["warmup"] * 3 + ["hold", "double"]
    assert loads[3] == first.held == again.held
    assert loads[4].settle_s >= 2 * loads[4].users / 4


def test_a_repeat_whose_answers_go_wrong_finds_nothing() -> None:
    again = CeilingSearch(PROFILES["quick"], found=Load("hold", 8, 1, 15))
    for _ in range(3):
        again.feed(gave(10.0), 0.0)
    again.feed(gave(10.0), 0.5)
    assert again.next_load() is None


def test_growth_is_fourfold_until_two_gains_are_flat() -> None:
    grown = [load.users for load in searched(saturating(16, 500)) if load.step == "grow"]
    assert grown == [1, 4, 16, 64, 256]


def test_growth_stops_when_answers_go_wrong() -> None:
    loads = searched(rejecting(8, 100.0))
    assert [load.users for load in loads if load.step == "grow"] == [1, 4, 16]
    assert held(loads).users == 8


def test_a_load_with_errors_is_never_held() -> None:
    for limit in (1, 3, 5, 17, 70):
        assert held(searched(rejecting(limit, 50.0))).users <= limit


def test_a_server_that_only_errs_is_held_at_one_user() -> None:
    last = searched(lambda _: (0.0, 1.0))[-1]
    assert (last.step, last.users) == ("hold", 1)


def test_a_load_that_errs_when_held_is_replaced_by_the_next_best() -> None:
    search = CeilingSearch(PROFILES["quick"])
    tried = []
    while (load := search.next_load()) is not None:
        goodput = min(load.users, 16) * 10.0
        if load.step == "hold":
            tried.append(load.users)
        wrong = load.step == "hold" and load.users == tried[0]
        search.feed(gave(goodput), 0.5 if wrong else 0.0)
    first, *others = tried
    assert set(others) == {others[0]} != {first}
    assert len(others) == PROFILES["quick"].holds[0]


def test_growth_stays_within_the_profile() -> None:
    loads = searched(lambda users: (10.0 * users, 0.0), "quick")
    assert max(load.users for load in loads if load.step != "double") <= PROFILES["quick"].max_users
    assert held(loads).users == PROFILES["quick"].max_users


def lasts_s(loads: list[Load]) -> float:
    """With what it takes for the users to come and the load to drain."""
    return sum(load.settle_s + load.measure_s + 0.15 for load in loads)


def test_quick_stays_within_ninety_five_seconds_with_eleven_for_the_servers_start() -> None:
    for knee in (1, 10, 100):
        assert lasts_s(searched(saturating(knee, 1000.0), "quick")) <= 75
    assert lasts_s(searched(saturating(1000, 1000.0), "quick")) <= 120  # answers take a second
    cold = [Load("warmup", 64, 0, PROFILES["quick"].warmup_s)] * PROFILES["quick"].warmups
    warm = [load for load in searched(saturating(100, 9000.0), "quick") if load.step != "warmup"]
    fewest, most = PROFILES["quick"].holds
    assert lasts_s(cold + warm + (most - fewest) * warm[-2:]) <= 95 - 11


def slow(knee: int, service_s: float) -> Server:
    """``knee`` requests are served at a time, each in ``service_s`` seconds."""
    return lambda users: (min(users, knee) / service_s, 0.0)


def test_probes_of_a_slow_server_last_longer() -> None:
    loads = searched(slow(2, 0.5), "quick")
    assert [load.users for load in loads if load.step == "grow"] == [1, 4, 16]
    assert held(loads).users == 2
    for load in [load for load in loads if load.step == "refine"]:
        latency_s = load.users / 4
        assert load.settle_s >= latency_s
        assert load.measure_s >= min(5 * latency_s, 15)


def test_growth_ends_early_where_probes_see_too_few_latencies() -> None:
    assert [load.users for load in searched(slow(1, 2.0), "quick") if load.step == "grow"] == [1, 4]
    parallel = searched(slow(64, 2.0), "full")
    assert max(load.users for load in parallel if load.step == "grow") == 256
    assert held(parallel).users == 64


def test_nothing_can_be_fed_after_the_end() -> None:
    search = CeilingSearch(PROFILES["quick"])
    while search.next_load():
        search.feed(gave(1.0), 0.0)
    with pytest.raises(ValueError, match="over"):
        search.feed(gave(1.0), 0.0)
