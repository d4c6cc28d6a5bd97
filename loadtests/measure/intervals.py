"""95 % intervals, of one probe by batch means (Law and Kelton), of repeats by Student's t."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev

from loadtests.measure.distributions import t_quantile
from loadtests.measure.levels import count_above, value_at
from loadtests.measure.window import ANSWERS_BEYOND, Window, add_histogram, new_histogram

BATCHES = 10
CONFIDENCE = 0.95

Interval = tuple[float, float]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Mean +- t s/sqrt(n) of independent values, as of repeats; None of fewer than two."""
    if len(values) < 2:
        return None
    half = _t(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def goodput_interval(windows: Sequence[Window]) -> Interval | None:
    """Of the mean goodput (1/s) of windows that follow each other; None of fewer than 10."""
    batches = _batches(windows)
    if not batches:
        return None
    spans_s = [sum(window.duration_s for window in batch) for batch in batches]
    right = [sum(window.right for window in batch) for batch in batches]
    low, high = mean_interval([n / s for n, s in zip(right, spans_s, strict=True)]) or (0.0, 0.0)
    return max(0.0, low), high


def latency_interval(windows: Sequence[Window], quantile: float) -> Interval | None:
    """Of a quantile of response latency, in microseconds.

    Batch means are of the share of answers above the quantile, which needs few answers in each
    batch, and has no bias; the interval of that share is then read off as latencies. None without
    10 windows, with fewer than 10 answers beyond the quantile, or none beyond the upper end.
    """
    batches = _batches(windows)
    total = new_histogram()
    for window in windows:
        add_histogram(total, window.times.response)
    answers = total.get_total_count()
    if not batches or answers * (1 - quantile) < ANSWERS_BEYOND - 1e-9:
        return None
    half = _share_error(batches, value_at(total, quantile), 1 - quantile, answers)
    low, high = quantile - half, quantile + half
    if answers * (1 - high) < 1:
        return None
    return float(value_at(total, max(0.0, low))), float(value_at(total, high))


def _share_error(
    batches: Sequence[Sequence[Window]], level_us: float, share: float, answers: int
) -> float:
    """Half the interval of the share of answers above ``level_us``, a ratio estimate."""
    excess = [
        sum(_above(window, level_us) - share * window.right for window in batch)
        for batch in batches
    ]
    spread = stdev(excess) * math.sqrt(len(batches)) / answers
    return _t(len(batches) - 1) * spread


def _above(window: Window, level_us: float) -> int:
    return count_above(window.times.response, level_us)


def _batches(windows: Sequence[Window]) -> list[Sequence[Window]]:
    """Ten batches as equal as can be; none of fewer windows."""
    if len(windows) < BATCHES:
        return []
    edges = [round(i * len(windows) / BATCHES) for i in range(BATCHES + 1)]
    return [windows[a:b] for a, b in pairwise(edges)]


def _t(freedom: int) -> float:
    return t_quantile((1 + CONFIDENCE) / 2, freedom)
