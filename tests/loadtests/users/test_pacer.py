"""Python clients in open loop: what falls due, who gets it, and what it waited."""

import gevent
import pytest
from gevent.event import Event

with pytest.MonkeyPatch.context() as patch:  # or the whole test process would run under gevent
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    from loadtests.users.gate import Gate
    from loadtests.users.pacer import Pacer, Turn


def takers(gate: Gate, count: int, turns: list[Turn], busy_s: float) -> list[gevent.Greenlet]:
    """Users that are busy for so long with each request."""

    def take() -> None:
        while True:
            with gate.passed(Event()) as turn:
                if turn is not None:
                    turns.append(turn)
                    gevent.sleep(busy_s)

    return [gevent.spawn(take) for _ in range(count)]


def test_a_rate_is_a_poisson_process_whatever_becomes_of_the_requests() -> None:
    pacer = Pacer("seed")
    pacer.follow(2000.0)
    gevent.sleep(0.5)
    pacer.follow(None)
    assert abs(pacer.due - 1000) < 6 * 1000**0.5 + 100
    assert pacer.waiting == pacer.due
    pacer.give_up()
    assert (pacer.unsent, pacer.waiting) == (pacer.due, 0)


def test_requests_wait_for_a_free_user_and_know_how_long() -> None:
    gate, turns = Gate("seed"), list[Turn]()
    users = takers(gate, 1, turns, busy_s=0.05)
    gate.open((0.0, 0.0, 0.0, 0.0))
    gevent.sleep(0.02)
    gate.close()
    assert gate.in_flight == 4
    gate.wait_until_empty(5)
    assert (gate.in_flight, gate.pacer.unsent) == (0, 0)
    waited_s = [turn.slot_wait_s for turn in turns]
    assert waited_s == pytest.approx([0, 0.05, 0.1, 0.15], abs=0.045)
    assert turns[0].waited_s == turns[0].lag_s
    gevent.killall(users)


def test_what_nobody_took_in_time_is_unsent() -> None:
    gate, turns = Gate("seed"), list[Turn]()
    users = takers(gate, 1, turns, busy_s=5)
    gate.open((0.0, 0.0, 0.0))
    gevent.sleep(0.02)
    gate.close()
    gate.wait_until_empty(0.05)
    assert (gate.pacer.due, gate.pacer.unsent, gate.in_flight) == (3, 2, 1)
    gevent.killall(users)


def test_a_closed_loop_follows_an_open_one_and_users_leave() -> None:
    gate, turns = Gate("seed"), list[Turn]()
    users = takers(gate, 3, turns, busy_s=0.01)
    gate.open(0.5)
    gevent.sleep(0.03)
    gate.open()
    gevent.sleep(0.1)
    assert len(turns) >= 6
    assert {turn.waited_s for turn in turns[-6:]} == {0}
    gevent.killall(users)

    stopping = Event()
    gate.open(0.001)
    leaving = gevent.spawn(lambda: gate._turn(stopping))
    gevent.sleep(0.01)
    stopping.set()
    assert leaving.get(timeout=5) is None
