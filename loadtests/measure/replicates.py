"""One load held several times: the mean of the holds, and how well it is known (95 %).

Holds are some seconds apart, and still resemble each other where a server's goodput wanders slowly.
Student's t over their means is too narrow then. How much they resemble each other is told by the
windows within them, so that both are used: the spread of the holds, for it has what no window
shows, and the correlation of the windows, for it says how much of it the few holds can have seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, variance

import numpy as np
from numpy.typing import NDArray

from loadtests.measure.distributions import t_quantile
from loadtests.measure.intervals import CONFIDENCE, Interval, mean_interval
from loadtests.measure.trend import Trend, trend
from loadtests.measure.window import Window

FLAT = 0.05
"""Twice the load gave no more goodput where the interval of the gain ends below this."""
_ALIKE = np.linspace(0, 0.97, 98)
LEAST_FREEDOM = 2.0
"""Of holds that resemble each other so much that they tell as little as one; what they lie between
is told as well."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The windows of one hold: when each began (s), and its goodput (1/s); ``goodput_rps`` in all.

    At least one window. Most ``connections`` that were open, None where the client does not tell.
    """

    starts_s: tuple[float, ...]
    goodputs_rps: tuple[float, ...]
    goodput_rps: float
    connections: int | None = None


def hold_of(windows: Sequence[Window]) -> Hold:
    """Of the measured windows of one probe."""
    duration_s = sum(window.duration_s for window in windows)
    right = sum(window.right for window in windows)
    return Hold(
        tuple(window.start_s for window in windows),
        tuple(window.goodput_rps for window in windows),
        right / duration_s if duration_s else 0.0,
        max((sum(w.connections.values()) for w in windows if w.connections), default=None),
    )


def goodput_of(holds: Sequence[Hold]) -> float:
    """The mean of the holds; each counts as much as another."""
    return fmean(hold.goodput_rps for hold in holds)


def holds_interval(holds: Sequence[Hold]) -> Interval | None:
    """Of the mean goodput that this start of the server goes on to have; None of one hold.

    The variance of the holds' means is freed of the bias that their correlation gives it, and
    that of their mean reckoned with the same correlation, an AR(1) of the windows. Both are of the
    logarithms: a goodput that swings much is none the less above zero.
    """
    if len(holds) < 2:
        return None
    goodput_rps = goodput_of(holds)
    if not all(hold.goodput_rps > 0 for hold in holds):
        return 0.0, math.inf
    spread = variance(math.log(hold.goodput_rps) for hold in holds)
    if spread == 0:
        return goodput_rps, goodput_rps
    of_mean, of_hold = _correlations(holds)
    error = math.sqrt(of_mean * spread * (len(holds) - 1) / (len(holds) * (of_hold - of_mean)))
    freedom = max(LEAST_FREEDOM, of_hold / of_mean - 1)
    half = t_quantile((1 + CONFIDENCE) / 2, freedom) * error
    return goodput_rps * math.exp(-half), goodput_rps * math.exp(half)


def gain_interval(holds: Sequence[Hold], doubles: Sequence[Hold]) -> Interval | None:
    """Of the goodput with twice the load against that of the hold before it, as a ratio.

    None of fewer than two pairs, or where a load gave nothing.
    """
    pairs = [
        (double.goodput_rps, hold.goodput_rps) for hold, double in zip(holds, doubles, strict=False)
    ]
    if any(not rate for pair in pairs for rate in pair):
        return None
    found = mean_interval([math.log(double / hold) for double, hold in pairs])
    return found and (math.exp(found[0]), math.exp(found[1]))


def drift_of(holds: Sequence[Hold]) -> Trend | None:
    """The straight line through the holds' means, taken for equally far apart; None of under four.

    Its error takes the correlation of the holds in, as that of their mean does, reckoned without
    the line itself.
    """
    count = len(holds)
    if count < 4:
        return None
    line = trend([hold.goodput_rps for hold in holds], alike=0.0)
    level = [_moved(hold, -line.rise * (i / (count - 1) - 0.5)) for i, hold in enumerate(holds)]
    of_mean, of_hold = _correlations(level)
    independent = of_hold / of_mean
    error = line.error * math.sqrt(count / independent)
    return replace(line, error=error, freedom=independent - 2)


def _moved(hold: Hold, by_rps: float) -> Hold:
    rates = tuple(rate + by_rps for rate in hold.goodputs_rps)
    return replace(hold, goodputs_rps=rates, goodput_rps=hold.goodput_rps + by_rps)


def width_of(interval: Interval) -> float:
    """Half of it, as a share of its middle."""
    low, high = interval
    return (high - low) / (high + low) if high > 0 else 0.0


def precise(holds: Sequence[Hold], doubles: Sequence[Hold], precision: float) -> bool:
    """Whether the mean is known to ``precision``, and whether twice the load gives more as well."""
    mean, gain = holds_interval(holds), gain_interval(holds, doubles)
    if mean is None or gain is None or width_of(mean) > precision:
        return False
    return gain[1] <= 1 + FLAT or gain[0] > 1 + FLAT


def _correlations(holds: Sequence[Hold]) -> tuple[float, float]:
    """The variance of the mean of all windows, and of one hold's mean, in those of a window.

    By the AR(1) whose windows would on average resemble each other as much as these do.
    """
    distances = _distances(holds)
    of_mean, of_hold = _variances(holds, distances)
    expected = (_ALIKE - of_mean) / (1 - of_mean)
    nearest = int(np.abs(expected - _alike(holds)).argmin())
    return float(of_mean[nearest]), float(of_hold[nearest])


def _distances(holds: Sequence[Hold]) -> NDArray[np.float64]:
    """Between any two windows, in windows."""
    starts_s = np.array([start_s for hold in holds for start_s in hold.starts_s])
    steps_s = [float(step) for hold in holds for step in np.diff(hold.starts_s)]
    apart: NDArray[np.float64] = np.abs(starts_s[:, None] - starts_s[None, :])
    return apart / fmean(steps_s) if steps_s else apart


def _variances(
    holds: Sequence[Hold], distances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the mean of all, and of a hold's mean, for each correlation of ``_ALIKE``."""
    hold_of_window = np.repeat(range(len(holds)), [len(hold.starts_s) for hold in holds])
    same_hold = hold_of_window[:, None] == hold_of_window[None, :]
    alike = _ALIKE[:, None, None] ** distances[None]
    return alike.mean(axis=(1, 2)), alike[:, same_hold].mean(axis=1)


def _alike(holds: Sequence[Hold]) -> float:
    """The correlation of windows that follow each other, about the mean of all."""
    mean = fmean(rate for hold in holds for rate in hold.goodputs_rps)
    rest = [np.array(hold.goodputs_rps) - mean for hold in holds]
    products = np.concatenate([each[1:] * each[:-1] for each in rest])
    power = float(np.mean(np.concatenate(rest) ** 2))
    return float(products.mean()) / power if len(products) and power > 0 else 0.0
