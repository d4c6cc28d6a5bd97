"""What a load generator tells of itself. Knows no Locust: a load test fills it in."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from exporters.page import Histogram
from exporters.schema import LATENCY_BOUNDS_S


@dataclass(frozen=True, slots=True)
class TargetLabels:
    """The labels of a target's series: its own ``name``, and what dashboards choose by."""

    name: str
    server: str
    protocol: str
    model: str


@dataclass(frozen=True, slots=True)
class Slo:
    """``quantile`` (as in ``p99``) of response latency up to ``limit_s``, and so many errors."""

    quantile: str
    limit_s: float
    error_ratio: float


@dataclass(frozen=True, slots=True)
class TimeOfRequests:
    """One of a request's four times.

    ``quantiles_s``: the exact ``p50``, ``p90``, ``p99``, ``p999`` and ``max`` of the newest window,
    None without enough requests. ``histogram_s``: all windows since the target's beginning, as
    :func:`folded` makes it; None before the first.
    """

    quantiles_s: Mapping[str, float | None] = field(default_factory=dict)
    histogram_s: Histogram | None = None


@dataclass(frozen=True, slots=True)
class TargetSnapshot:
    """One target's load. Counts run since the target's beginning, warm-up included.

    ``users`` in closed loop, or ``rate_rps`` in open loop; the other is None. ``wrong`` by kind,
    apart from ``right`` and ``unsent``. ``completeness`` is the share of the windows due from all
    workers in this probe that arrived. ``verdict`` (as in ``VALID``) with its ``reasons``, a few
    fixed words each, is of the probe judged last, "" before the first. ``times`` by the names of
    :data:`exporters.schema.TIMES`.
    """

    target: TargetLabels
    users: int | None
    rate_rps: float | None
    probe: int
    step: str
    phase: str
    due: int
    sent: int
    right: int
    wrong: Mapping[str, int]
    unsent: int
    in_flight: int
    completeness: float | None
    times: Mapping[str, TimeOfRequests]
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    slo: Slo | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A load generator now. ``busy`` by thread: the share of the newest window it ran or waited."""

    targets: tuple[TargetSnapshot, ...]
    busy: Mapping[str, float]
    workers_seen: int
    workers_expected: int


def folded(counted: Iterable[tuple[float, int]]) -> Histogram:
    """``(value in s, how many)`` pairs as a histogram of the schema's coarse buckets."""
    counts = [0] * (len(LATENCY_BOUNDS_S) + 1)
    total_s = 0.0
    for value_s, count in counted:
        counts[bisect_left(LATENCY_BOUNDS_S, value_s)] += count
        total_s += value_s * count
    return Histogram(LATENCY_BOUNDS_S, tuple(accumulate(counts)), total_s, sum(counts))
