"""Goodput that wanders as an AR(1), and holds cut out of it as a ceiling search takes them."""

import numpy as np
from numpy.typing import NDArray

from loadtests.measure.replicates import Hold
from loadtests.search.profiles import PROFILES

QUICK = PROFILES["quick"]
WINDOWS = round(QUICK.hold_s / QUICK.window_s)
BETWEEN = round((2 * QUICK.settle_s + QUICK.probe_s) / QUICK.window_s) + 1
"""Windows from one hold to the next: both settle, the double is measured, and both drain."""
TURN = WINDOWS + BETWEEN

Series = NDArray[np.float64]


def wandering(
    rng: np.random.Generator, windows: int, alike: float, spread: float, mean: float = 1.0
) -> Series:
    """``mean`` times one, give or take ``spread``; neighbours correlate by ``alike``."""
    rest = rng.normal(size=windows)
    found = np.empty(windows)
    found[0] = rest[0]
    for i in range(1, windows):
        found[i] = alike * found[i - 1] + np.sqrt(1 - alike**2) * rest[i]
    return np.asarray(mean * (1 + spread * found))


def hold(series: Series, number: int) -> Hold:
    """The one that begins after so many turns."""
    first = number * TURN
    rates = series[first : first + WINDOWS]
    starts = tuple(float(first + i) for i in range(WINDOWS))
    return Hold(starts, tuple(map(float, rates)), float(rates.mean()))


def double(series: Series, number: int) -> Hold:
    """The one after that hold."""
    first = number * TURN + WINDOWS + 1
    rates = series[first : first + round(QUICK.probe_s)]
    starts = tuple(float(first + i) for i in range(len(rates)))
    return Hold(starts, tuple(map(float, rates)), float(rates.mean()))
