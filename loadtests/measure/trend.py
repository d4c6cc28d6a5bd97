"""Whether values that follow each other rise or fall, when neighbours resemble each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

from loadtests.measure.distributions import t_quantile

_MOST_ALIKE = 0.99


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through values at equal distances.

    ``rise`` is what it gains from the first value to the last, ``error`` the standard error of
    that, with ``freedom`` degrees of freedom (which may be none: then nothing is significant).
    """

    mean: float
    rise: float
    error: float
    freedom: float

    def exceeds(self, least: float, confidence: float = 0.95) -> bool:
        """Whether the rise is more than ``least``, significantly (one-sided t)."""
        if self.freedom < 1 or self.rise <= least:
            return False
        return self.rise - least > t_quantile(confidence, self.freedom) * self.error


def trend(values: Sequence[float], alike: float | None = None) -> Trend:
    """Least squares, with the standard error and the degrees of freedom of dependent values.

    Neighbours correlate by ``alike``; where that is not known, by what the residuals show. Their
    autocorrelation r leaves n (1-r) / (1+r) of n values independent (Santer et al.
    2000, J. Geophys. Res. 105, 7337); r is corrected for its bias in short series,
    -(1 + 4r) / n (Kendall 1954). At least 3 values.
    """
    n = len(values)
    centre = (n - 1) / 2
    mean = sum(values) / n
    spread = n * (n * n - 1) / 12
    slope = sum((i - centre) * value for i, value in enumerate(values)) / spread
    rest = [value - mean - slope * (i - centre) for i, value in enumerate(values)]
    alike = _alike(rest) if alike is None else alike
    independent = n * (1 - alike) / (1 + alike)
    freedom = independent - 2
    variance = sum(value * value for value in rest) / freedom if freedom > 0 else math.inf
    return Trend(mean, slope * (n - 1), math.sqrt(variance / spread) * (n - 1), freedom)


def grows(values: Sequence[float], confidence: float = 0.95) -> bool:
    """Whether the values rise, significantly, by their line or by their steps.

    A queue that gets more than it can take is a random walk with a drift: its values depend on each
    other so much that a line tells little, but its steps do not. Those of a queue in equilibrium
    make up for each other, so that their test gives few false alarms. At least 3 values.
    """
    steps = [after - before for before, after in pairwise(values)]
    error = stdev(steps) / math.sqrt(len(steps))
    walk = Trend(fmean(values), fmean(steps), error, len(steps) - 1)
    return trend(values).exceeds(0, confidence) or walk.exceeds(0, confidence)


def _alike(rest: Sequence[float]) -> float:
    """The autocorrelation of neighbours, from 0 to 0.99; 0 of values without any spread."""
    n = len(rest)
    power = sum(value * value for value in rest)
    scale = max((abs(value) for value in rest), default=0.0)
    if power <= 0 or scale == 0:
        return 0.0
    raw = sum(one * other for one, other in pairwise(rest)) / power
    corrected = (n * raw + 1) / (n - 4) if n > 4 else raw
    return min(_MOST_ALIKE, max(0.0, corrected))
