"""Several replicas as one: how their latency differs from that of one alone, by the balancer.

A balancer that sends each request to any replica at random gives each a Poisson stream of its own:
then every replica does exactly what the one that was measured did. Better balancers keep lines
shorter. By how much is simulated, on servers with the ceiling and the service times of the measured
one, and the measured latency is scaled by that ratio.
"""

import math
from dataclasses import dataclass

import numpy as np

from loadtests.measure.slo import Slo
from loadtests.planning.balancing import BALANCINGS, Balancing, Pool, simulate
from loadtests.planning.replica import Replica

MOST_REPLICAS = 8
"""More of them gain little more, and what they gain is left out."""
MOST_SERVERS = 16
HIGHEST_LOAD = 0.95
LOWEST_LOAD = 0.05
REQUESTS = 50_000


@dataclass(frozen=True, slots=True)
class Balanced:
    """The SLO's quantile of response latency of all replicas behind one kind of balancer."""

    balancing: Balancing
    latency_s: float


def balanced(one: Replica, replicas: int, rate_rps: float, slo: Slo) -> tuple[Balanced, ...]:
    """For each kind of balancer; empty where the latency of one replica is not known."""
    own_s = one.curve.quantile_s(rate_rps / replicas, slo.quantile)
    if not math.isfinite(own_s):
        return ()
    ratios = pooling_ratios(one, replicas, rate_rps, slo.quantile)
    return tuple(Balanced(kind, own_s * ratios[kind]) for kind in BALANCINGS)


def pooling_ratios(
    one: Replica, replicas: int, rate_rps: float, quantile: float
) -> dict[Balancing, float]:
    """The quantile of response latency behind each kind of balancer, relative to ``random``."""
    if replicas == 1:
        return dict.fromkeys(BALANCINGS, 1.0)
    found = {
        kind: _quantile_s(_pool(one, replicas, kind), one, rate_rps / replicas, quantile)
        for kind in BALANCINGS
    }
    return {kind: min(1.0, found[kind] / found["random"]) for kind in BALANCINGS}


def _pool(one: Replica, replicas: int, kind: Balancing) -> Pool:
    """As many servers as the ceiling keeps busy (Little's law), and their service times."""
    ceiling_rps, service = one.ceiling.rps, one.service_s
    servers = min(max(1, round(ceiling_rps * service.mean)), MOST_SERVERS)
    fitted = service.scaled(servers / ceiling_rps / service.mean)
    return Pool(min(replicas, MOST_REPLICAS), servers, fitted, kind)


def _quantile_s(pool: Pool, one: Replica, rate_rps: float, quantile: float) -> float:
    load = min(max(rate_rps / one.ceiling.rps, LOWEST_LOAD), HIGHEST_LOAD)
    return float(np.quantile(simulate(pool, load * pool.most_rps, REQUESTS).response_s, quantile))
