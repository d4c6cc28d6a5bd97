"""A law of times, known by some of its quantiles."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Law:
    """Times by their rank ``x = -ln(share that is longer)``, straight lines between the knots.

    In these terms an exponential law is one straight line, and most tails nearly are. Beyond the
    last knot the last line goes on. ``ranks`` begin with 0 and ascend; ``times`` never descend.
    """

    ranks: tuple[float, ...]
    times: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean of all times."""
        ends = [math.exp(-rank) for rank in self.ranks]
        inner = sum(
            _slope(low, high) * (ends[i] - ends[i + 1])
            for i, (low, high) in enumerate(pairwise(zip(self.ranks, self.times, strict=True)))
        )
        return self.times[0] + inner + self._tail * ends[-1]

    @property
    def _tail(self) -> float:
        knots = list(zip(self.ranks, self.times, strict=True))
        return _slope(*knots[-2:]) if len(knots) > 1 else 0.0

    def at(self, share: float) -> float:
        """The time that ``share`` of all do not exceed."""
        return float(self._at_ranks(np.array([-math.log1p(-share)]))[0])

    def late_share(self, limit: float) -> float:
        """The share of times above ``limit``."""
        if limit < self.times[0]:
            return 1.0
        last_rank, last_time = self.ranks[-1], self.times[-1]
        if limit < last_time:
            return math.exp(-float(np.interp(limit, self.times, self.ranks)))
        return math.exp(-last_rank - (limit - last_time) / self._tail) if self._tail else 0.0

    def draw(self, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Random times of this law."""
        return self._at_ranks(random.standard_exponential(shape))

    def scaled(self, factor: float) -> "Law":
        """All times multiplied."""
        return Law(self.ranks, tuple(factor * time for time in self.times))

    def _at_ranks(self, ranks: Floats) -> Floats:
        times = np.interp(ranks, self.ranks, self.times)
        beyond = np.maximum(ranks - self.ranks[-1], 0.0)
        return times + self._tail * beyond


def exponential(mean: float) -> Law:
    """The exponential law."""
    return Law((0.0, 1.0), (0.0, mean))


def law_of(quantiles: Mapping[float, float | None], mean: float | None = None) -> Law | None:
    """The law with these ``quantiles`` (share to time; None is left out).

    The shortest time is what gives ``mean``, as far as can be; without a mean, what the first two
    quantiles point at. None where fewer than two quantiles are known.
    """
    known = sorted((share, time) for share, time in quantiles.items() if time is not None)
    if len(known) < 2:
        return None
    ranks = [-math.log1p(-share) for share, _ in known]
    times = np.maximum.accumulate([time for _, time in known]).tolist()
    slope = _slope((ranks[0], times[0]), (ranks[1], times[1]))
    shortest = times[0] - slope * ranks[0]
    if mean is not None:
        rest = Law((0.0, *ranks), (0.0, *times)).mean
        weight = 1 - (1 - math.exp(-ranks[0])) / ranks[0]  # of the shortest time in the mean
        shortest = (mean - rest) / weight
    return Law((0.0, *ranks), (min(max(shortest, 0.0), times[0]), *times))


def _slope(low: tuple[float, float], high: tuple[float, float]) -> float:
    return (high[1] - low[1]) / (high[0] - low[0])
