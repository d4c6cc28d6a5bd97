"""The M/M/c queue in steady state: Poisson arrivals, c exponential servers, one line for all.

Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory, 2.3 and 2.4.
"""

import math
from dataclasses import dataclass

from loadtests.measure.slo import Slo

_HALVINGS = 60


def erlang_c(servers: int, offered_load: float) -> float:
    """The share of arrivals that must wait (Erlang's C formula, by the recursion of his B).

    ``offered_load`` is the arrival rate times the mean service time, in servers; 1.0 where it is
    no less than ``servers``, for then the line grows for ever. ValueError for what is no queue.
    """
    if servers < 1 or not 0 <= offered_load < math.inf:
        raise ValueError(f"no queue: {servers} servers and an offered load of {offered_load}")
    if offered_load >= servers:
        return 1.0
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = offered_load * blocked / (busy + offered_load * blocked)
    used = offered_load / servers
    return blocked / (1 - used * (1 - blocked))


@dataclass(frozen=True, slots=True)
class Queue:
    """Exponential service of mean ``mean_s`` at each of ``servers``, one line for all."""

    mean_s: float
    servers: int

    @property
    def most_rps(self) -> float:
        """What all servers together can serve."""
        return self.servers / self.mean_s

    def waiting_share(self, rate_rps: float) -> float:
        """The share of Poisson arrivals at ``rate_rps`` that must wait."""
        return erlang_c(self.servers, rate_rps * self.mean_s)

    def mean_wait_s(self, rate_rps: float) -> float:
        """How long they wait on average, those that need not included; ``inf`` at full load."""
        spare_rps = self.most_rps - rate_rps
        return self.waiting_share(rate_rps) / spare_rps if spare_rps > 0 else math.inf

    def wait_quantile_s(self, rate_rps: float, quantile: float) -> float:
        """The wait that the share ``quantile`` of them does not exceed; ``inf`` at full load."""
        spare_rps, beyond = self.most_rps - rate_rps, 1 - quantile
        waiting = self.waiting_share(rate_rps)
        if spare_rps <= 0:
            return math.inf
        return math.log(waiting / beyond) / spare_rps if waiting > beyond else 0.0

    def late_share(self, rate_rps: float, limit_s: float) -> float:
        """The share of those arrivals that is answered later than ``limit_s`` after it came."""
        waiting = self.waiting_share(rate_rps)
        served, drained = 1 / self.mean_s, self.most_rps - rate_rps  # per second
        if drained <= 0:
            return 1.0
        at_once, emptied = math.exp(-served * limit_s), math.exp(-drained * limit_s)
        if math.isclose(served, drained, rel_tol=1e-9):
            both = (1 + served * limit_s) * at_once
        else:
            both = (served * emptied - drained * at_once) / (served - drained)
        return (1 - waiting) * at_once + waiting * both

    def capacity_rps(self, slo: Slo) -> float:
        """The highest Poisson rate at which ``slo`` holds; 0 where it holds at none."""
        low, high = 0.0, self.most_rps
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            holds = self.late_share(middle, slo.limit_us / 1e6) <= 1 - slo.quantile
            low, high = (middle, high) if holds else (low, middle)
        return low
