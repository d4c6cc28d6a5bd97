"""Probes of simulated queues, judged by the rules that judge real ones."""

import math

import numpy as np

from loadtests.measure.evidence import NEAR_LIMIT, NEAR_MULTIPLE, Counts, Evidence, Outcome, judge
from loadtests.measure.slo import Slo
from loadtests.measure.steady import unsteady
from tests.loadtests.queues import Floats, Queue, Seen, open_loop

NEAR_LEVELS = np.linspace(NEAR_LIMIT, 1, 5)
"""The rule's lower level, between half the limit and the limit, is taken from among these."""


def probes(
    rng: np.random.Generator,
    queue: Queue,
    rates_rps: Floats,
    slo: Slo,
    settle_s: float,
    windows: int,
) -> Seen:
    """One probe for each rate."""
    levels_s = [float(level * slo.limit_us / 1e6) for level in NEAR_LEVELS]
    return open_loop(rng, queue, rates_rps, settle_s, windows, levels_s)


def evidence_of(seen: Seen, trial: int, slo: Slo) -> Evidence:
    """As of real windows."""
    return judge(whole_counts(seen, trial, slo), slo, len(seen.ended[trial]))


def whole_counts(seen: Seen, trial: int, slo: Slo) -> Counts:
    """With what ended in the drain."""
    late, late_over = int(seen.late[trial]), int(seen.late_slower[trial])
    counts = counts_of_probe(seen, trial, slo, len(seen.ended[trial]))
    return Counts(*counts, late=late, late_over=late_over)


def counts_of_probe(
    seen: Seen, trial: int, slo: Slo, windows: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """What ended in the first windows, was over the limit and near it; none of it failed."""
    ended, over = seen.ended[trial][:windows], seen.slower[-1][trial][:windows]
    often = NEAR_MULTIPLE * (1 - slo.quantile) * ended.sum()
    levels = (one[trial][:windows] for one in seen.slower)
    near = next((one for one in levels if one.sum() <= often), over)
    return ended.tolist(), over.tolist(), near.tolist(), [0] * windows


def steady(seen: Seen, trial: int) -> bool:
    goodput, in_flight = seen.ended[trial].tolist(), seen.in_flight[trial].tolist()
    return unsteady(goodput, in_flight, closed=False) is None


def outcome_of(seen: Seen, trial: int, slo: Slo) -> Outcome:
    """By the SLO and, where it passes, steadiness."""
    outcome = evidence_of(seen, trial, slo).outcome
    return "likely" if outcome == "pass" and not steady(seen, trial) else outcome


def relaxation_s(queue: Queue, rate_rps: float) -> float:
    """In how long a queue forgets its state (Abate and Whitt 1987)."""
    return 1 / (math.sqrt(queue.ceiling_rps) - math.sqrt(rate_rps)) ** 2
