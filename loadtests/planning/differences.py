"""How much one figure differs from another, with a 95 % interval; pure.

Of several measurements on each side by Welch's t (Welch 1947, with Satterthwaite's degrees of
freedom) on their logarithms, so that differences are relative ones.

Danger: the interval of a single measurement tells how much it wavered, not how much another run
would differ. Where there is no more than that, a spread between runs is assumed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import Literal

from loadtests.measure.distributions import t_quantile

RUN_SPREAD = 0.01
"""Standard deviation between runs of one build, as a share: assumed where it was not measured."""
_LEVEL = 0.975

Word = Literal["better", "worse", "same"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure on one side, the larger the better.

    ``values`` are independent of each other (runs, or repeats with the server restarted), positive,
    at least one. ``half`` is half the 95 % interval of a single one, as a share of it, None where
    it has none. With ``at_least`` the truth may be any higher.
    """

    values: tuple[float, ...]
    half: float | None = None
    at_least: bool = False

    @property
    def mean(self) -> float:
        """Geometric, as differences are taken of logarithms."""
        return math.exp(fmean(map(math.log, self.values)))


@dataclass(frozen=True, slots=True)
class Difference:
    """The second figure less the first, as a share of the first; ``low`` to ``high`` at 95 %.

    ``low`` is -1, or ``high`` infinite, where the first or the second is a lower bound. ``assumed``
    says that the spread between runs is RUN_SPREAD, since neither side showed it.
    """

    change: float
    low: float
    high: float
    assumed: bool

    @property
    def within(self) -> float:
        """So far apart the two may be, either way."""
        return max(abs(self.low), abs(self.high))


def difference(first: Measured, second: Measured) -> Difference | None:
    """None where a side has a single value without an interval, and so nothing to judge by."""
    half = _half(first, second)
    if half is None:
        return None
    change = math.log(second.mean / first.mean)
    return Difference(
        change=math.expm1(change),
        low=-1.0 if first.at_least else math.expm1(change - half),
        high=math.inf if second.at_least else math.expm1(change + half),
        assumed=len(first.values) == len(second.values) == 1,
    )


def word(found: Difference, tolerance: float) -> Word:
    """``same`` within the tolerance, or where neither way is shown."""
    if -tolerance <= found.low and found.high <= tolerance:
        return "same"
    if found.high < 0:
        return "worse"
    return "better" if found.low > 0 else "same"


def is_regression(found: Difference, tolerance: float) -> bool:
    """Whether the interval as a whole lies below the tolerance."""
    return found.high < -tolerance


def _half(first: Measured, second: Measured) -> float | None:
    """Half the interval of the difference of logarithms."""
    logs = [[math.log(value) for value in side.values] for side in (first, second)]
    counts = [len(side) for side in logs]
    if max(counts) == 1:
        return _half_of_single(first, second)
    if min(counts) == 1:  # whose spread is taken to be that of the other side
        several = max(logs, key=len)
        error = math.sqrt(variance(several) * (1 + 1 / len(several)))
        return t_quantile(_LEVEL, len(several) - 1) * error
    return _welch(*logs)


def _half_of_single(first: Measured, second: Measured) -> float | None:
    if first.half is None or second.half is None:
        return None
    between = NormalDist().inv_cdf(_LEVEL) * math.sqrt(2) * RUN_SPREAD
    return math.hypot(first.half, second.half, between)


def _welch(first: Sequence[float], second: Sequence[float]) -> float:
    squares = [variance(side) / len(side) for side in (first, second)]
    whole = sum(squares)
    if whole == 0:
        return 0.0
    weights = (s * s / (len(x) - 1) for s, x in zip(squares, (first, second), strict=True))
    return t_quantile(_LEVEL, whole * whole / sum(weights)) * math.sqrt(whole)
