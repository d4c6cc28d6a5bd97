"""The capacity at an SLO from every probe near it: where the share that misses crosses the limit.

The share p of due requests that miss the SLO at an offered rate r is fitted as
-log(1 - p) = -log(1 - allowed) (r / capacity) ** steepness: a queue's tail is exponential in the
rate it has to spare, and near the limit a power of the rate says the same. It grows with the rate
by construction. The likelihood is quasi-binomial: divided by F, since slow answers come in bursts.

Probes far from the limit know of it only through the curve's shape, so they do not count: beyond
the ceiling there is no equilibrium at all. The steepness is hardly known from so near: the
interval covers all steepnesses, each by its likelihood.

Several starts share the steepness and have a capacity each. Their mean and its interval are of
random effects, with the starts as the unit (DerSimonian and Laird 1986; Hartung and Knapp 2001).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from loadtests.measure.distributions import t_quantile
from loadtests.measure.evidence import Counts, dispersion, with_the_last

Floats = NDArray[np.float64]

FAR = 10.0
"""Fitted shares further than this factor from the allowed one are far from the limit."""
AWAY = 0.2
"""As are rates further away than this share, where a server stalls whatever the rate."""
CLOSE = 3.0
"""F is of points whose share is up to so many times the allowed one."""
NEAREST = 2
STEEPNESS = np.geomspace(1, 300, 41)
"""From a server that stalls whatever the rate, to one whose queue starts within a percent."""
MOST_HAZARD = 30.0
MOST_HALF = math.log(10)
"""An interval that is wider than tenfold either way is no less useless."""
CONFIDENCE = 0.95
BATCHES = 10
ROUNDS = 5
NEWTON_STEPS = 12


@dataclass(frozen=True, slots=True)
class FitPoint:
    """A probe in one ``start`` of the server: ``missed`` of ``requests`` due missed the SLO.

    ``failed`` of them failed. ``dispersion`` is F of the counts of the former, at least 1, and
    ``failed_dispersion`` of the latter.
    """

    start: int
    rate_rps: float
    requests: int
    missed: int
    dispersion: float
    failed: int = 0
    failed_dispersion: float = 1.0

    @property
    def share(self) -> float:
        """Of the requests due, what missed the SLO."""
        return self.missed / self.requests


def point_of(start: int, rate_rps: float, counts: Counts) -> FitPoint:
    """What a probe's ``counts`` say."""
    over = with_the_last(counts.over, counts.late_over)
    failed = with_the_last(counts.failed, counts.late_failed)
    return FitPoint(
        start=start,
        rate_rps=rate_rps,
        requests=sum(counts.ended) + counts.late,
        missed=sum(over),
        dispersion=dispersion(over),
        failed=sum(failed),
        failed_dispersion=dispersion(failed),
    )


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where the share crosses the allowed one, and the 95 % interval of that rate.

    ``starts_rps`` has the capacity of each start. ``steepness`` is by how many percent the share
    grows with each percent of rate, ``dispersion`` the F of the fit, ``near`` its points.
    """

    rate_rps: float
    low_rps: float
    high_rps: float
    allowed: float
    steepness: float
    dispersion: float
    starts_rps: tuple[float, ...]
    near: tuple[FitPoint, ...]

    def rate_at(self, share: float) -> float:
        """The offered rate at which so many miss."""
        hazard = math.log1p(-share) / math.log1p(-self.allowed)
        return float(self.rate_rps * hazard ** (1 / self.steepness))


def capacity_of(
    points: Sequence[FitPoint], allowed: float, allowed_errors: float
) -> Crossing | None:
    """Where latencies or errors, whichever do at the lower rate, break the SLO."""
    found = crossing(points, allowed)
    broken = any(point.failed > allowed_errors * point.requests for point in points)
    if not allowed_errors or not broken:
        return found
    failures = [
        replace(point, missed=point.failed, dispersion=point.failed_dispersion) for point in points
    ]
    of_errors = crossing(failures, allowed_errors)
    both = [each for each in (found, of_errors) if each]
    return min(both, key=lambda each: each.rate_rps, default=None)


def crossing(points: Sequence[FitPoint], allowed: float) -> Crossing | None:
    """Fit all ``points``; None where none of them missed, or there are none."""
    if not any(point.missed for point in points):
        return None
    fit = _Fit(_below_collapse(points, allowed), allowed)
    for _ in range(ROUNDS):
        near = fit.near(points)
        if near == fit.points or not any(point.missed for point in near):
            break
        fit = _Fit(near, allowed)
    low, middle, high = fit.interval()
    return Crossing(
        rate_rps=math.exp(middle),
        low_rps=math.exp(low),
        high_rps=math.exp(high),
        allowed=allowed,
        steepness=fit.steepness,
        dispersion=fit.dispersion,
        starts_rps=tuple(math.exp(each) for each in fit.starts),
        near=tuple(fit.points),
    )


class _Start:
    """The probes of one start: its log capacity for each steepness, and how likely that makes them.

    For a given steepness the likelihood is concave in the log capacity, and Newton's method begins
    at the solution for small shares, which is exact there.
    """

    def __init__(self, points: Sequence[FitPoint], allowed: float, dispersion: float) -> None:
        x = np.log([point.rate_rps for point in points])
        requests = np.array([point.requests for point in points], dtype=float)
        missed = np.array([point.missed for point in points], dtype=float)
        if not missed.any():
            missed[x.argmax()] = 0.5
        centre = float(x.max())
        slopes = STEEPNESS[:, None] * (x - centre)
        level = np.log(missed.sum() / (requests * np.exp(slopes)).sum(axis=1))
        for _ in range(NEWTON_STEPS):
            hazard = np.clip(np.exp(level[:, None] + slopes), 1e-12, MOST_HAZARD)
            odds = hazard / np.expm1(hazard)
            score = (missed * (odds + hazard) - requests * hazard).sum(axis=1)
            information = (requests * hazard * odds).sum(axis=1)
            level = level + np.clip(score / information, -1, 1)
        hazard = np.clip(np.exp(level[:, None] + slopes), 1e-12, MOST_HAZARD)
        information = (requests * hazard**2 / np.expm1(hazard)).sum(axis=1)
        least = math.log(-math.log1p(-allowed))
        self.log_capacity: Floats = centre + (least - level) / STEEPNESS
        self.variance: Floats = dispersion / (information * STEEPNESS**2)
        likelihood = missed * np.log(-np.expm1(-hazard)) - (requests - missed) * hazard
        self.log_likelihood: Floats = likelihood.sum(axis=1) / dispersion


class _Fit:
    """Over a grid of steepnesses, which the starts share."""

    def __init__(self, points: Sequence[FitPoint], allowed: float) -> None:
        self.points = list(points)
        self.dispersion = _pooled(points, allowed)
        by_start: dict[int, list[FitPoint]] = {}
        for point in points:
            by_start.setdefault(point.start, []).append(point)
        self._starts = [_Start(each, allowed, self.dispersion) for each in by_start.values()]
        log_likelihood = sum(start.log_likelihood for start in self._starts)
        likely = np.exp(log_likelihood - np.max(log_likelihood))
        self._likely: Floats = likely / likely.sum()
        best = int(likely.argmax())
        self.steepness = float(STEEPNESS[best])
        self.starts = [float(start.log_capacity[best]) for start in self._starts]
        self._means, self._errors = _together(self._starts)
        self._middle = float(self._means[best])

    def near(self, points: Sequence[FitPoint]) -> list[FitPoint]:
        """Those near the limit, and of each start the nearest two on each side, to tell the slope.

        By the mean of all starts, not by a probe's own: its luck must not choose it.
        """
        most = min(AWAY, math.log(FAR) / self.steepness)
        kept: list[FitPoint] = []
        for start in dict.fromkeys(point.start for point in points):
            own = [point for point in points if point.start == start]
            away = [math.log(point.rate_rps) - self._middle for point in own]
            below, above = (x for x in away if x <= 0), (x for x in away if x > 0)
            least = min([-most, *sorted(below)[-NEAREST:]])
            furthest = max([most, *sorted(above)[:NEAREST]])
            kept += [point for x, point in zip(away, own, strict=True) if least <= x <= furthest]
        return kept

    def interval(self) -> tuple[float, float, float]:
        """Low end, estimate and high end of the logarithm of the capacity."""
        error = math.sqrt(float(self._likely @ self._errors**2))
        steepness_error = math.sqrt(float(self._likely @ (self._means - self._middle) ** 2))
        of_probes = (BATCHES - 1) * len(self.points)
        of_starts = len(self._starts) - 1 or of_probes
        half = min(MOST_HALF, math.hypot(_t(of_starts) * error, _t(of_probes) * steepness_error))
        return self._middle - half, self._middle, self._middle + half


def _t(freedom: int) -> float:
    return t_quantile((1 + CONFIDENCE) / 2, freedom)


def _below_collapse(points: Sequence[FitPoint], allowed: float) -> list[FitPoint]:
    """To begin with, all but where the queue ran away: of these the lightest load of each start."""
    ran_away = [point for point in points if point.share > FAR * allowed]
    lightest = {
        min((p for p in ran_away if p.start == point.start), key=lambda p: p.rate_rps)
        for point in ran_away
    }
    return [point for point in points if point.share <= FAR * allowed or point in lightest]


def _pooled(points: Sequence[FitPoint], allowed: float) -> float:
    """F near the limit: bursts grow without bound towards the ceiling."""
    most = CLOSE * allowed
    telling = [point for point in points if 0 < point.share <= most] or points
    missed = sum(point.missed for point in telling)
    return max(1.0, sum(point.missed * point.dispersion for point in telling) / missed)


def _together(starts: Sequence[_Start]) -> tuple[Floats, Floats]:
    """The mean log capacity and its standard error, for each steepness."""
    capacities = np.stack([start.log_capacity for start in starts])
    variances = np.stack([start.variance for start in starts])
    if len(starts) == 1:
        return capacities[0], np.sqrt(variances[0])
    mean = _mean(capacities, 1 / variances)
    weights = 1 / (variances + _between(capacities, variances, mean))
    mean = _mean(capacities, weights)
    spread = (weights * (capacities - mean) ** 2).sum(axis=0) / (len(starts) - 1)
    return mean, np.sqrt(spread / weights.sum(axis=0))


def _between(capacities: Floats, variances: Floats, mean: Floats) -> Floats:
    """The variance between starts, beyond what their own errors explain."""
    weights = 1 / variances
    excess = (weights * (capacities - mean) ** 2).sum(axis=0) - (len(capacities) - 1)
    scale = weights.sum(axis=0) - (weights**2).sum(axis=0) / weights.sum(axis=0)
    found: Floats = np.maximum(0.0, excess) / np.maximum(scale, 1e-9)
    return found


def _mean(values: Floats, weights: Floats) -> Floats:
    found: Floats = (weights * values).sum(axis=0) / weights.sum(axis=0)
    return found
