"""The proof of the rules: what they say of 1,000 and more simulated probes whose truth is known."""

import numpy as np
import pytest

from loadtests.measure.distributions import binomial_cdf
from loadtests.measure.slo import Slo
from loadtests.measure.steady import runs_away
from tests.loadtests.queues import Queue
from tests.loadtests.virtual_probes import evidence_of, outcome_of, probes, relaxation_s, steady

pytestmark = pytest.mark.long(minutes=0.2)

P99 = float(np.log(100))
"""Of a single service, in its mean: what an unloaded server shows."""


def default_slo(queue: Queue) -> Slo:
    return Slo(0.99, round(5 * P99 * queue.service_s * 1e6))


@pytest.mark.parametrize(
    ("queue", "windows"),
    [
        (Queue(1, 0.001), 30),
        (Queue(1, 0.005), 30),
        (Queue(4, 0.004), 30),
        (Queue(8, 0.008), 37),
    ],
    ids=str,
)
def test_a_p99_ten_percent_over_the_limit_seldom_passes(queue: Queue, windows: int) -> None:
    trials, slo = 250, default_slo(queue)
    rate_rps = queue.capacity_rps(1.1 * slo.limit_us / 1e6, 0.01)
    settle_s = 8 * relaxation_s(queue, rate_rps)
    rng = np.random.default_rng(1)
    seen = probes(rng, queue, np.full(trials, rate_rps), slo, settle_s, windows)
    found = [evidence_of(seen, trial, slo) for trial in range(trials)]
    assert sum(one.outcome == "pass" for one in found) <= 0.05 * trials
    plain = sum(binomial_cdf(one.over, one.requests, 0.01) <= 0.01 for one in found)
    assert plain >= 0.15 * trials  # what the rule is there to prevent


@pytest.mark.parametrize("queue", [Queue(1, 0.001), Queue(8, 0.008)], ids=str)
def test_a_queue_well_below_its_capacity_passes(queue: Queue) -> None:
    slo = default_slo(queue)
    rate_rps = 0.85 * queue.capacity_rps(slo.limit_us / 1e6, 0.01)
    seen = probes(np.random.default_rng(2), queue, np.full(100, rate_rps), slo, 3, 40)
    assert sum(outcome_of(seen, trial, slo) == "pass" for trial in range(100)) >= 80


@pytest.mark.parametrize("load", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_a_stationary_queue_is_seldom_called_unsteady(load: float) -> None:
    alarms = trials = 0
    for queue in (Queue(1, 0.002), Queue(1, 0.01), Queue(4, 0.01), Queue(16, 0.05)):
        for windows in (10, 30):
            rate_rps = load * queue.ceiling_rps
            settle_s = 10 * relaxation_s(queue, rate_rps)
            rng = np.random.default_rng([3, windows])
            rates = np.full(60, rate_rps)
            seen = probes(rng, queue, rates, default_slo(queue), settle_s, windows)
            alarms += sum(not steady(seen, trial) for trial in range(60))
            trials += 60
    assert alarms <= 0.1 * trials


@pytest.mark.parametrize("queue", [Queue(1, 0.002), Queue(8, 0.01)], ids=str)
def test_a_queue_that_grows_is_unsteady_and_fails(queue: Queue) -> None:
    rates = np.full(100, 1.1 * queue.ceiling_rps)
    seen = probes(np.random.default_rng(4), queue, rates, default_slo(queue), 3, 15)
    assert sum(not steady(seen, trial) for trial in range(100)) >= 95
    outcomes = {evidence_of(seen, trial, default_slo(queue)).outcome for trial in range(100)}
    assert outcomes == {"fail"}


def stopped(queue: Queue, load: float) -> float:
    """The share of probes of 30 s that are stopped, ``load`` being of the capacity at the SLO."""
    slo = default_slo(queue)
    limit_s = slo.limit_us / 1e6
    rate_rps = load * queue.capacity_rps(limit_s, 0.01)
    seen = probes(np.random.default_rng(8), queue, np.full(200, rate_rps), slo, 3, 30)
    allowed = [rate_rps * limit_s] * 30
    return sum(
        any(runs_away(in_flight[:end], allowed[:end]) for end in range(1, 31))
        for in_flight in seen.in_flight.tolist()
    ) / len(seen.in_flight)


@pytest.mark.parametrize("queue", [Queue(1, 0.001), Queue(8, 0.008)], ids=str)
def test_a_probe_that_could_pass_is_hardly_ever_stopped(queue: Queue) -> None:
    assert stopped(queue, 0.97) <= 0.01


def test_a_probe_far_beyond_is_stopped() -> None:
    assert stopped(Queue(1, 0.001), 1.4) >= 0.95
    assert stopped(Queue(8, 0.008), 1.1) >= 0.95
