"""One replica: what was measured of a target, and the rate it may be given under an SLO."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Literal

from loadtests.measure.slo import Slo, default_slo
from loadtests.planning.closed import ClosedLoop, ClosedProbe
from loadtests.planning.curve import Curve, OpenProbe
from loadtests.planning.law import Law

Basis = Literal["capacity", "open loop", "closed loop"]
Kind = Literal["invalid", "embedded"]
"""Of a doubt: the figures are INVALID or of an incomplete run, or a stand-in's."""

ONE_RUN = 0.15
"""A single measurement is taken to be off by this share at least: its own interval tells how much
it wavered, not how much another run would differ."""
INFERRED = 0.25
"""So much less is the safe answer where no open loop was measured at all."""


MEASURED = "its capacity was measured at this very objective"
BETWEEN = "between the open-loop probes on both sides of the objective"
AT_MOST = "the objective held at the highest rate that was offered"
FROM_CLOSED = (
    "no open loop was measured: the latency under a rate is inferred from the closed-loop probes, "
    f"and the safe answer takes {INFERRED:.0%} off"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A rate per second with the ends of its 95 % interval, from so many measurements."""

    rps: float
    low_rps: float
    high_rps: float
    at_least: bool
    repeats: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """The rate that one replica takes under an SLO: safe, expected, best.

    With ``at_least`` nothing shows that it could not take more: the best is then not known.
    ``why`` says where it comes from, in sentences.
    """

    slo: Slo
    low_rps: float
    rps: float
    high_rps: float
    at_least: bool
    basis: Basis
    why: tuple[str, ...]
    measurements: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a target may not be used without being asked to."""

    kind: Kind
    what: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A target of a run that no plan is made from, and why."""

    run: str
    name: str
    why: str


@dataclass(frozen=True)
class Replica:
    """A target as it was measured in one run: a server on ``cores`` (0: not known).

    With ``cores_told`` they were not seen, but told afterwards.
    """

    run: str
    name: str
    server: str
    protocol: str
    model: str
    batch: int
    body: str
    configuration: str
    deployment: str
    cores: int
    cpu: str
    doubts: tuple[Doubt, ...]
    ceiling: Figure
    capacity: Figure | None
    capacity_slo: Slo | None
    closed: tuple[ClosedProbe, ...]
    open: tuple[OpenProbe, ...]
    cores_told: bool = False

    @cached_property
    def curve(self) -> Curve | ClosedLoop:
        """The latency by rate: measured in open loop, or inferred from closed loop."""
        return Curve(self.open) if self.open else ClosedLoop(self.closed)

    @property
    def service_s(self) -> Law:
        """What the fewest users saw: no queue, hence the service itself."""
        return min(self.closed, key=lambda probe: probe.users).response_s

    def slo_for(self, asked: Slo | None) -> Slo:
        """``asked``, or the one that this target was measured at, or the default one."""
        return asked or self.capacity_slo or default_slo(1e6 * self.service_s.at(0.99))

    @property
    def identity(self) -> tuple[object, ...]:
        """What replicas of several runs have in common that may be taken for one target."""
        named = self.name, self.deployment, self.cores, self.cpu
        return *named, self.server, self.protocol, self.model, self.batch, self.body

    def estimate(self, asked: Slo | None) -> Estimate | str:
        """The rate it takes, by this run alone; else why it takes none, in a few words."""
        slo = self.slo_for(asked)
        if self.capacity and slo == self.capacity_slo:
            return _estimate(slo, self.capacity, "capacity", MEASURED)
        if isinstance(self.curve, Curve):
            return self._interpolated(slo, self.curve)
        return self._inferred(slo, self.curve)

    def _interpolated(self, slo: Slo, curve: Curve) -> Estimate | str:
        found, low, high = (curve.crossing(slo, end) for end in (None, 1, 0))
        rate_rps = found.rate_rps
        if rate_rps is None:
            return f"{slo} does not hold even at the lightest rate that was offered"
        ends = low.rate_rps or 0.0, high.rate_rps or rate_rps
        figure = Figure(rate_rps, *ends, found.at_least, self.ceiling.repeats)
        return _estimate(slo, figure, "open loop", AT_MOST if found.at_least else BETWEEN)

    def _inferred(self, slo: Slo, loop: ClosedLoop) -> Estimate | str:
        ceiling = self.ceiling
        share = (loop.crossing_rps(slo) or 0.0) / loop.ceiling_rps
        if not share:
            return f"{slo} does not hold even for a single user"
        low_rps = (1 - INFERRED) * share * ceiling.low_rps
        rps, high_rps = share * ceiling.rps, share * ceiling.high_rps
        figure = Figure(rps, low_rps, high_rps, ceiling.at_least, ceiling.repeats)
        return _estimate(slo, figure, "closed loop", FROM_CLOSED)


def _estimate(slo: Slo, of: Figure, basis: Basis, why: str) -> Estimate:
    ends = of.low_rps, of.rps, of.high_rps
    return Estimate(slo, *ends, of.at_least, basis, (why,), of.repeats)


def together(estimates: Sequence[Estimate]) -> Estimate:
    """One estimate of several runs of the same target: their mean, within the ends of them all."""
    first = estimates[0]
    rps = fmean(one.rps for one in estimates)
    low_rps = max(0.0, min(one.low_rps for one in estimates))
    high_rps = max(one.high_rps for one in estimates)
    why = [line for one in estimates for line in one.why]
    measurements = sum(one.measurements for one in estimates)
    if len(estimates) > 1:
        why.append(f"{len(estimates)} runs of it were made, and its interval spans them all")
    if measurements < 2:
        low_rps, high_rps = min(low_rps, (1 - ONE_RUN) * rps), max(high_rps, (1 + ONE_RUN) * rps)
        why.append(f"it rests on one measurement, taken to be off by {ONE_RUN:.0%} at least")
    if at_least := any(one.at_least for one in estimates):
        why.append("it is a lower bound: the server may take more")
    reasons = tuple(dict.fromkeys(why))
    return Estimate(first.slo, low_rps, rps, high_rps, at_least, first.basis, reasons, measurements)
