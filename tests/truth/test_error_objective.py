"""How often an error objective is called kept or broken though it is not, in simulated probes.

Errors come one by one, or in bursts of a mean size. A probe that sees hardly a burst cannot know of
them, which is what the verdict's last words say; so bursts come 20 times in a probe and more.
"""

from collections.abc import Callable

import numpy as np
import pytest

from loadtests.measure.early_end import Looks, decided
from loadtests.measure.evidence import Counts, Outcome, judge
from loadtests.measure.slo import Slo

LIMIT = 0.001
SLO = Slo(0.99, 25_000, LIMIT)
TRIALS = 400
WRONG = 0.05
WINDOWS = 30

Failures = Callable[[np.random.Generator, int, float, int], list[int]]
"""Of so many windows of so many requests each, of which this share fails."""


def one_by_one(rng: np.random.Generator, windows: int, share: float, requests: int) -> list[int]:
    counted: list[int] = rng.binomial(requests, share, windows).tolist()
    return counted


def in_bursts_of(size: int) -> Failures:
    def failures(rng: np.random.Generator, windows: int, share: float, requests: int) -> list[int]:
        bursts = rng.poisson(share * requests / size, windows)
        return [int(rng.geometric(1 / size, count).sum()) for count in bursts]

    return failures


def judged(failed: list[int], requests: int) -> Outcome:
    return judge(Counts([requests] * len(failed), failed, failed, failed), SLO, len(failed)).outcome


@pytest.mark.parametrize(
    ("failures", "answers"),
    [
        (one_by_one, 3_000),
        (one_by_one, 10_000),
        (one_by_one, 100_000),
        (in_bursts_of(3), 100_000),
        (in_bursts_of(10), 300_000),
    ],
    ids=["3k", "10k", "100k", "100k in threes", "300k in tens"],
)
@pytest.mark.parametrize("times", [0.5, 0.9, 1.1, 2.0])
def test_a_wrong_verdict_is_rare(failures: Failures, answers: int, times: float) -> None:
    rng = np.random.default_rng([14, answers, round(10 * times)])
    requests = answers // WINDOWS
    found = [
        judged(failures(rng, WINDOWS, times * LIMIT, requests), requests) for _ in range(TRIALS)
    ]
    wrong = "pass" if times > 1 else "fail"
    assert found.count(wrong) <= WRONG * TRIALS


@pytest.mark.parametrize(("times", "right"), [(0.5, "pass"), (2.0, "fail")])
def test_where_there_are_answers_enough_it_is_decided(times: float, right: Outcome) -> None:
    rng = np.random.default_rng([15, round(10 * times)])
    found = [judged(one_by_one(rng, WINDOWS, times * LIMIT, 2_000), 2_000) for _ in range(TRIALS)]
    assert found.count(right) >= 0.9 * TRIALS


def ended_early(failed: list[int], requests: int, least: int) -> Outcome:
    """As a check that may end after ``least`` windows of a second."""
    looks = Looks(least)
    for seen in range(1, len(failed)):
        if looks.due(seen):
            some = failed[:seen]
            if shown := decided(Counts([requests] * seen, some, some, some), SLO, seen):
                return shown
    return judged(failed, requests)


@pytest.mark.parametrize("requests", [20, 200])
@pytest.mark.parametrize(
    ("times", "at_most"),
    [(0.5, 20), (0.9, 20), (0.999, 29), (1.001, 29), (1.1, 20), (2.0, 20)],
)
def test_looking_now_and_then_makes_no_more_of_them_wrong(
    times: float, at_most: int, requests: int
) -> None:
    """Of 400; at the limit itself 5 % are expected, and 29 is two standard errors more."""
    least, rng = 180, np.random.default_rng([16, requests, round(1000 * times)])
    found = [
        ended_early(one_by_one(rng, 4 * least, times * LIMIT, requests), requests, least)
        for _ in range(TRIALS)
    ]
    assert found.count("pass" if times > 1 else "fail") <= at_most
