"""The distributions agree with scipy's."""

import pytest
from scipy import special, stats

from loadtests.measure.distributions import binomial_cdf, incomplete_beta, t_quantile


@pytest.mark.parametrize("a", [0.5, 1.0, 2.5, 40.0, 3e3, 5e5])
@pytest.mark.parametrize("b", [0.5, 1.0, 13.7, 900.0, 2e4])
def test_incomplete_beta(a: float, b: float) -> None:
    middle = a / (a + b)
    for x in (0.0, 0.1 * middle, 0.97 * middle, middle, middle + 0.02 * (1 - middle), 0.999, 1.0):
        assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), 1e-8, 1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 459), (3, 1000), (10, 10), (95, 10_000)])
def test_whole_numbers_give_the_binomial(successes: int, trials: int) -> None:
    expected = stats.binom.cdf(successes, trials, 0.01)
    assert binomial_cdf(successes, trials, 0.01) == pytest.approx(expected, rel=1e-9)


def test_459_answers_without_one_over_show_a_p99() -> None:
    assert binomial_cdf(0, 459, 0.01) <= 0.01 < binomial_cdf(0, 458, 0.01)


def test_numbers_between_whole_ones_give_what_lies_between() -> None:
    below, between, above = (binomial_cdf(successes, 800, 0.01) for successes in (3, 3.5, 4))
    assert below < between < above


@pytest.mark.parametrize("freedom", [0.7, 1, 2.4, 9, 29, 400])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.95, 0.975, 0.999])
def test_t_quantile(freedom: float, probability: float) -> None:
    expected = stats.t.ppf(probability, freedom)
    assert t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-7, abs=1e-9)
