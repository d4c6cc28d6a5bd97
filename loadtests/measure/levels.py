"""What a verdict reads off a histogram, quickly: hdrh walks through all its buckets in Python."""

import numpy as np
from hdrh.histogram import HdrHistogram


def count_above(histogram: HdrHistogram, level_us: float) -> int:
    """Values above ``level_us``, to the histogram's resolution of 0.1 %."""
    first = histogram.get_counts_array_index(int(level_us)) + 1
    return int(np.asarray(histogram.counts)[first:].sum())


def value_at(histogram: HdrHistogram, share: float) -> int:
    """The value in microseconds that the share of values does not exceed; 0 of an empty one.

    However few stand behind it: what a report shows comes from ``window.quantiles``.
    """
    counts = np.asarray(histogram.counts).cumsum()
    wanted = max(1.0, share * float(counts[-1]) - 1e-9)
    if not counts[-1]:
        return 0
    index = int(np.searchsorted(counts, wanted))
    return int(histogram.get_highest_equivalent_value(histogram.get_value_from_index(index)))


def mean_us(histogram: HdrHistogram) -> float:
    """The mean in microseconds, to the histogram's resolution; 0 of an empty one."""
    counts = np.asarray(histogram.counts)
    total = 0.0
    for index in np.flatnonzero(counts):
        low = histogram.get_value_from_index(int(index))
        middle = (low + histogram.get_highest_equivalent_value(low)) / 2
        total += middle * int(counts[index])
    return total / histogram.get_total_count() if total else 0.0
