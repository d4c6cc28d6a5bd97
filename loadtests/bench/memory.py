"""What a process keeps resident, over a run; pure."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_BATCHES = 20
_T_95 = 2.101
"""Student's t, two-sided 95 %, of as many batches less two degrees of freedom."""
_START_S = 60.0
_SHORTEST_S = 120.0
_HOUR_S = 3600.0

Samples = Sequence[tuple[float, float]]
"""Of (time in s, resident memory in MB)."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A slope in MB an hour, with the ends of its 95 % interval."""

    mb_per_h: float
    low: float
    high: float


def peak_mb(samples: Samples) -> float:
    """The highest sample; 0.0 where there is none."""
    return max((resident for _, resident in samples), default=0.0)


def growth(samples: Samples) -> Growth | None:
    """The slope after the first minute; None where less than two minutes tell nothing of it.

    By least squares over the means of 20 batches: neighbouring samples are far from independent.
    """
    settled = [sample for sample in samples if sample[0] >= samples[0][0] + _START_S]
    if len(settled) < 2 * _BATCHES or settled[-1][0] - samples[0][0] < _SHORTEST_S:
        return None
    points = [_mean(settled[begin:end]) for begin, end in _cuts(len(settled))]
    times, values = zip(*points, strict=True)
    slope, intercept = statistics.linear_regression(times, values)
    residue = sum((value - intercept - slope * time) ** 2 for time, value in points)
    spread = sum((time - statistics.fmean(times)) ** 2 for time in times)
    half = _T_95 * math.sqrt(residue / (_BATCHES - 2) / spread)
    return Growth(slope * _HOUR_S, (slope - half) * _HOUR_S, (slope + half) * _HOUR_S)


def _cuts(count: int) -> list[tuple[int, int]]:
    edges = [count * number // _BATCHES for number in range(_BATCHES + 1)]
    return list(itertools.pairwise(edges))


def _mean(batch: Samples) -> tuple[float, float]:
    return statistics.fmean(time for time, _ in batch), statistics.fmean(mb for _, mb in batch)
