"""The simulated queues behave as queueing theory says: the proofs rest on them."""

import heapq

import numpy as np
import pytest

from tests.loadtests.queues import Queue, closed_loop, open_loop


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (4, 0.5), (4, 0.9)])
def test_response_times_follow_the_law_of_the_queue(servers: int, load: float) -> None:
    queue = Queue(servers, 0.01 * servers)
    rate_rps = load * queue.ceiling_rps
    levels_s = [0.02, 0.05, 0.1, 0.3]
    rates = np.full(400, rate_rps)
    seen = open_loop(np.random.default_rng(1), queue, rates, 60, 40, levels_s)
    total = seen.ended.sum()
    assert total == pytest.approx(400 * 40 * rate_rps, rel=0.005)
    for level_s, slower in zip(levels_s, seen.slower, strict=True):
        expected = queue.chance_over(level_s, rate_rps)
        spread = (slower.sum(axis=1) / seen.ended.sum(axis=1)).std() / np.sqrt(400)
        assert slower.sum() / total == pytest.approx(expected, abs=4 * spread + 1e-5)
    mean_s = seen.in_flight.mean() / rate_rps  # Little's law
    numeric_s = np.trapezoid([queue.chance_over(t, rate_rps) for t in np.linspace(0, 5, 20_000)])
    assert mean_s == pytest.approx(numeric_s * 5 / 19_999, rel=0.04)


def test_every_request_is_accounted_for() -> None:
    queue = Queue(2, 0.1)
    seen = open_loop(np.random.default_rng(2), queue, np.array([5.0, 40.0]), 0, 12, [0.5])
    assert (seen.late == seen.in_flight[:, -1]).all()
    assert seen.late[1] > 200  # twice too much
    assert seen.late_slower[1] > 0.95 * seen.late[1]


def test_capacity_is_where_the_allowed_share_is_slower() -> None:
    queue = Queue(1, 0.01)
    # M/M/1: exp(-(mu - rate) limit)
    assert queue.capacity_rps(0.25, 0.01) == pytest.approx(100 - np.log(100) / 0.25)
    assert Queue(3, 0.01).chance_over(0.05, 301) == 1


def answers_one_by_one(rng: np.random.Generator, queue: Queue, users: int, seconds: float) -> int:
    """The closed loop, event by event: of a queue that is first come, first served."""
    waiting, ends, now_s, answered = users, [], 0.0, 0
    while True:
        while waiting and len(ends) < queue.servers:
            heapq.heappush(ends, now_s + rng.exponential(queue.service_s))
            waiting -= 1
        now_s = heapq.heappop(ends)
        if now_s > seconds:
            return answered
        answered, waiting = answered + 1, waiting + 1


@pytest.mark.parametrize("users", [1, 3, 9])
def test_a_closed_loop_gives_as_many_answers_as_event_by_event(users: int) -> None:
    queue, rng = Queue(3, 0.02), np.random.default_rng(3)
    slowly = [answers_one_by_one(rng, queue, users, 2) for _ in range(150)]
    quickly = [closed_loop(rng, queue, users, 2) for _ in range(4000)]
    error = np.std(slowly) / np.sqrt(len(slowly))
    assert np.mean(slowly) == pytest.approx(np.mean(quickly), abs=4 * error)
    assert np.std(slowly) == pytest.approx(np.std(quickly), rel=0.25)
