"""How often a check that may end early calls an objective kept that a simulated queue breaks."""

import numpy as np
import pytest

from loadtests.measure.early_end import Looks, decided
from loadtests.measure.evidence import Counts, Outcome, judge
from loadtests.measure.slo import Slo
from tests.loadtests.queues import Queue, Seen
from tests.loadtests.virtual_probes import counts_of_probe, probes, relaxation_s

pytestmark = pytest.mark.long(minutes=0.2)

TRIALS = 300
LEAST = 30
LONGEST = 4 * LEAST


def ended_early(seen: Seen, trial: int, slo: Slo) -> Outcome:
    """As a check that may end after ``LEAST`` windows of a second."""
    looks = Looks(LEAST)
    for windows in range(1, LONGEST):
        if looks.due(windows):
            pending = int(seen.in_flight[trial][windows - 1])
            counts = counts_of_probe(seen, trial, slo, windows)
            if shown := decided(Counts(*counts, late=pending, late_over=pending), slo, windows):
                return shown
    return judge(Counts(*counts_of_probe(seen, trial, slo, LONGEST)), slo, LONGEST).outcome


@pytest.mark.parametrize("queue", [Queue(1, 0.005), Queue(4, 0.02)], ids=str)
@pytest.mark.parametrize(("times", "wrong"), [(1.1, "pass"), (0.9, "fail")])
def test_looking_now_and_then_is_seldom_wrong(queue: Queue, times: float, wrong: Outcome) -> None:
    """At the rate at which the 99th percentile is so many times the limit."""
    limit_s = 5 * float(np.log(100)) * queue.service_s
    slo = Slo(0.99, round(limit_s * 1e6), 0.01)
    rate_rps = queue.capacity_rps(times * limit_s, 0.01)
    settle_s = 8 * relaxation_s(queue, rate_rps)
    rates = np.full(TRIALS, rate_rps)
    seen = probes(np.random.default_rng([17, queue.servers]), queue, rates, slo, settle_s, LONGEST)
    found = [ended_early(seen, trial, slo) for trial in range(TRIALS)]
    assert found.count(wrong) <= 0.05 * TRIALS
