"""Rule 2: what the generator itself added to the times it measured."""

from collections.abc import Sequence

from loadtests.measure.levels import value_at
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window, add_histogram, new_histogram

MAX_LAG_US = 1_000
MAX_LAG_SHARE = 0.05
"""Of the SLO's limit, where that is more."""


def lag_p99_us(windows: Sequence[Window]) -> int | None:
    """The p99 of the generator's lag; None where the client does not tell it."""
    lag = new_histogram()
    for window in windows:
        add_histogram(lag, window.times.generator_lag)
    return value_at(lag, 0.99) if lag.get_total_count() else None


def allowed_lag_us(slo: Slo | None) -> float:
    """Above so much the generator disturbs what it measures."""
    return max(MAX_LAG_US, MAX_LAG_SHARE * slo.limit_us) if slo else MAX_LAG_US
