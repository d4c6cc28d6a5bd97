"""The closed forms, against printed values, each other and simulated queues."""

import math

import numpy as np
import pytest

from loadtests.planning.balancing import Pool, simulate
from loadtests.planning.law import exponential
from loadtests.planning.queueing import Queue, erlang_c


@pytest.mark.parametrize(
    ("servers", "offered_load", "waiting"),
    [
        (1, 0.7, 0.7),
        (2, 1.0, 1 / 3),
        (3, 2.0, 4 / 9),
        (4, 3.0, 0.5094),  # to the digits of Erlang's tables
        (10, 8.0, 0.4092),
    ],
)
def test_erlang_c_as_tables_have_it(servers: int, offered_load: float, waiting: float) -> None:
    assert erlang_c(servers, offered_load) == pytest.approx(waiting, abs=5e-5)


@pytest.mark.parametrize("servers", [1, 2, 7, 30])
def test_erlang_c_by_its_sum(servers: int) -> None:
    load = 0.83 * servers
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) / (1 - load / servers)
    assert erlang_c(servers, load) == pytest.approx(last / (sum(terms) + last))


def test_erlang_c_at_its_ends() -> None:
    assert erlang_c(3, 0) == 0
    assert erlang_c(3, 3) == 1
    assert erlang_c(3, 9) == 1
    assert 0 < erlang_c(5000, 4900) < 1
    for servers, load in ((0, 0.5), (2, -1.0), (2, math.nan), (2, math.inf)):
        with pytest.raises(ValueError, match="no queue"):
            erlang_c(servers, load)


def test_waits_of_one_server_are_exponential() -> None:
    queue = Queue(mean_s=0.01, servers=1)
    assert queue.mean_wait_s(80) == pytest.approx(0.8 / 20)
    assert queue.wait_quantile_s(80, 0.99) == pytest.approx(math.log(80) / 20)
    assert queue.wait_quantile_s(80, 0.1) == 0
    assert queue.wait_quantile_s(100, 0.5) == math.inf
    assert queue.mean_wait_s(101) == math.inf


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (2, 0.8), (4, 0.7), (8, 0.9)])
def test_simulated_waits_are_within_a_hundredth_of_erlang_c(servers: int, load: float) -> None:
    pool = Pool(1, servers, exponential(0.01), "random")
    rate_rps = load * pool.most_rps
    queue = Queue(0.01, servers)
    waits_s = [simulate(pool, rate_rps, 1_000_000, seed).wait_s for seed in range(3)]
    mean_s = np.mean([wait_s.mean() for wait_s in waits_s])
    waiting = np.mean([(wait_s > 0).mean() for wait_s in waits_s])
    assert mean_s == pytest.approx(queue.mean_wait_s(rate_rps), rel=0.01)
    assert waiting == pytest.approx(queue.waiting_share(rate_rps), rel=0.01)
    p99_s = np.mean([np.quantile(wait_s, 0.99) for wait_s in waits_s])
    assert p99_s == pytest.approx(queue.wait_quantile_s(rate_rps, 0.99), rel=0.02)
