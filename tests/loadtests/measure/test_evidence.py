"""Rule 1 on both sides of each of its thresholds; virtual_time proves that it is sound."""

from dataclasses import replace

import pytest
from scipy import stats

from loadtests.measure.evidence import Counts, counts_of, dispersion, evidence, judge
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import OPEN, alike, drain, window

SLO = Slo(0.99, 25_000, 0.001)


def counts(over: list[int], ended: int = 1000, near: list[int] | None = None) -> Counts:
    return Counts([ended] * len(over), over, over if near is None else near)


def spread(total: int, windows: int = 10) -> list[int]:
    """As even as can be, so that the dispersion is 1."""
    return [total // windows + (i < total % windows) for i in range(windows)]


def test_independent_answers_pass_by_the_binomial() -> None:
    most = max(t for t in range(100) if stats.binom.cdf(t, 10_000, 0.01) <= 0.01)
    assert judge(counts(spread(most)), SLO, 10, 0).outcome == "pass"
    assert judge(counts(spread(most + 1)), SLO, 10, 0).outcome == "likely"


def test_independent_answers_fail_by_the_binomial() -> None:
    least = min(t for t in range(200) if stats.binom.sf(t - 1, 10_000, 0.01) <= 0.05)
    assert judge(counts(spread(least - 1)), SLO, 10, 0).outcome == "unlikely"
    failed = judge(counts(spread(least)), SLO, 10, 0)
    assert failed.outcome == "fail"
    assert failed.why == f"{least} of 10000 requests missed p99=25ms,errors=0.1%"


def test_459_requests_without_one_over_are_the_fewest_that_pass() -> None:
    assert judge(Counts([46] * 9 + [45], [0] * 10, [0] * 10), SLO, 10, 0).outcome == "pass"
    assert judge(Counts([46] * 9 + [44], [0] * 10, [0] * 10), SLO, 10, 0).outcome == "likely"


def test_bursts_tell_less_than_as_many_spread_out() -> None:
    assert judge(counts(spread(60)), SLO, 10, 0).outcome == "pass"
    burst = judge(counts([0] * 9 + [60]), SLO, 10, 0)
    assert burst.outcome == "likely"
    assert burst.dispersion == pytest.approx(60)
    assert "they tell as much as 167 independent ones" in burst.why


def test_bursts_at_half_the_limit_count_as_well() -> None:
    near = [0, 400, 0, 0, 900, 0, 0, 300, 0, 0]
    found = judge(counts([0] * 10, near=near), SLO, 10, 0)
    assert found.outcome == "likely"
    assert found.dispersion > 100


def test_dispersion_is_variance_over_mean_of_windows_or_of_ten_batches() -> None:
    assert dispersion([5] * 30) == 1
    assert dispersion([]) == dispersion([3]) == dispersion([0] * 20) == 1
    values = [0, 8] * 15
    assert dispersion(values) == pytest.approx(stats.tvar(values) / 4)
    slow = [0] * 15 + [2] * 15  # of windows 1.03, of ten batches of three 3.3
    batches = [0] * 5 + [6] * 5
    assert dispersion(slow) == pytest.approx(stats.tvar(batches) / 3)


def test_ten_windows_and_two_hundred_limits_are_needed() -> None:
    assert judge(counts(spread(0, 9)), SLO, 10, 0).outcome == "likely"
    assert judge(counts(spread(0)), SLO, 5.0, 0).outcome == "pass"
    short = judge(counts(spread(0)), SLO, 4.9, 0)
    assert short.outcome == "likely"
    assert "4.9 s of at least 5.0 s" in short.why


def test_errors_have_a_limit_of_their_own() -> None:
    assert judge(counts(spread(10)), SLO, 10, 10).outcome == "pass"
    failed = judge(counts(spread(11)), SLO, 10, 11)
    assert failed.outcome == "fail"
    assert failed.why == "11 of 10000 requests failed, against p99=25ms,errors=0.1%"


def test_what_is_not_shown_is_likely_or_not_by_the_share_that_was_seen() -> None:
    assert judge(counts(spread(100)), SLO, 10, 0).outcome == "likely"
    assert judge(counts(spread(101)), SLO, 10, 0).outcome == "unlikely"


def test_no_request_shows_nothing() -> None:
    assert judge(Counts([0] * 10, [0] * 10, [0] * 10), SLO, 10, 0).outcome == "unlikely"


def test_a_median_has_its_own_share() -> None:
    median = Slo(0.5, 25_000)
    assert judge(counts(spread(4800)), median, 10, 0).outcome == "pass"
    assert judge(counts(spread(5200)), median, 10, 0).outcome == "fail"


def measured(slow: int = 0, **fields: object) -> tuple[Window, ...]:
    latencies = {5000: 1000 - slow, 26_000: slow} if slow else {5000: 1000}
    return alike(12, **{"span": OPEN, "latencies_us": latencies, **fields})


def test_what_failed_was_not_sent_or_never_ended_counts_as_over() -> None:
    windows = measured(slow=3, wrong={"timeout": 1}, unsent=2)
    late = drain(in_flight=7, latencies_us={24_000: 5, 30_000: 4}, wrong={"reset": 1}, unsent=6)
    assert counts_of(windows, late, SLO) == Counts(
        ended=[1003] * 12, over=[6] * 12, near=[6] * 12, late=5 + 4 + 1 + 6 + 7, late_over=18
    )
    found = evidence(windows, late, SLO)
    assert found.requests == 12 * 1003 + 23
    assert found.over == 12 * 6 + 18
    assert found.errors == 12 * 3 + 1 + 6 + 7


def test_without_a_drain_what_was_in_flight_never_ended() -> None:
    assert counts_of(measured(in_flight=9), (), SLO).late_over == 9


def test_the_lower_level_is_half_the_limit_or_what_a_tenth_exceeds() -> None:
    fast = {5000: 900, 13_000: 90, 20_000: 10}
    assert counts_of(measured(latencies_us=fast), drain(), SLO).near == [100] * 12
    slow = {15_000: 900, 20_000: 90, 24_000: 10}
    assert counts_of(measured(latencies_us=slow), drain(), SLO).near == [100] * 12
    slowest = {15_000: 500, 26_000: 500}
    assert counts_of(measured(latencies_us=slowest), drain(), SLO).near == [500] * 12


def test_a_probe_of_windows_is_judged_as_its_counts_are() -> None:
    assert evidence(measured(), drain(), SLO).outcome == "pass"
    assert evidence(measured(slow=14), drain(), SLO).outcome == "fail"
    halves = [replace(w, duration_s=0.4) for w in measured()]
    assert evidence(halves, drain(), SLO).outcome == "likely"
    assert evidence((window(),), drain(), SLO).outcome == "likely"
