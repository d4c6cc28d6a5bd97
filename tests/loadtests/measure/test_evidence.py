"""Rule 1 on both sides of each of its thresholds; virtual_time proves that it is sound."""

from dataclasses import replace

import pytest
from scipy import stats

from loadtests.measure.evidence import (
    Counts,
    counts_of,
    dispersion,
    evidence,
    fewest_for_errors,
    fewest_requests,
    judge,
)
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window
from tests.loadtests.measure.windows import OPEN, alike, drain, window

SLO = Slo(0.99, 25_000, 0.001)


def counts(
    over: list[int],
    ended: int = 1000,
    near: list[int] | None = None,
    failed: list[int] | None = None,
) -> Counts:
    none = [0] * len(over)
    return Counts([ended] * len(over), over, over if near is None else near, failed or none)


def spread(total: int, windows: int = 10) -> list[int]:
    """As even as can be, so that the dispersion is 1."""
    return [total // windows + (i < total % windows) for i in range(windows)]


def test_independent_answers_pass_by_the_binomial() -> None:
    most = max(t for t in range(100) if stats.binom.cdf(t, 10_000, 0.01) <= 0.01)
    assert judge(counts(spread(most)), SLO, 10).outcome == "pass"
    assert judge(counts(spread(most + 1)), SLO, 10).outcome == "likely"


def test_independent_answers_fail_by_the_binomial() -> None:
    least = min(t for t in range(200) if stats.binom.sf(t - 1, 10_000, 0.01) <= 0.05)
    assert judge(counts(spread(least - 1)), SLO, 10).outcome == "unlikely"
    failed = judge(counts(spread(least)), SLO, 10)
    assert failed.outcome == "fail"
    assert failed.why == f"{least} of 10000 requests missed p99=25ms,errors=0.1%"


def test_459_requests_without_one_over_are_the_fewest_that_pass() -> None:
    none, loose = [0] * 10, Slo(0.99, 25_000, 0.01)
    assert judge(Counts([46] * 9 + [45], none, none, none), loose, 10).outcome == "pass"
    assert judge(Counts([46] * 9 + [44], none, none, none), loose, 10).outcome == "likely"
    assert fewest_requests(loose) == 459


def test_bursts_tell_less_than_as_many_spread_out() -> None:
    assert judge(counts(spread(60)), SLO, 10).outcome == "pass"
    burst = judge(counts([0] * 9 + [60]), SLO, 10)
    assert burst.outcome == "likely"
    assert burst.dispersion == pytest.approx(60)
    assert "they tell as much as 167 independent ones" in burst.why


def test_bursts_at_half_the_limit_count_as_well() -> None:
    near = [0, 400, 0, 0, 900, 0, 0, 300, 0, 0]
    found = judge(counts([0] * 10, near=near), SLO, 10)
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
    assert judge(counts(spread(0, 9)), SLO, 10).outcome == "likely"
    assert judge(counts(spread(0)), SLO, 5.0).outcome == "pass"
    short = judge(counts(spread(0)), SLO, 4.9)
    assert short.outcome == "likely"
    assert "4.9 s of at least 5.0 s" in short.why


def failing(total: int, windows: int = 10, ended: int = 1000) -> Counts:
    return counts(spread(total, windows), ended, failed=spread(total, windows))


def test_errors_are_judged_by_the_binomial_against_a_limit_of_their_own() -> None:
    most = max(t for t in range(30) if stats.binom.cdf(t, 10_000, 0.001) <= 0.05)
    assert judge(failing(most), SLO, 10).outcome == "pass"
    open_ = judge(failing(most + 1), SLO, 10)
    assert open_.outcome == "likely"
    assert open_.why.endswith(
        f", and {most + 1} failed: too few to show that errors stay within it"
    )
    least = min(t for t in range(60) if stats.binom.sf(t - 1, 10_000, 0.001) <= 0.05)
    assert judge(failing(least - 1), SLO, 10).outcome == "unlikely"
    failed = judge(failing(least), SLO, 10)
    assert failed.outcome == "fail"
    assert failed.why == f"{least} of 10000 requests failed, against p99=25ms,errors=0.1%"


def test_two_errors_in_two_thousand_answers_break_nothing() -> None:
    assert judge(failing(1, ended=200), SLO, 10).outcome == "likely"
    assert judge(failing(2, ended=200), SLO, 10).outcome == "likely"
    assert judge(failing(3, ended=200), SLO, 10).outcome == "unlikely"


def test_2995_requests_without_an_error_are_the_fewest_that_keep_a_thousandth() -> None:
    assert fewest_for_errors(SLO) == 2995
    none = [0] * 10
    assert judge(Counts([300] * 9 + [295], none, none, none), SLO, 10).outcome == "pass"
    assert judge(Counts([300] * 9 + [294], none, none, none), SLO, 10).outcome == "likely"


def test_errors_that_come_together_are_little_more_than_one_event() -> None:
    at_once = [0] * 9 + [21]
    spread_out, burst = (judge(counts(one, failed=one), SLO, 10) for one in (spread(21), at_once))
    assert spread_out.outcome == "fail"
    assert (burst.outcome, burst.error_dispersion) == ("unlikely", pytest.approx(21))


def test_errors_of_the_drain_come_together_as_well() -> None:
    in_the_drain = Counts([1000] * 10, [0] * 10, [0] * 10, [0] * 10, 21, 21, 21)
    found = judge(in_the_drain, SLO, 10)
    assert (found.outcome, found.error_dispersion) == ("unlikely", pytest.approx(21))


def test_several_looks_share_the_risk() -> None:
    none = [0] * 10
    enough, too_few = (Counts([461] * 9 + [n], none, none, none) for n in (454, 453))
    assert judge(enough, SLO, 10, looks=5).outcome == "pass"
    assert judge(too_few, SLO, 10, looks=5).outcome == "likely"


def test_no_errors_at_all_is_kept_while_none_is_seen() -> None:
    none_allowed = Slo(0.99, 25_000, 0.0)
    assert fewest_for_errors(none_allowed) == 0
    assert judge(failing(0), none_allowed, 10).outcome == "pass"
    assert judge(failing(1), none_allowed, 10).outcome == "fail"


def test_what_holds_says_what_could_not_be_seen() -> None:
    assert judge(failing(0), SLO, 30).why == (
        "0 of 10000 requests missed p99=25ms,errors=0.1%; "
        "in these 30 s a stall rarer than one in 10 s could be missed"
    )


def test_what_is_not_shown_is_likely_or_not_by_the_share_that_was_seen() -> None:
    assert judge(counts(spread(100)), SLO, 10).outcome == "likely"
    assert judge(counts(spread(101)), SLO, 10).outcome == "unlikely"


def test_no_request_shows_nothing() -> None:
    assert judge(Counts(*[[0] * 10] * 4), SLO, 10).outcome == "unlikely"


def test_a_median_has_its_own_share() -> None:
    median = Slo(0.5, 25_000)
    assert judge(counts(spread(4800)), median, 10).outcome == "pass"
    assert judge(counts(spread(5200)), median, 10).outcome == "fail"


def measured(slow: int = 0, **fields: object) -> tuple[Window, ...]:
    latencies = {5000: 1000 - slow, 26_000: slow} if slow else {5000: 1000}
    return alike(12, **{"span": OPEN, "latencies_us": latencies, **fields})


def test_what_failed_was_not_sent_or_never_ended_counts_as_over() -> None:
    windows = measured(slow=3, wrong={"timeout": 1}, unsent=2)
    late = drain(in_flight=7, latencies_us={24_000: 5, 30_000: 4}, wrong={"reset": 1}, unsent=6)
    assert counts_of(windows, late, SLO) == Counts(
        ended=[1003] * 12,
        over=[6] * 12,
        near=[6] * 12,
        failed=[3] * 12,
        late=5 + 4 + 1 + 6 + 7,
        late_over=18,
        late_failed=14,
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
