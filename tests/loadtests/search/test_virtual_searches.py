"""The proof of the searches: what they find in 500 simulated servers, beside the truth."""

import math
from statistics import fmean

import numpy as np
import pytest

from loadtests.measure.evidence import fewest_for_errors, fewest_requests, shortest_s
from loadtests.measure.replicates import Hold
from loadtests.measure.slo import Slo
from loadtests.search.capacity import CapacityQuestion, CapacitySearch
from loadtests.search.ceiling import PROFILES, CeilingSearch, Load
from tests.loadtests.queues import Queue, closed_loop
from tests.loadtests.virtual_probes import outcome_of, probes

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


def found(rng: np.random.Generator, queue: Queue, slo: Slo, trials: int) -> list[float]:
    """The answers of as many searches, which make probes of one length together; 0 for none."""
    searches = [
        CapacitySearch(
            CapacityQuestion(
                users=1,
                ceiling_rps=queue.ceiling_rps * rng.normal(1, 0.01),
                most_rps=100 * queue.ceiling_rps,
                shortest_s=shortest_s(slo),
                fewest_requests=fewest_requests(slo),
                fewest_for_errors=fewest_for_errors(slo),
            )
        )
        for _ in range(trials)
    ]
    while waiting := _shortest_probes(searches):
        windows = _windows(waiting[0][1])
        rates = np.array([load.rate_rps for _, load in waiting])
        seen = probes(rng, queue, rates, slo, waiting[0][1].settle_s, windows)
        for trial, (search, _) in enumerate(waiting):
            search.feed(outcome_of(seen, trial, slo))
    return [search.answer.rate_rps or 0.0 for search in searches if search.answer]


def _shortest_probes(searches: list[CapacitySearch]) -> list[tuple[CapacitySearch, Load]]:
    """Those that wait for a long one gather meanwhile."""
    loads = [(search, load) for search in searches if (load := search.next_load()) is not None]
    shortest = min((_windows(load) for _, load in loads), default=0)
    return [(search, load) for search, load in loads if _windows(load) == shortest]


def _windows(load: Load) -> int:
    return math.ceil(load.measure_s)


def test_the_capacity_is_found_within_five_percent() -> None:
    queue, slo = Queue(8, 0.01), Slo(0.95, 60_000)
    truth_rps = queue.capacity_rps(0.06, 0.05)
    answers = np.array(found(np.random.default_rng(6), queue, slo, TRIALS)) / truth_rps
    assert len(answers) == TRIALS
    assert (abs(answers - 1) <= 0.05).mean() >= 0.95
    assert (answers > 1.02).mean() <= 0.01


def test_where_evidence_is_thin_the_capacity_comes_out_low_and_seldom_high() -> None:
    queue, slo = Queue(2, 0.004), Slo(0.99, 40_000)
    truth_rps = queue.capacity_rps(0.04, 0.01)
    answers = np.array(found(np.random.default_rng(7), queue, slo, 100)) / truth_rps
    assert (answers > 1.02).mean() <= 0.05
    assert np.quantile(answers, 0.05) >= 0.88
