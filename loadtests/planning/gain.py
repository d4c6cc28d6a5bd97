"""How much more one configuration gives than another, with the doubt of both."""

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np

Interval = tuple[float, float]


def gain(better: Sequence[float], worse: Sequence[float]) -> tuple[float, Interval | None]:
    """The ratio of two means of repeats less 1, and its 95 % interval by Welch's t on logarithms.

    No interval of fewer than two repeats of either. All values must be above 0.
    """
    ratio = fmean(better) / fmean(worse) - 1
    if min(len(better), len(worse)) < 2:
        return ratio, None
    if len({*better}) == len({*worse}) == 1:
        return ratio, (ratio, ratio)
    from scipy import stats  # a second to import, which only tuning is worth

    test = stats.ttest_ind(np.log(better), np.log(worse), equal_var=False)
    found = test.confidence_interval(0.95)
    return ratio, (math.expm1(found.low), math.expm1(found.high))
