"""The scaling law: found again where it is known, with intervals that tell the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from loadtests.planning.scaling import (
    Scaling,
    ScalingError,
    fit_usl,
    linear_bound,
    predict,
    predict_ci95,
)

pytestmark = pytest.mark.long(minutes=0.2)

COUNTS = np.array([1.0, 2, 4, 8, 16, 32])
SEEDS = range(100)

# Sun SPARCcenter 2000, SPEC SDM91: users and scripts an hour. Data and fit as printed in the README
# of the R package usl (S. Moeding, github.com/smoeding/usl); that fit is of constant noise.
SDM91 = (
    [1, 18, 36, 72, 108, 144, 216],
    [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2],
)
# MySQL on a Cisco server (B. Schwartz, Practical Scalability Analysis with the USL, 2015): threads
# and queries a second. Data and fit as printed in the tests of C. Hale's library usl4j.
MYSQL = (
    list(range(1, 33)),
    [
        955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08,
        7219.8, 7867.61, 8278.71, 8646.7, 9047.84, 9426.55, 9645.37, 9897.24,
        10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806.0, 12089.37,
        12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39,
    ],
)  # fmt: skip


def usl(gamma: float, sigma: float, kappa: float, n: NDArray[np.float64]) -> NDArray[np.float64]:
    return gamma * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))


def noisy(truth: tuple[float, float, float], seed: int, repeats: int = 1) -> Scaling:
    """The fit of points with 2 % of noise."""
    n = np.repeat(COUNTS, repeats)
    noise = 1 + 0.02 * np.random.default_rng(seed).standard_normal(n.size)
    return fit_usl(n.tolist(), (usl(*truth, n) * noise).tolist())


@pytest.mark.parametrize(
    "truth", [(1000.0, 0.05, 0.001), (1000.0, 0.05, 0.0), (25.0, 0.1, 0.002), (1000.0, 0.0, 0.0)]
)
def test_noise_of_2_percent_is_seen_through(truth: tuple[float, float, float]) -> None:
    right = usl(*truth, COUNTS)
    near, covered = 0, {"sigma": 0, "kappa": 0}
    for seed in SEEDS:
        fit = noisy(truth, seed)
        near += bool(np.all(np.abs(predict(fit, COUNTS) / right - 1) <= 0.05))
        for name, value in zip(covered, truth[1:], strict=True):
            low, high = getattr(fit, f"{name}_ci95")
            covered[name] += low <= value <= high
    assert near >= 95
    assert all(90 <= count <= 99 for count in covered.values()), covered


def test_repeats_make_narrower_intervals_that_cover_as_often() -> None:
    truth = (1000.0, 0.03, 0.0005)
    once, thrice = noisy(truth, 1), noisy(truth, 1, repeats=3)
    assert once.sigma_ci95 is not None
    assert thrice.sigma_ci95 is not None
    width = np.ptp(thrice.sigma_ci95) / np.ptp(once.sigma_ci95)
    assert width < 0.7
    fits = [noisy(truth, seed, repeats=3) for seed in SEEDS]
    covered = sum(fit.sigma_ci95[0] <= 0.03 <= fit.sigma_ci95[1] for fit in fits if fit.sigma_ci95)
    assert 90 <= covered <= 99


def test_repeats_that_agree_with_each_other_but_not_with_the_law_narrow_nothing() -> None:
    bent = usl(1000, 0.02, 0, COUNTS) * [1, 0.98, 1.02, 0.98, 1.02, 1]
    once = fit_usl(COUNTS.tolist(), bent.tolist())
    n = np.repeat(COUNTS, 20)
    noise = 1 + 1e-4 * np.random.default_rng(0).standard_normal(n.size)
    often = fit_usl(n.tolist(), (np.repeat(bent, 20) * noise).tolist())
    assert np.ptp(often.gamma_ci95) == pytest.approx(np.ptp(once.gamma_ci95), rel=0.1)


def test_published_fits_are_found_again() -> None:
    sdm91 = fit_usl(*SDM91, noise="constant")
    assert sdm91.law == "usl"
    assert sdm91.gamma == pytest.approx(89.9952330, rel=1e-5)
    assert sdm91.sigma == pytest.approx(0.0277285, rel=1e-5)
    assert sdm91.kappa == pytest.approx(0.0001044, abs=5e-8)
    residuals = np.array(SDM91[1]) - sdm91.fitted
    assert np.quantile(residuals, [0, 0.25, 0.5, 0.75, 1]) == pytest.approx(
        [-81.7, -48.3, -25.1, 29.5, 111.1], abs=0.05
    )
    assert np.sqrt((residuals**2).sum() / 4) == pytest.approx(82.8, abs=0.05)
    mysql = fit_usl(*MYSQL, noise="constant")
    assert mysql.gamma == pytest.approx(995.6486, abs=5e-4)
    assert mysql.sigma == pytest.approx(0.02671591, rel=1e-5)
    assert mysql.kappa == pytest.approx(7.690945e-4, rel=1e-5)
    assert mysql.peak_cores == pytest.approx(np.sqrt((1 - 0.02671591) / 7.690945e-4), rel=1e-4)


def test_points_on_the_law_give_it_back() -> None:
    exact = usl(730, 0.07, 0.0004, COUNTS)
    for noise in ("proportional", "constant"):
        fit = fit_usl(COUNTS.tolist(), exact.tolist(), noise=noise)  # type: ignore[arg-type]
        assert (fit.gamma, fit.sigma, fit.kappa) == pytest.approx((730, 0.07, 0.0004), rel=1e-6)
        assert fit.fitted == pytest.approx(exact.tolist())
        assert fit.residuals == pytest.approx([0] * 6, abs=1e-6)


def test_kappa_that_cannot_be_told_from_none_is_dropped() -> None:
    fit = noisy((1000, 0.05, 0), seed=3)
    assert (fit.law, fit.kappa, fit.peak_cores) == ("amdahl", 0, None)
    assert fit.kappa_ci95 is not None
    assert fit.kappa_ci95[0] == 0 < fit.kappa_ci95[1]
    kept = noisy((1000, 0.05, 0.002), seed=3)
    assert kept.law == "usl"
    assert kept.kappa_ci95 is not None
    assert kept.kappa_ci95[0] > 0


def test_a_peak_farther_than_predictions_go_is_not_told() -> None:
    assert noisy((1000, 0.05, 0.002), seed=3).peak_cores == pytest.approx(21.8, rel=0.05)
    far = fit_usl(COUNTS.tolist(), usl(1000, 0.05, 0.0002, COUNTS).tolist())
    assert far.law == "usl"
    assert far.peak_cores is None


def test_residuals_are_shares_of_the_law() -> None:
    fit = noisy((1000, 0.05, 0.001), seed=5)
    found = np.array(fit.throughput) / np.array(fit.fitted) - 1
    assert fit.residuals == pytest.approx(found.tolist())
    assert 0.001 < np.std(fit.residuals) < 0.05


def test_better_than_linear_is_linear() -> None:
    fit = fit_usl([1, 2, 4, 8], [100, 204, 412, 830])
    assert (fit.law, fit.sigma, fit.kappa) == ("amdahl", 0, 0)
    assert predict(fit, 8) == pytest.approx(8 * fit.gamma)


def test_one_core_has_the_interval_of_its_forecast() -> None:
    fit = noisy((1000.0, 0.05, 0.001), seed=1)
    low, high = predict_ci95(fit, 1)
    assert fit.gamma_ci95 == (low, high)
    assert low < fit.gamma < high


def test_too_few_counts_give_the_linear_bound_only() -> None:
    fit = fit_usl([1, 1, 2, 2], [99, 101, 195, 197])
    assert (fit.law, fit.sigma, fit.kappa) == ("linear bound", None, None)
    assert fit.why == "2 core counts, a law needs 4"
    assert fit.gamma == pytest.approx(100)
    assert fit.gamma_ci95[0] < 100 < fit.gamma_ci95[1]
    assert linear_bound(fit, 4) == pytest.approx(4 * fit.gamma_ci95[1])
    with pytest.raises(ScalingError, match="no throughput can be predicted: 2 core counts"):
        predict(fit, 2)
    with pytest.raises(ScalingError, match="no throughput can be predicted: 2 core counts"):
        predict_ci95(fit, 2)


def test_three_counts_have_no_law_of_their_own_but_an_interval() -> None:
    fit = fit_usl([1, 2, 4], [100, 196, 380])
    assert (fit.law, fit.sigma) == ("linear bound", None)
    assert fit.fitted == pytest.approx(predict(fit, [1, 2, 4]))
    low, high = predict_ci95(fit, [2, 4, 8])
    assert np.all(low < predict(fit, [2, 4, 8]))
    assert np.all(predict(fit, [2, 4, 8]) < high)
    assert np.all(high <= linear_bound(fit, [2, 4, 8]))


def test_points_that_scatter_give_the_linear_bound_only() -> None:
    fit = fit_usl([1, 2, 4, 8, 16], [100, 320, 150, 900, 500])
    assert fit.law == "linear bound"
    assert "scatter" in (fit.why or "") or "no law" in (fit.why or "")


def test_predictions_end_at_twice_what_was_measured() -> None:
    fit = noisy((1000, 0.03, 0.0005), seed=0)
    assert predict(fit, [1, 64]).shape == (2,)
    for cores, worst in ((65, "65"), (0, "0"), ([4, 100], "100")):
        with pytest.raises(ScalingError, match=f"nothing can be said of {worst} cores: 32 were"):
            predict(fit, cores)
        with pytest.raises(ScalingError):
            predict_ci95(fit, cores)
        with pytest.raises(ScalingError):
            linear_bound(fit, cores)


def test_the_interval_widens_beyond_what_was_measured() -> None:
    fit = noisy((1000, 0.03, 0.0005), seed=0)
    low, high = predict_ci95(fit, [16, 32, 64])
    width = (high - low) / predict(fit, [16, 32, 64])
    assert width[2] > 1.5 * width[1]
    assert np.all(high <= linear_bound(fit, [16, 32, 64]))


@pytest.mark.parametrize(
    ("cores", "throughput", "words"),
    [
        ([], [], "0 core counts and 0 throughputs"),
        ([1, 2], [100], "2 core counts and 1 throughputs"),
        ([1, 2, 4, 8], [100, 0, 300, 400], "throughput 0: must be a number above 0"),
        ([1, -2, 4, 8], [100, 200, 300, 400], "cores -2: must be a number above 0"),
        ([1, 2, 4, 8], [100, float("nan"), 300, 400], "throughput nan: must be a number"),
        ([0.5, 2, 4, 8], [100, 200, 300, 400], "cores 0.5: there is no fewer than 1"),
    ],
)
def test_bad_points_are_one_line(cores: list[float], throughput: list[float], words: str) -> None:
    with pytest.raises(ScalingError, match=words):
        fit_usl(cores, throughput)
