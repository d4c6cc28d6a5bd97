"""How often the interval of a ceiling covers the truth, for servers that keep still or wander.

The holds are cut out of a simulated goodput as the profile ``quick`` takes them, and as many of
them as its search asks for.
"""

import math

import numpy as np
import pytest

from loadtests.measure.intervals import mean_interval
from loadtests.measure.replicates import Hold, goodput_of, holds_interval, width_of
from loadtests.search.profiles import PRECISION
from loadtests.search.turns import Turns
from tests.truth.conftest import Row
from tests.truth.wandering import QUICK, TURN, WINDOWS, double, hold, wandering

BRIEF, LONG = 300, 3000
COVERS = (0.92, 0.98)
WIDER = 1.5
STILL, WANDERS = (0.0, 0.02), (0.8, 0.1)
PROCESSES = [STILL, (0.5, 0.05), (0.8, 0.03), WANDERS]


def found(rng: np.random.Generator, alike: float, spread: float, mean: float = 1.0) -> list[Hold]:
    """The holds of one start of the server, whose doubles gain nothing."""
    series = wandering(rng, QUICK.holds[1] * TURN, alike, spread, mean)
    turns, holds = Turns(*QUICK.holds, PRECISION), []
    for number in range(QUICK.holds[1]):
        holds.append(hold(series, number))
        turns.feed("hold", holds[-1])
        if turns.feed("double", double(series, number)) is None:
            break
    return holds


def oracle(alike: float, spread: float, holds: int) -> float:
    """Half the 95 % interval of who knows the process."""
    at = np.array([number * TURN + i for number in range(holds) for i in range(WINDOWS)])
    alikes = alike ** np.abs(at[:, None] - at[None, :]) if alike else np.eye(len(at))
    return 1.96 * spread * math.sqrt(float(alikes.mean()))


def covered(trials: int, alike: float, spread: float) -> tuple[float, float]:
    """How often the truth is covered, and the median width in that of the oracle."""
    rng = np.random.default_rng([21, round(10 * alike), round(100 * spread)])
    covers, widths = 0, []
    for _ in range(trials):
        holds = found(rng, alike, spread)
        low, high = holds_interval(holds) or (0.0, 0.0)
        covers += low <= 1 <= high
        widths.append((high - low) / 2 / oracle(alike, spread, len(holds)))
    return covers / trials, float(np.median(widths))


@pytest.mark.truth
@pytest.mark.parametrize(("alike", "spread"), PROCESSES)
def test_an_interval_covers_and_is_not_much_too_wide(row: Row, alike: float, spread: float) -> None:
    share, width = covered(LONG, alike, spread)
    row(
        f"interval of a ceiling, one start, goodput AR(1) {alike:g}, CV {spread:.0%}",
        f"covers in 92 to 98 %, at most {WIDER} x an oracle's",
        f"{share:.1%} of {LONG}, {width:.2f} x",
    )
    assert COVERS[0] <= share <= COVERS[1]
    assert width <= WIDER


@pytest.mark.parametrize(("alike", "spread"), [STILL, WANDERS])
def test_an_interval_covers(alike: float, spread: float) -> None:
    """Of so few trials a share has an error of its own: two of them are allowed."""
    share, _ = covered(BRIEF, alike, spread)
    assert share >= COVERS[0] - 2 * math.sqrt(COVERS[0] * (1 - COVERS[0]) / BRIEF)


def over_starts(trials: int, between: float) -> float:
    """How often the interval over five starts covers, when starts differ by so much."""
    rng = np.random.default_rng([22, round(100 * between)])
    covers = 0
    for _ in range(trials):
        means = [goodput_of(found(rng, 0.5, 0.02, 1 + between * rng.normal())) for _ in range(5)]
        low, high = mean_interval(means) or (0.0, 0.0)
        covers += low <= 1 <= high
    return covers / trials


@pytest.mark.truth
@pytest.mark.parametrize("between", [0.0, 0.04])
def test_the_interval_over_starts_covers(row: Row, between: float) -> None:
    trials = LONG // 3
    share = over_starts(trials, between)
    row(
        f"interval of a ceiling over 5 starts, which differ by {between:.0%}",
        "covers in 92 to 98 %",
        f"{share:.1%} of {trials}",
    )
    assert COVERS[0] <= share <= COVERS[1]


def test_a_search_for_a_precision_reaches_it_where_it_can() -> None:
    rng = np.random.default_rng(23)
    still = [found(rng, 0.0, 0.02) for _ in range(20)]
    assert all(len(holds) == QUICK.holds[0] for holds in still)
    assert all(width_of(holds_interval(holds) or (0, 1)) <= PRECISION for holds in still)
    wild = [len(found(rng, 0.8, 0.2)) for _ in range(20)]
    assert sum(held == QUICK.holds[1] for held in wild) >= 18
