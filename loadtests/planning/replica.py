"""One replica: what was measured of a target, and the rate it may be given under an SLO."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from loadtests.measure.slo import Slo, default_slo
from loadtests.planning.closed import ClosedLoop, ClosedProbe
from loadtests.planning.curve import Curve, OpenProbe
from loadtests.planning.law import Law

Basis = Literal["capacity", "open loop", "closed loop"]

ONE_RUN = 0.15
"""A single measurement is taken to be off by this share at least: its own interval tells how much
it wavered, not how much another run would differ."""
INFERRED = 0.25
"""So much less is the safe answer where no open loop was measured at all."""


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


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a target may not be used without being asked to."""

    kind: Literal["invalid", "embedded"]
    what: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A target of a run that no plan is made from, and why."""

    run: str
    name: str
    why: str


@dataclass(frozen=True)
class Replica:
    """A target as it was measured in one run: a server on ``cores`` (0: not known)."""

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

    def estimate(self, asked: Slo | None) -> Estimate | str:
        """The rate it takes; else why it takes none, in a few words."""
        slo = self.slo_for(asked)
        if self.capacity and slo == self.capacity_slo:
            return self._measured(slo, self.capacity)
        if isinstance(self.curve, Curve):
            return self._interpolated(slo, self.curve)
        return self._inferred(slo, self.curve)

    def _measured(self, slo: Slo, capacity: Figure) -> Estimate:
        why = ("its capacity was measured at this very objective",)
        ends = capacity.low_rps, capacity.high_rps
        return self._estimate(slo, capacity.rps, ends, capacity.at_least, "capacity", why)

    def _interpolated(self, slo: Slo, curve: Curve) -> Estimate | str:
        found, low, high = (curve.crossing(slo, end) for end in (None, 1, 0))
        if found.rate_rps is None:
            return f"{slo} does not hold even at the lightest rate that was offered"
        rates = low.rate_rps or 0.0, high.rate_rps or found.rate_rps
        why = ("between the open-loop probes on both sides of the objective",)
        if found.at_least:
            why = ("the objective held at the highest rate that was offered",)
        return self._estimate(slo, found.rate_rps, rates, found.at_least, "open loop", why)

    def _inferred(self, slo: Slo, loop: ClosedLoop) -> Estimate | str:
        rate_rps = loop.crossing_rps(slo)
        if not rate_rps:
            return f"{slo} does not hold even for a single user"
        # The probes' own ceiling is one search's luck; the held one was measured afresh.
        rate_rps *= self.ceiling.rps / loop.ceiling_rps
        ends = (
            (1 - INFERRED) * rate_rps * self.ceiling.low_rps / self.ceiling.rps,
            rate_rps * self.ceiling.high_rps / self.ceiling.rps,
        )
        why = (
            "no open loop was measured: the latency under a rate is inferred from the closed-loop "
            f"probes, and the safe answer takes {INFERRED:.0%} off",
        )
        return self._estimate(slo, rate_rps, ends, self.ceiling.at_least, "closed loop", why)

    def _estimate(
        self,
        slo: Slo,
        rate_rps: float,
        ends: tuple[float, float],
        at_least: bool,  # noqa: FBT001
        basis: Basis,
        why: tuple[str, ...],
    ) -> Estimate:
        low, high = ends
        if self._measurements(basis) < 2:
            low, high = min(low, (1 - ONE_RUN) * rate_rps), max(high, (1 + ONE_RUN) * rate_rps)
            why += (f"it rests on one measurement, taken to be off by {ONE_RUN:.0%} at least",)
        if at_least:
            why += ("it is a lower bound: the server may take more",)
        return Estimate(slo, max(low, 0.0), rate_rps, high, at_least, basis, why)

    def _measurements(self, basis: Basis) -> int:
        figure = self.capacity if basis == "capacity" and self.capacity else self.ceiling
        return figure.repeats
