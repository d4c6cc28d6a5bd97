"""Whole searches for the capacity of servers whose capacity is known: bias and coverage."""

import math

import numpy as np
import pytest

from loadtests.measure.slo import Slo
from tests.loadtests.queues import Lognormal, Queue, Stalling, open_loop
from tests.loadtests.virtual_capacity import campaigns
from tests.truth.conftest import Row

ALLOWED = 0.01
STARTS = 5
SEARCHES = 300
MOST = 0.98 + 2 * math.sqrt(0.98 * 0.02 / SEARCHES)
"""Of 300 a share has an error; on the side of intervals that are too wide it is let pass."""


def the_slo(queue: Queue, services: float) -> Slo:
    return Slo(1 - ALLOWED, round(services * queue.service_s * 1e6))


def simulated_capacity_rps(queue: Queue, limit_s: float) -> float:
    """Where a long simulation crosses the allowed share: a parabola through log shares near it."""
    middle_rps, width = 0.7 * queue.ceiling_rps, 0.3
    for windows in (600, 600, 3600):
        rates = np.linspace((1 - width) * middle_rps, (1 + width) * middle_rps, 96)
        seen = open_loop(np.random.default_rng(3), queue, rates, 60, windows, [limit_s])
        shares = seen.slower[-1].sum(axis=1) / seen.ended.sum(axis=1)
        off = np.log(np.maximum(shares, 1e-9) / ALLOWED)
        middle_rps, width = float(np.polyfit(off, rates, 2)[-1]), 0.06
    return middle_rps


def test_a_capacity_is_within_its_interval() -> None:
    """The short version: the single queue, one start more than two."""
    queue = Queue(1, 0.002)
    slo = the_slo(queue, 5 * math.log(100))
    truth_rps = queue.capacity_rps(slo.limit_us / 1e6, ALLOWED)
    found = [one.found for one in campaigns(np.random.default_rng(1), queue, slo, 20, 3)]
    assert all(found)
    near = [each for each in found if each]
    assert sum(each.low_rps <= truth_rps <= each.high_rps for each in near) >= 17
    assert abs(np.mean([each.rate_rps for each in near]) / truth_rps - 1) <= 0.01


@pytest.mark.truth
@pytest.mark.parametrize(
    ("name", "queue", "services"),
    [
        ("M/M/1", Queue(1, 0.002), 23.0),
        ("M/M/4", Queue(4, 0.008), 23.0),
        ("lognormal", Lognormal(1, 0.002), 40.0),
        ("stalls once in 60 s", Stalling(1, 0.002), 30.0),
    ],
)
def test_the_interval_of_a_capacity_holds_the_truth(
    name: str, queue: Queue, services: float, row: Row
) -> None:
    slo = the_slo(queue, services)
    limit_s = slo.limit_us / 1e6
    exact = type(queue) is Queue
    truth_rps = (
        queue.capacity_rps(limit_s, ALLOWED) if exact else simulated_capacity_rps(queue, limit_s)
    )
    seeded = np.random.default_rng([31, queue.servers, round(services)])
    searched = campaigns(seeded, queue, slo, SEARCHES, STARTS)
    found = [one.found for one in searched if one.found]
    held = np.mean([each.low_rps <= truth_rps <= each.high_rps for each in found])
    bias = np.mean([each.rate_rps for each in found]) / truth_rps - 1
    row(
        f"the capacity of {name}, +- 95 %",
        "covers in 92 to 98 %; bias to 1 %",
        f"{held:.1%}; {bias:+.2%}",
    )
    assert len(found) == len(searched)
    assert 0.92 <= held <= MOST
    assert abs(bias) <= 0.01
