"""What a load generator should have told, from the reference server's log alone; pure.

When requests fell due is not in that log, and the engine's own word is what is in question. But its
arrival process goes by its seed: the schedule is computed again, and laid as early as the log
allows. That is the engine's own start plus the shortest way that any request had to the server.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

Nanoseconds = NDArray[np.int64]

_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure of one run, beside the truth, and by how much it may miss that."""

    measured: float
    truth: float
    allowed: float

    @property
    def share(self) -> float:
        """How much of what is allowed was used; above 1 is too much."""
        error = abs(self.measured - self.truth)
        return error / self.allowed if self.allowed > 0 else math.inf if error else 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over all runs. ``by`` says which of them must be within the bar."""

    name: str
    unit: str
    bar: str
    by: Literal["median", "each"]
    runs: tuple[Reading, ...]
    share: float
    met: bool


@dataclass(frozen=True, slots=True)
class AccuracySummary:
    """All figures of a case; ``beside`` are figures of each run that explain or are compared."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    beside: Mapping[str, tuple[float, ...]]


def judge(
    name: str, unit: str, bar: str, by: Literal["median", "each"], runs: Sequence[Reading]
) -> Figure:
    """The figure of these runs: its share is their median's, or the worst one's."""
    shares = [run.share for run in runs]
    share = statistics.median(shares) if by == "median" else max(shares)
    return Figure(name, unit, bar, by, tuple(runs), share, share <= 1)


def quantiles_us(spans_ns: Nanoseconds) -> dict[str, float]:
    """The QUANTILES of some spans in microseconds, by nearest rank."""
    return {
        name: float(np.quantile(spans_ns, share, method="inverted_cdf")) / 1e3
        for name, share in QUANTILES.items()
    }


def constant_offsets_ns(rate_rps: float, count: int) -> Nanoseconds:
    """When the requests of a constant arrival process fall due, from its first on."""
    return np.round(np.arange(count) * 1e9 / rate_rps).astype(np.int64)


def poisson_offsets_ns(seed: int, rate_rps: float, count: int) -> Nanoseconds:
    """When the engine's first thread makes requests fall due, from the start of its open loop.

    As ``loadtests/engine`` (worker.cc, load.cc) and ``native/random.h`` draw them: the gaps are
    exponential, by SplitMix64 (Steele, Lea, Flood 2014).
    """
    own_seed = _mixed((seed * 0x100000001B3 + 1 + _GAMMA) & _MASK)
    states = [(own_seed + n * _GAMMA) & _MASK for n in range(1, count + 1)]
    units = np.array([((_mixed(state) >> 11) + 1) * 2.0**-53 for state in states])
    return np.cumsum(-np.log(units) * 1e9 / rate_rps).astype(np.int64)


def _mixed(state: int) -> int:
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 31)


def due_ns(arrivals_ns: Nanoseconds, offsets_ns: Nanoseconds) -> Nanoseconds:
    """When each request fell due: the schedule, laid so that one arrived at once and none before.

    Both in the order of arrival.
    """
    due: Nanoseconds = offsets_ns + (arrivals_ns - offsets_ns).min()
    return due


def capacity_rps(records: NDArray[np.void], servers: int) -> float:
    """What ``servers`` could have served of these requests in a second, none of them ever idle."""
    served_ns = (records["end_ns"] - records["start_ns"]).mean()
    return float(servers * 1e9 / served_ns)
