"""Whether values that follow each other rise or fall, when neighbours resemble each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.measure.distributions import t_quantile

_MOST_ALIKE = 0.99


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through values at equal distances.

    ``rise`` is what it gains from the first value to the last, ``error`` the standard error of
    that. So many of the values are ``independent`` (2 or fewer: then nothing is significant).
    """

    mean: float
    rise: float
    error: float
    independent: float

    @property
    def freedom(self) -> float:
        """Degrees of freedom."""
        return self.independent - 2

    def exceeds(self, least: float, confidence: float = 0.95) -> bool:
        """Whether the rise is more than ``least``, significantly (one-sided t)."""
        if self.freedom < 1 or self.rise <= least:
            return False
        return self.rise - least > t_quantile(confidence, self.freedom) * self.error


def trend(values: Sequence[float]) -> Trend:
    """Least squares, with the standard error and the degrees of freedom of dependent values.

    The residuals' autocorrelation r leaves n (1-r) / (1+r) of n values independent (Santer et al.
    2000, J. Geophys. Res. 105, 7337); r is corrected for its bias in short series,
    -(1 + 4r) / n (Kendall 1954). At least 3 values.
    """
    n = len(values)
    centre = (n - 1) / 2
    mean = sum(values) / n
    spread = n * (n * n - 1) / 12
    slope = sum((i - centre) * value for i, value in enumerate(values)) / spread
    rest = [value - mean - slope * (i - centre) for i, value in enumerate(values)]
    independent = n * (1 - (alike := _alike(rest))) / (1 + alike)
    freedom = independent - 2
    variance = sum(value * value for value in rest) / freedom if freedom > 0 else math.inf
    return Trend(mean, slope * (n - 1), math.sqrt(variance / spread) * (n - 1), independent)


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
