"""How much one figure differs from another, with a 95 % interval; pure.

Random effects: what is drawn anew is a start of the server, and repeats within a start only tell of
that start. Of several starts on each side the difference is judged by Welch's t (Welch 1947, with
Satterthwaite's degrees of freedom) on the logarithms of their means, so that differences are
relative ones.

Danger: the interval of a single start tells how much it wavered, not how much another start would
differ. A single one is judged by how starts of the target are known to differ, and where that is
not known, nothing is said of a difference that a restart might make.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import Literal

from loadtests.measure.distributions import t_quantile
from loadtests.planning.starts import StartSpread

START_SPREAD = 0.04
"""The most that starts of one build are taken to differ by (standard deviation, as a share) where
it was not measured: two of them are then up to 1.96 sqrt(2) times as far apart in 95 %."""
_LEVEL = 0.975

Word = Literal["better", "worse", "same", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure on one side, the larger the better.

    ``values`` are independent of each other (starts of the server, or runs), positive, at least
    one. ``half`` is half the 95 % interval of a single one, as a share of it, None where it has
    none. With ``at_least`` the truth may be any higher.
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
    says that starts are taken to differ by START_SPREAD, and ``restart`` how far a restart may then
    set two apart.
    """

    change: float
    low: float
    high: float
    assumed: bool
    restart: float = 0.0

    @property
    def within(self) -> float:
        """So far apart the two may be, either way."""
        return max(abs(self.low), abs(self.high))


def difference(
    first: Measured, second: Measured, known: StartSpread | None = None
) -> Difference | None:
    """None where one start stands beside one, neither ``known`` nor with an interval.

    ``known`` is used where a side has a single start; it includes those of the other side.
    """
    assumed = len(first.values) == len(second.values) == 1 and known is None
    half = _half(first, second, known)
    if half is None:
        return None
    change = math.log(second.mean / first.mean)
    return Difference(
        change=math.expm1(change),
        low=-1.0 if first.at_least else math.expm1(change - half),
        high=math.inf if second.at_least else math.expm1(change + half),
        assumed=assumed,
        restart=math.expm1(half) if assumed else 0.0,
    )


def word(found: Difference, tolerance: float) -> Word:
    """``same`` within the tolerance, or where neither way is shown.

    Nothing is called the same by an assumption.
    """
    if not found.assumed and -tolerance <= found.low and found.high <= tolerance:
        return "same"
    if found.high < 0:
        return "worse"
    if found.low > 0:
        return "better"
    return "cannot tell" if found.assumed else "same"


def is_regression(found: Difference, tolerance: float) -> bool:
    """Whether the interval as a whole lies below the tolerance."""
    return found.high < -tolerance


def _half(first: Measured, second: Measured, known: StartSpread | None) -> float | None:
    """Half the interval of the difference of logarithms."""
    sides = (first, second)
    if min(len(side.values) for side in sides) > 1:
        return _welch(*([math.log(value) for value in side.values] for side in sides))
    several = max((side.values for side in sides), key=len)
    if known is None and len(several) > 1:
        known = StartSpread.of([several])
    if known is not None:
        spread = t_quantile(_LEVEL, known.degrees) * known.deviation
        apart = spread * math.sqrt(sum(1 / len(side.values) for side in sides))
        return math.hypot(apart, *(side.half or 0.0 for side in sides))
    if first.half is None or second.half is None:
        return None
    between = NormalDist().inv_cdf(_LEVEL) * math.sqrt(2) * START_SPREAD
    return math.hypot(first.half, second.half, between)


def _welch(first: Sequence[float], second: Sequence[float]) -> float:
    squares = [variance(side) / len(side) for side in (first, second)]
    whole = sum(squares)
    if whole == 0:
        return 0.0
    weights = (s * s / (len(x) - 1) for s, x in zip(squares, (first, second), strict=True))
    return t_quantile(_LEVEL, whole * whole / sum(weights)) * math.sqrt(whole)
