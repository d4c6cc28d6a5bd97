"""Whole searches for the capacity of simulated servers: several starts, one fit of all of them."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from loadtests.measure.capacity_fit import Crossing, FitPoint, capacity_of, point_of
from loadtests.measure.evidence import fewest_for_errors, fewest_requests, shortest_s
from loadtests.measure.slo import Slo
from loadtests.search.capacity import CapacityQuestion, CapacitySearch
from loadtests.search.load import Load
from tests.loadtests.queues import Queue, Stalling
from tests.loadtests.virtual_probes import outcome_of, probes, whole_counts

BETWEEN_S = 1.5
"""Draining, and telling what comes next."""


@dataclass
class Campaign:
    """The searches of one target, start after start, with all that their probes counted."""

    points: list[FitPoint] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    confirmed: list[float | None] = field(default_factory=list)
    found: Crossing | None = None


def campaigns(
    rng: np.random.Generator, queue: Queue, slo: Slo, trials: int, starts: int, apart: float = 0.0
) -> list[Campaign]:
    """As many campaigns; the starts' speeds differ by so much at random."""
    each = [Campaign() for _ in range(trials)]
    for start in range(starts):
        _start(rng, queue, slo, each, start, rng.normal(1, apart, trials))
    return each


def _start(
    rng: np.random.Generator,
    queue: Queue,
    slo: Slo,
    each: list[Campaign],
    start: int,
    speeds: np.ndarray,
) -> None:
    searches = [
        CapacitySearch(
            CapacityQuestion(
                users=1,
                ceiling_rps=queue.ceiling_rps * speed * rng.normal(1, 0.01),
                most_rps=100 * queue.ceiling_rps,
                shortest_s=shortest_s(slo),
                fewest_requests=fewest_requests(slo),
                fewest_for_errors=fewest_for_errors(slo),
                allowed=1 - slo.quantile,
                allowed_errors=slo.max_error_ratio,
                found_rps=one.found.rate_rps if one.found else None,
            )
        )
        for one, speed in zip(each, speeds, strict=True)
    ]
    for one in each:
        one.took_s.append(0.0)
    while waiting := _shortest(searches):
        windows = math.ceil(waiting[0][1].measure_s)
        at = np.array([trial for trial, _ in waiting])
        rates = np.array([load.rate_rps for _, load in waiting])
        server = replace(queue, speed=speeds[at])
        if isinstance(server, Stalling):
            server = replace(server, phase_s=rng.uniform(0, server.every_s, len(at)))
        seen = probes(rng, server, rates, slo, waiting[0][1].settle_s, windows)
        for trial, (index, load) in enumerate(waiting):
            point = point_of(start, load.rate_rps or 0, whole_counts(seen, trial, slo))
            searches[index].feed(outcome_of(seen, trial, slo), point)
            each[index].points.append(point)
            each[index].took_s[-1] += windows + load.settle_s + BETWEEN_S
    for one, search in zip(each, searches, strict=True):
        one.confirmed.append(search.answer.confirmed_rps if search.answer else None)
        one.found = capacity_of(one.points, 1 - slo.quantile, slo.max_error_ratio)


def _shortest(searches: list[CapacitySearch]) -> list[tuple[int, Load]]:
    """Those that wait for a long one gather meanwhile."""
    loads = [(i, load) for i, one in enumerate(searches) if (load := one.next_load()) is not None]
    shortest = min((math.ceil(load.measure_s) for _, load in loads), default=0)
    return [(i, load) for i, load in loads if math.ceil(load.measure_s) == shortest]
