"""The proof of the searches: what they find in 500 simulated servers, beside the truth."""

from statistics import fmean

import numpy as np
import pytest

from loadtests.measure.replicates import Hold
from loadtests.measure.slo import Slo
from loadtests.search.ceiling import CeilingSearch
from loadtests.search.profiles import PROFILES
from tests.loadtests.queues import Queue, closed_loop
from tests.loadtests.virtual_capacity import campaigns

pytestmark = pytest.mark.long(minutes=0.5)

TRIALS = 500


def held_rps(rng: np.random.Generator, queue: Queue, profile: str, disturbance: float) -> float:
    """What the search holds; each probe is slowed or quickened by so much at random."""
    search = CeilingSearch(PROFILES[profile])
    at_s = 0.0
    while (load := search.next_load()) is not None:
        seen = Queue(queue.servers, queue.service_s / rng.normal(1, disturbance))
        windows = max(1, round(load.measure_s))
        counts = [closed_loop(rng, seen, load.users, 1.0) for _ in range(windows)]
        starts_s = tuple(at_s + load.settle_s + second for second in range(windows))
        search.feed(Hold(starts_s, tuple(map(float, counts)), fmean(counts)), 0.0)
        at_s = starts_s[-1] + 1
    return search.goodput_rps or 0.0


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_the_ceiling_is_found_within_three_percent(profile: str) -> None:
    rng = np.random.default_rng(5)
    near = 0
    for _ in range(TRIALS):
        servers = round(np.exp(rng.uniform(0, np.log(300))))
        queue = Queue(servers, servers / np.exp(rng.uniform(np.log(1_000), np.log(50_000))))
        held = held_rps(rng, queue, profile, disturbance=0.01)
        near += abs(held / queue.ceiling_rps - 1) <= 0.03
    assert near >= 0.95 * TRIALS


def test_the_capacity_is_found_within_five_percent() -> None:
    queue, slo = Queue(8, 0.01), Slo(0.95, 60_000)
    truth_rps = queue.capacity_rps(0.06, 0.05)
    searched = campaigns(np.random.default_rng(6), queue, slo, 100, 1)
    answers = np.array([one.found.rate_rps if one.found else 0 for one in searched]) / truth_rps
    assert (abs(answers - 1) <= 0.05).mean() >= 0.95
    confirmed = np.array([one.confirmed[0] or 0 for one in searched]) / truth_rps
    assert (confirmed > 1.02).mean() <= 0.01
