"""Replicas behind balancers, against what queueing theory says of them."""

import heapq

import numpy as np
import pytest

from loadtests.planning.balancing import BALANCINGS, Balancing, Pool, simulate
from loadtests.planning.law import Law, exponential
from loadtests.planning.queueing import Queue

pytestmark = pytest.mark.long(minutes=0.1)

CONSTANT = Law((0.0, 1.0), (0.01, 0.01))


def mean_wait_s(pool: Pool, load: float, requests: int = 300_000) -> float:
    return float(simulate(pool, load * pool.most_rps, requests, 3).wait_s.mean())


def test_at_random_each_replica_is_a_queue_of_its_own() -> None:
    pool = Pool(6, 2, exponential(0.01), "random")
    alone = Queue(0.01, 2)
    expected_s = alone.mean_wait_s(0.7 * alone.most_rps)
    assert mean_wait_s(pool, 0.7, 1_500_000) == pytest.approx(expected_s, rel=0.02)


def test_constant_service_halves_the_wait() -> None:
    """M/D/1: Pollaczek and Khinchine."""
    assert mean_wait_s(Pool(1, 1, CONSTANT, "random"), 0.8) == pytest.approx(0.02, rel=0.02)


def test_round_robin_makes_arrivals_more_even() -> None:
    """Every other arrival: E2/M/1, whose wait is sigma / (mu (1 - sigma)) at the root below."""
    load = 0.8
    sigma = 0.5
    for _ in range(200):  # sigma = A*(mu - mu sigma), with two stages of 2 x 0.8 mu each
        sigma = (2 * load / (2 * load + 1 - sigma)) ** 2
    expected_s = 0.01 * sigma / (1 - sigma)
    pool = Pool(2, 1, exponential(0.01), "round-robin")
    assert mean_wait_s(pool, load) == pytest.approx(expected_s, rel=0.02)


def test_the_least_loaded_as_request_by_request() -> None:
    random = np.random.default_rng(5)
    pool = Pool(3, 2, exponential(0.01), "least-loaded")
    rate_rps = 0.85 * pool.most_rps
    gaps_s, services_s = (
        random.exponential(1 / rate_rps, 200_000),
        random.exponential(0.01, 200_000),
    )
    free = [[0.0] * 2 for _ in range(3)]
    ends: list[list[float]] = [[] for _ in range(3)]
    now_s, waits_s = 0.0, []
    for gap_s, service_s in zip(gaps_s, services_s, strict=True):
        now_s += gap_s
        for each in ends:
            while each and each[0] <= now_s:
                heapq.heappop(each)
        replica = min(range(3), key=lambda n: (len(ends[n]), random.random()))
        start_s = max(now_s, heapq.heappop(free[replica]))
        heapq.heappush(free[replica], start_s + service_s)
        heapq.heappush(ends[replica], start_s + service_s)
        waits_s.append(start_s - now_s)
    assert mean_wait_s(pool, 0.85) == pytest.approx(np.mean(waits_s), rel=0.06)


@pytest.mark.parametrize("load", [0.5, 0.9])
def test_better_balancers_wait_less_and_none_less_than_one_line(load: float) -> None:
    waits_s = [mean_wait_s(Pool(4, 2, exponential(0.01), kind), load) for kind in BALANCINGS]
    one_line = Queue(0.01, 8)
    assert waits_s == sorted(waits_s, reverse=True)
    assert waits_s[-1] > one_line.mean_wait_s(load * one_line.most_rps)


@pytest.mark.parametrize("kind", BALANCINGS)
def test_the_same_seed_gives_the_same_times(kind: Balancing) -> None:
    pool = Pool(3, 2, exponential(0.01), kind)
    first, again = (simulate(pool, 300, 5000, 7) for _ in range(2))
    assert (first.response_s == again.response_s).all()
    assert len(first.wait_s) >= 5000
    assert (first.response_s >= first.wait_s).all()


def test_a_load_that_does_not_settle() -> None:
    pool = Pool(2, 1, exponential(0.01), "random")
    for rate_rps in (0.0, 199.9, 300.0):
        with pytest.raises(ValueError, match="load"):
            simulate(pool, rate_rps)
