"""What is asked of a plan, checked before anything is reckoned."""

import math
import re
from dataclasses import dataclass, replace

from loadtests.measure.slo import Slo, parse_slo
from serving.errors import UsageError

HEADROOM = 0.2
SPARES = 1
MOST_RPS = 1e9
MOST_SPARES = 1000
MOST_PEAK = 1000.0
MOST_COST = 1e6


@dataclass(frozen=True, slots=True)
class Demand:
    """A rate of requests, how well it must be served, and what must be survived.

    ``rps`` times ``peak_factor`` is planned for. ``slo`` None is the default one of each target:
    a p99 of some 5 times the unloaded one. The share ``headroom`` of each replica's capacity stays
    free, and ``spares`` replicas (the k of N+k) may be lost.
    """

    rps: float
    slo: Slo | None = None
    peak_factor: float = 1.0
    spares: int = SPARES
    headroom: float = HEADROOM

    @property
    def peak_rps(self) -> float:
        """What is planned for."""
        return self.rps * self.peak_factor

    def at(self, factor: float) -> "Demand":
        """The same of another rate."""
        return replace(self, rps=self.rps * factor)


def make_demand(
    *,
    rps: float,
    slo: str | None = None,
    peak_factor: float = 1.0,
    availability: str = f"N+{SPARES}",
    headroom: str = f"{HEADROOM:.0%}",
) -> Demand:
    """The demand that these options describe. UsageError names the first that makes no sense."""
    _require("--rps", rps, 0 < rps <= MOST_RPS, "requests per second above 0")
    sane = 1 <= peak_factor <= MOST_PEAK
    _require("--peak-factor", peak_factor, sane, f"a number from 1 to {MOST_PEAK:g}")
    return Demand(
        rps=rps,
        slo=parse_slo(slo) if slo is not None else None,
        peak_factor=peak_factor,
        spares=parse_spares(availability),
        headroom=parse_headroom(headroom),
    )


def parse_spares(text: str) -> int:
    """The k of ``N+k``; UsageError."""
    match = re.fullmatch(r"[Nn](?:\+(\d{1,4}))?", text.strip())
    spares = int(match[1] or 0) if match else -1
    if not 0 <= spares <= MOST_SPARES:
        raise UsageError(f"--availability {text!r}: write N, N+1, N+2 and so on")
    return spares


def parse_headroom(text: str) -> float:
    """A share, as in ``20%`` or ``0.2``; UsageError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)", text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else math.nan
    if not 0 <= share <= 0.9:
        raise UsageError(f"--headroom {text!r}: write a share from 0% to 90%, as in 20%")
    return share


def check_cost(option: str, cost: float) -> float:
    """``cost``, if it is one; UsageError names the option."""
    _require(option, cost, 0 < cost <= MOST_COST, "a price above 0")
    return cost


def _require(option: str, value: float, condition: bool, wanted: str) -> None:  # noqa: FBT001
    if not condition:
        raise UsageError(f"{option} {value:g}: give {wanted}")
