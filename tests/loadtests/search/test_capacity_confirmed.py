"""A rate is confirmed by what was shown: what only seems to hold confirms nothing."""

from loadtests.measure.capacity_fit import FitPoint
from loadtests.search.capacity import CapacityQuestion, CapacitySearch


def test_a_confirmation_that_stays_likely_confirms_nothing() -> None:
    search = CapacitySearch(CapacityQuestion(16, 1000.0, 50_000.0, 5.0, 459, 2995, 0.01, 0.001))
    while (load := search.next_load()) is not None:
        assert load.rate_rps is not None
        share = min(1.0, 0.01 * (load.rate_rps / 600) ** 40)
        point = FitPoint(0, load.rate_rps, 10_000, round(10_000 * share), 1.0)
        search.feed("likely" if load.rate_rps <= 600 else "fail", point)
    assert search.answer is not None
    assert search.answer.rate_rps is not None
    assert search.answer.confirmed_rps is None
