"""A capacity is what was shown: what only seems to hold is none, however long it was looked at."""

from loadtests.search.capacity import CapacityQuestion, CapacitySearch


def test_a_confirmation_that_stays_likely_at_its_longest_confirms_nothing() -> None:
    search = CapacitySearch(CapacityQuestion(16, 1000.0, 50_000.0, 5.0, 459, 2995))
    confirmed = []
    while (load := search.next_load()) is not None:
        if load.step == "confirm":
            confirmed.append((load.rate_rps, load.measure_s))
        assert load.rate_rps is not None
        search.feed("likely" if load.rate_rps <= 600 else "fail")
    assert {longest for _, longest in confirmed} == {30.0, 120.0}
    assert len({rate_rps for rate_rps, _ in confirmed}) > 1  # it steps down
    assert search.answer is not None
    assert search.answer.rate_rps is None
