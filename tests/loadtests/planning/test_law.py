"""Laws of times from quantiles."""

import math

import numpy as np
import pytest

from loadtests.planning.law import Law, exponential, law_of

SHARES = (0.5, 0.9, 0.99, 0.999)


def test_an_exponential_law_is_found_again_from_its_quantiles() -> None:
    found = law_of({share: -math.log(1 - share) for share in SHARES}, mean=1.0)
    assert found
    assert found.mean == pytest.approx(1)
    assert found.at(0.7) == pytest.approx(-math.log(0.3))
    assert found.at(0.9999) == pytest.approx(-math.log(0.0001))
    assert found.late_share(3) == pytest.approx(math.exp(-3))
    assert found.late_share(20) == pytest.approx(math.exp(-20))


def test_the_mean_tells_the_shortest_time() -> None:
    """A constant of 2 and an exponential of mean 1 on top of it."""
    quantiles: dict[float, float | None] = {share: 2 - math.log(1 - share) for share in SHARES}
    found = law_of(quantiles, mean=3.0)
    assert found
    assert found.times[0] == pytest.approx(2)
    assert found.mean == pytest.approx(3)
    assert found.late_share(1.9) == 1
    assert law_of(quantiles) == found or law_of(quantiles).at(0.2) == pytest.approx(found.at(0.2))  # type: ignore[union-attr]


def test_draws_follow_the_law() -> None:
    law = Law((0.0, 1.0, 3.0), (1.0, 2.0, 10.0))
    drawn = law.draw(np.random.default_rng(1), (400_000,))
    assert drawn.mean() == pytest.approx(law.mean, rel=0.01)
    for share in (0.3, 0.9, 0.99):
        assert np.quantile(drawn, share) == pytest.approx(law.at(share), rel=0.01)
    assert (drawn > 6).mean() == pytest.approx(law.late_share(6), rel=0.02)


def test_a_constant_law() -> None:
    law = Law((0.0, 1.0), (5.0, 5.0))
    assert (law.mean, law.at(0.99)) == (5, 5)
    assert law.late_share(4.9) == 1
    assert law.late_share(5) == 0
    assert law.scaled(2).mean == 10


def test_too_few_quantiles_make_no_law() -> None:
    assert law_of({0.5: 1.0, 0.9: None}) is None
    assert exponential(0.5).mean == pytest.approx(0.5)
