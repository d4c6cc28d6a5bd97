"""The latency of one server in open loop, from what it did in closed loop.

For where no open loop was measured. A server with n requests in flight gives so many answers a
second as n users draw from it (the flow-equivalent server: Chandy, Herzog and Woo, Parametric
analysis of queuing networks, IBM J. Res. Dev. 19, 1975), so with Poisson arrivals the requests in
flight are a birth-death process; and a request that finds n in flight waits as the users of a
closed loop of n + 1 do. Exact for exponential servers, of which it takes many at their own pace;
for steadier ones it is on the safe side.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.measure.slo import Slo
from loadtests.planning.law import Floats, Law

HIGHEST_LOAD = 0.98
"""Of the ceiling: nearer to it a line grows for longer than anything lasts."""
BEYOND = 1000
"""So many more in flight than users were probed are reckoned with."""
_GRID = 80
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class ClosedProbe:
    """So many users in closed loop, and what they drew."""

    users: int
    goodput_rps: float
    response_s: Law


class ClosedLoop:
    """One server, by its closed-loop probes; there is at least one."""

    def __init__(self, probes: Sequence[ClosedProbe]) -> None:
        best = {probe.users: probe for probe in sorted(probes, key=lambda p: p.goodput_rps)}
        self._probes = [best[users] for users in sorted(best)]
        self._logs = np.log([probe.users for probe in self._probes])
        self._goodputs = np.maximum.accumulate([probe.goodput_rps for probe in self._probes])
        self._most = self._probes[-1].users + BEYOND
        self._grid = np.unique(np.geomspace(1, self._most, _GRID).astype(int))
        self._laws = [self._law(int(users)) for users in self._grid]

    @property
    def ceiling_rps(self) -> float:
        """The highest goodput of all probes."""
        return float(self._goodputs[-1])

    def crossing_rps(self, slo: Slo) -> float | None:
        """The highest rate at which ``slo`` holds; None where it holds at none."""
        limit_s, allowed = slo.limit_us / 1e6, 1 - slo.quantile
        late = self._late_by_found(limit_s)
        low, high = 0.0, HIGHEST_LOAD * self.ceiling_rps
        if late[0] > allowed:
            return None
        if self._late_share(high, late) <= allowed:
            return high
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            holds = self._late_share(middle, late) <= allowed
            low, high = (middle, high) if holds else (low, middle)
        return low

    def quantile_s(self, rate_rps: float, quantile: float) -> float:
        """The response latency that the share ``quantile`` does not exceed; else ``inf``."""
        if rate_rps > HIGHEST_LOAD * self.ceiling_rps:
            return math.inf
        low, high = 0.0, self._laws[-1].at(quantile)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            holds = self._late_share(rate_rps, self._late_by_found(middle)) <= 1 - quantile
            low, high = (low, middle) if holds else (middle, high)
        return high

    def _late_share(self, rate_rps: float, late: Floats) -> float:
        return float(self._found_shares(rate_rps) @ late)

    def _found_shares(self, rate_rps: float) -> Floats:
        """How often an arrival finds 0, 1, 2, ... requests in flight."""
        drawn_rps = self._goodput_at(np.arange(1.0, self._most))
        steps = math.log(max(rate_rps, 1e-12)) - np.log(drawn_rps)
        logs = np.concatenate([[0.0], np.cumsum(steps)])
        shares = np.exp(logs - logs.max())
        return np.asarray(shares / shares.sum())

    def _late_by_found(self, limit_s: float) -> Floats:
        """The share over the limit of requests that find 0, 1, 2, ... in flight."""
        known = [law.late_share(limit_s) for law in self._laws]
        return np.interp(np.arange(1, self._most + 1), self._grid, known)

    def _goodput_at(self, in_flight: Floats) -> Floats:
        """Below the fewest users in proportion; powers between two probes; then the ceiling."""
        first, logs = self._probes[0], np.log(in_flight)
        goodputs = np.exp(np.interp(logs, self._logs, np.log(self._goodputs)))
        fewer = in_flight < first.users
        return np.where(fewer, first.goodput_rps * in_flight / first.users, goodputs)

    def _law(self, users: int) -> Law:
        """The response law of so many users: between two probes', or the last one's, stretched."""
        probes = self._probes
        after = int(np.searchsorted(self._logs, math.log(users) - 1e-12))
        if after == 0:
            return probes[0].response_s
        if after == len(probes):
            return probes[-1].response_s.scaled(users / probes[-1].users)
        low, high = probes[after - 1], probes[after]
        share = (math.log(users) - self._logs[after - 1]) / (
            self._logs[after] - self._logs[after - 1]
        )
        return _between(low.response_s, high.response_s, share)


def _between(low: Law, high: Law, share: float) -> Law:
    ranks = sorted({*low.ranks, *high.ranks})
    times = []
    for rank in ranks:
        quantile = -math.expm1(-rank)
        a, b = max(low.at(quantile), 1e-9), max(high.at(quantile), 1e-9)
        times.append(a * (b / a) ** share)
    return Law(tuple(ranks), tuple(np.maximum.accumulate(times).tolist()))
