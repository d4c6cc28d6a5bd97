"""How often a drift is found over the holds of a load, and how often one that is not there."""

import numpy as np
import pytest

from loadtests.measure.steady import unsteady_holds
from tests.truth.conftest import Row
from tests.truth.wandering import QUICK, TURN, hold, wandering

BRIEF, LONG = 150, 1500
DRIFT = 0.05
FOUND, FALSE = 0.8, 0.05


def unsteady(trials: int, alike: float, spread: float, drift: float) -> float:
    """The share of loads called so, held as often as a search does at least."""
    count = QUICK.holds[0]
    line = 1 + drift * (np.arange(count * TURN) / ((count - 1) * TURN) - 0.5)
    rng = np.random.default_rng([24, round(10 * alike), round(1000 * spread), round(100 * drift)])
    found = 0
    for _ in range(trials):
        series = line * wandering(rng, count * TURN, alike, spread)
        found += unsteady_holds([hold(series, number) for number in range(count)]) is not None
    return found / trials


@pytest.mark.truth
@pytest.mark.parametrize("spread", [0.01, 0.015])
def test_a_drift_is_found(row: Row, spread: float) -> None:
    share = unsteady(LONG, 0.0, spread, DRIFT)
    row(
        f"unsteady: a drift of 5 % over the holds, seconds with a CV of {spread:.1%}",
        f"found in {FOUND:.0%}",
        f"{share:.1%} of {LONG}",
    )
    assert share >= FOUND


@pytest.mark.truth
@pytest.mark.parametrize(
    ("alike", "spread", "most"),
    [(0.0, 0.01, FALSE), (0.0, 0.05, FALSE), (0.5, 0.02, FALSE), (0.8, 0.1, FALSE)],
)
def test_a_steady_one_is_seldom_blamed(row: Row, alike: float, spread: float, most: float) -> None:
    share = unsteady(LONG, alike, spread, 0.0)
    row(
        f"unsteady: a steady goodput, AR(1) {alike:g}, CV {spread:.0%}",
        f"said in at most {most:.0%}",
        f"{share:.1%} of {LONG}",
    )
    assert share <= most


def test_in_a_few_trials_it_is_so_as_well() -> None:
    assert unsteady(BRIEF, 0.0, 0.01, DRIFT) >= FOUND
    assert unsteady(BRIEF, 0.5, 0.02, 0.0) <= FALSE + 0.04
