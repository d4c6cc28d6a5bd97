"""Whether something creeps up or down in the hours of a soak, with the interval of its slope."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from loadtests.measure.distributions import t_quantile
from loadtests.measure.intervals import CONFIDENCE
from loadtests.measure.trend import Trend, trend

State = Literal["steady", "creeps", "undecided"]
HOUR_S = 3600.0
FEWEST = 10
"""Values, for a slope to be given."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The slope of a value, in its own unit per hour, with its 95 % interval.

    It ``creeps`` when it rose by more than the ``allowed`` over the whole time, and significantly;
    it is ``steady`` when the interval excludes such a rise, and else ``undecided``.
    """

    state: State
    mean: float
    per_hour: float
    interval: tuple[float, float] | None
    allowed_per_hour: float


def drift(
    values: Sequence[float], span_s: float, allowed: float, *, falling: bool = False
) -> Drift:
    """Of values at equal distances, ``span_s`` from first to last; a rise to ``allowed`` is none.

    With ``falling`` it is a fall that matters. The slope's error takes the dependence of
    neighbouring values in (:func:`loadtests.measure.trend.trend`).
    """
    hours = span_s / HOUR_S
    if len(values) < FEWEST or span_s <= 0:
        return Drift("undecided", fmean(values) if values else 0.0, 0.0, None, 0.0)
    line = trend(values)
    half = _half(line)
    if half is None:
        return Drift("undecided", line.mean, line.rise / hours, None, allowed / hours)
    low, high = line.rise - half, line.rise + half
    worst = (-high, -low) if falling else (low, high)
    state: State = "undecided"
    if worst[0] > 0 and (worst[0] + worst[1]) / 2 > allowed:
        state = "creeps"
    elif worst[1] <= allowed:
        state = "steady"
    return Drift(state, line.mean, line.rise / hours, (low / hours, high / hours), allowed / hours)


def _half(line: Trend) -> float | None:
    """Half the interval of the rise; None where neighbours resemble each other too much."""
    if line.freedom < 1:
        return None
    return t_quantile((1 + CONFIDENCE) / 2, line.freedom) * line.error
