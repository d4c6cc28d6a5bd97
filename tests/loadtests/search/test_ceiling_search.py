"""The ceiling search finds the smallest load that draws nearly all there is, in virtual servers."""

from collections.abc import Callable

import pytest

from loadtests.search.ceiling import PROFILES, CeilingSearch, Load

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
        assert len(loads) < 40
        search.feed(*server(load.users))
    return loads


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
        search.feed(goodputs_rps[min(len(loads), len(goodputs_rps)) - 1], 0.0)
    return loads


def test_a_server_that_compiles_what_it_repeats_is_warmed_until_it_stands_still() -> None:
    cold = [439.0, 2647, 4053, 5126, 5185, 6610, 6844]  # one flat gain in between says nothing
    assert len(warmed(cold, "full")) == len(cold) + 2
    assert len(warmed(cold)) == PROFILES["quick"].warmups
    assert len(warmed([500.0])) == 3
    assert len(warmed([0.0])) == 3  # one that answers nothing does not get warmer


def test_a_warm_up_asks_no_more_than_is_answered_within_a_second() -> None:
    assert [load.users for load in warmed([900.0])] == [4, 64, 64]
    assert [load.users for load in warmed([20.0])] == [4, 20, 20]
    assert [load.users for load in warmed([0.5])] == [4, 4, 4]


def test_it_starts_with_a_warmup_and_ends_with_one_hold_and_its_double() -> None:
    steps = [load.step for load in searched(saturating(20, 500))]
    assert steps[:4] == ["warmup"] * 4 != steps[1:5]
    assert steps[-2:] == ["hold", "double"]
    assert steps.count("hold") == steps.count("double") == 1
    assert steps == sorted(steps, key=["warmup", "grow", "refine", "hold", "double"].index)


def test_twice_the_users_held_are_probed_even_beyond_the_limit() -> None:
    loads = searched(lambda users: (10.0 * users, 0.0), "quick")
    assert held(loads).users == PROFILES["quick"].max_users
    assert loads[-1] == Load("double", 2 * PROFILES["quick"].max_users, 1, 3)


def test_a_repeat_holds_what_was_found_and_its_double() -> None:
    first = CeilingSearch(PROFILES["full"])
    while (load := first.next_load()) is not None:
        first.feed(*slow(4, 2.0)(load.users))
    assert first.held is not None
    again = CeilingSearch(PROFILES["full"], found=first.held)
    loads = []
    while (load := again.next_load()) is not None:
        loads.append(load)
        again.feed(*slow(4, 2.0)(load.users))
    assert [load.step for load in loads] == ["warmup"] * 3 + ["hold", "double"]
    assert loads[3] == first.held == again.held
    assert loads[4].settle_s >= 2 * loads[4].users / 4


def test_a_repeat_whose_answers_go_wrong_finds_nothing() -> None:
    again = CeilingSearch(PROFILES["quick"], found=Load("hold", 8, 1, 15))
    for _ in range(3):
        again.feed(10.0, 0.0)
    again.feed(10.0, 0.5)
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
    assert searched(lambda _: (0.0, 1.0))[-1] == Load("hold", 1, 3, 60)


def test_a_load_that_errs_when_held_is_replaced_by_the_next_best() -> None:
    search = CeilingSearch(PROFILES["quick"])
    tried = []
    while (load := search.next_load()) is not None:
        goodput = min(load.users, 16) * 10.0
        if load.step == "hold":
            tried.append(load.users)
        search.feed(goodput, 0.5 if load.step == "hold" and load.users == tried[0] else 0.0)
    assert len(tried) == 2
    assert tried[1] != tried[0]


def test_growth_stays_within_the_profile() -> None:
    loads = searched(lambda users: (10.0 * users, 0.0), "quick")
    assert max(load.users for load in loads[:-1]) <= PROFILES["quick"].max_users
    assert held(loads).users == PROFILES["quick"].max_users


def lasts_s(loads: list[Load]) -> float:
    """With a second for the users to come and the load to drain."""
    return sum(load.settle_s + load.measure_s + 1 for load in loads)


def test_quick_stays_within_ninety_seconds() -> None:
    for knee in (1, 10, 100, 1000):
        assert lasts_s(searched(saturating(knee, 1000.0), "quick")) <= 90
    cold = [Load("warmup", 64, 0, PROFILES["quick"].warmup_s)] * PROFILES["quick"].warmups
    warm = [load for load in searched(saturating(100, 9000.0), "quick") if load.step != "warmup"]
    assert lasts_s(cold + warm) <= 90


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
        search.feed(1.0, 0.0)
    with pytest.raises(ValueError, match="over"):
        search.feed(1.0, 0.0)
