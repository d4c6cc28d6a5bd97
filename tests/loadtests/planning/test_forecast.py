"""What forecasts say and what not, and how far they reach; tests/truth has how often they hold."""

import math

import numpy as np
import pytest

from loadtests.planning.forecast import allowed_by, own_half, shared_half
from loadtests.planning.scale_points import fit_points
from loadtests.record.scale import Boundary

N, X = np.array([1.0, 2, 4, 8]), np.array([100.0, 190, 345, 570])


def test_an_interval_holds_the_counts_own_error_and_the_shared_one() -> None:
    allowed = allowed_by(N, X, "proportional")
    assert allowed is not None
    low, high = allowed.ends(np.array([4.0]))
    expected = allowed.expected(np.array([4.0]))
    assert np.all(np.log(expected / low) > shared_half())
    assert np.all(np.log(high / expected) > shared_half())
    assert shared_half() == pytest.approx(1.96 * 0.045, rel=1e-3)


def test_beyond_the_points_the_two_errors_are_added() -> None:
    allowed = allowed_by(N, X, "proportional")
    assert allowed is not None
    for cores, whole in ((8.0, math.hypot), (16.0, lambda own, shared: own + shared)):
        low, high = allowed.ends(np.array([cores]))
        expected = allowed.expected(np.array([cores]))
        widest = max(np.log(expected / low)[0], np.log(high / expected)[0])
        assert widest == pytest.approx(whole(allowed.own_half(cores), shared_half()), rel=1e-6)


def test_no_law_is_allowed_to_bend_upwards() -> None:
    allowed = allowed_by(N, 100 * N, "proportional")
    assert allowed is not None
    _, high = allowed.ends(np.array([1.0, 8, 16]))
    assert high[1] <= 8 * high[0]
    assert high[2] <= 16 * high[0] * math.exp(shared_half())


def test_two_counts_or_points_that_scatter_allow_none() -> None:
    assert allowed_by(N[:2], X[:2], "proportional") is None
    scattered = np.array([100.0, 320, 150, 900])
    assert allowed_by(N, scattered, "proportional") is None


def test_a_count_that_the_points_do_not_bound_has_an_end_all_the_same() -> None:
    """Errors as large for few cores as for many drown what one core gives."""
    allowed = allowed_by(np.array([1.0, 2, 4]), np.array([1.0, 300, 110]), "constant")
    assert allowed is not None
    low, high = allowed.ends(np.array([1.0]))
    assert np.all(low < high)
    assert np.all(np.isfinite(high))


def test_repeats_make_a_counts_error_larger_and_never_smaller() -> None:
    n = np.repeat(N, 3)
    close, apart = np.tile([0.999, 1, 1.001], 4), np.tile([0.9, 1, 1.1], 4)
    once = own_half(N, X)
    assert once == pytest.approx(2.776 * 0.02, rel=1e-3)
    assert own_half(n, np.repeat(X, 3) * close) == once
    assert own_half(n, np.repeat(X, 3) * apart) == pytest.approx(2.776 * 0.1 / 3**0.5, rel=1e-3)


@pytest.mark.parametrize("noise", ["proportional", "constant"])
def test_forecasts_have_intervals_up_to_the_boundary(noise: str) -> None:
    boundary = Boundary(cores=13, beyond="second threads")
    fit = fit_points(N.tolist(), X.tolist(), noise, boundary)  # type: ignore[arg-type]
    told = {one.cores: (one.reach, one.ci95 is not None) for one in fit.forecasts}
    assert told == {
        **dict.fromkeys((1, 2, 3, 4, 6, 8), ("measured", True)),
        **dict.fromkeys((12, 13), ("alike", True)),
        16: ("assumed", False),
    }
    assert fit.forecasts[-1].throughput is not None
    assert all(one.ci95[1] <= one.at_most * 1.001 for one in fit.forecasts if one.ci95)


def test_where_the_machine_is_not_known_nothing_beyond_has_an_interval() -> None:
    fit = fit_points(N.tolist(), X.tolist(), "proportional")
    assert [one.cores for one in fit.forecasts if one.ci95] == [1, 2, 3, 4, 6, 8]
    assert [one.reach for one in fit.forecasts[6:]] == ["assumed", "assumed"]


def test_a_peak_past_the_boundary_is_not_told() -> None:
    n = np.array([1.0, 2, 4, 8, 12])
    falling = 1000 * n / (1 + 0.02 * (n - 1) + 0.005 * n * (n - 1))
    near, far = (Boundary(cores=cores, beyond="second threads") for cores in (12, 16))
    told = [
        fit_points(n.tolist(), falling.tolist(), "proportional", boundary).peak_cores
        for boundary in (far, near, None)
    ]
    assert told == [pytest.approx(14, rel=0.01), None, None]
