"""The latency of one server by the rate that is offered to it, as open-loop probes measured it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.measure.slo import Slo
from loadtests.planning.law import Floats, Law

LEAST_SHARE = 1e-9
"""Stands for none at all, where logarithms are taken."""


@dataclass(frozen=True, slots=True)
class OpenProbe:
    """Requests that fell due at ``rate_rps``; ``response_s`` is of those answered rightly.

    ``p99_ratio`` has the ends of the interval of its p99, as ratios to the p99.
    """

    rate_rps: float
    error_ratio: float
    response_s: Law
    p99_ratio: tuple[float, float] = (1.0, 1.0)

    def late_share(self, slo: Slo, factor: float = 1.0) -> float:
        """The share of due requests over the limit, with all latencies multiplied; errors count."""
        late = self.response_s.scaled(factor).late_share(slo.limit_us / 1e6)
        return 1.0 if self.error_ratio > slo.max_error_ratio else late + self.error_ratio


@dataclass(frozen=True, slots=True)
class Crossing:
    """The rate up to which an SLO holds; ``at_least`` where it held at the highest one probed.

    ``rate_rps`` is None where it holds at none.
    """

    rate_rps: float | None
    at_least: bool = False


class Curve:
    """Lines between the probes; what rises and falls by chance is evened out."""

    def __init__(self, probes: Sequence[OpenProbe]) -> None:
        self._probes = sorted(probes, key=lambda probe: probe.rate_rps)
        self._rates = np.array([probe.rate_rps for probe in self._probes])

    def crossing(self, slo: Slo, end: int | None = None) -> Crossing:
        """Up to which rate ``slo`` holds; ``end`` 0 or 1 takes that end of the p99's interval.

        Neither too many are late there, nor is :meth:`quantile_s` over the limit: where probes
        rise and fall by chance, evening out may have one hold without the other.
        """
        factors = [1.0 if end is None else probe.p99_ratio[end] for probe in self._probes]
        late = [
            probe.late_share(slo, factor)
            for probe, factor in zip(self._probes, factors, strict=True)
        ]
        slow_s = self._quantiles_s(slo.quantile) * factors
        crossings = (
            self._reaches(np.maximum(late, LEAST_SHARE), max(1 - slo.quantile, LEAST_SHARE)),
            self._reaches(slow_s, slo.limit_us / 1e6),
        )
        return min(crossings, key=lambda each: (each.rate_rps or 0.0, each.at_least))

    def _reaches(self, values: Floats, limit: float) -> Crossing:
        """Up to which rate ``values``, one of each probe, stay within ``limit``."""
        logs, allowed = _rising(np.log(values)), math.log(limit)
        over = np.flatnonzero(logs > allowed)
        if not over.size:
            return Crossing(float(self._rates[-1]), at_least=True)
        if not over[0]:
            return Crossing(None)
        above = int(over[0])
        ends = slice(above - 1, above + 1)
        return Crossing(float(np.interp(allowed, logs[ends], self._rates[ends])))

    def quantile_s(self, rate_rps: float, quantile: float) -> float:
        """The response latency that the share ``quantile`` does not exceed at ``rate_rps``.

        Below the lowest rate that was probed, as there; above the highest one it is not known
        (``inf``).
        """
        if rate_rps > self._rates[-1] * (1 + 1e-9):
            return math.inf
        logs = _rising(np.log(self._quantiles_s(quantile)))
        return math.exp(float(np.interp(rate_rps, self._rates, logs)))

    def _quantiles_s(self, quantile: float) -> Floats:
        return np.array([probe.response_s.at(quantile) for probe in self._probes])


def _rising(values: Floats) -> Floats:
    """Halfway between the least rising values above and the greatest below."""
    above = np.maximum.accumulate(values)
    below = np.minimum.accumulate(values[::-1])[::-1]
    return (above + below) / 2
