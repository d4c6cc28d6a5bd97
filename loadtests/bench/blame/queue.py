"""The M/M/c queue in steady state; pure.

Erlang's C formula, by the recursion of his B formula: Gross, Shortle, Thompson and Harris,
Fundamentals of Queueing Theory, 2.3 and 2.4.
"""

import math
from dataclasses import dataclass

from loadtests.measure.slo import Slo

_HALVINGS = 60


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
        """The share of Poisson arrivals at ``rate_rps`` (below ``most_rps``) that must wait."""
        offered = rate_rps * self.mean_s
        blocked = 1.0
        for servers in range(1, self.servers + 1):
            blocked = offered * blocked / (servers + offered * blocked)
        used = offered / self.servers
        return blocked / (1 - used * (1 - blocked))

    def late_share(self, rate_rps: float, limit_s: float) -> float:
        """The share of those arrivals that is answered later than ``limit_s`` after it came."""
        waiting = self.waiting_share(rate_rps)
        served, drained = 1 / self.mean_s, self.most_rps - rate_rps  # per second
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
