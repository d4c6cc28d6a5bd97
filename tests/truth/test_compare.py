"""How often runs of one build are told apart, and a slower one found: starts are what differs."""

from collections.abc import Iterator

import numpy as np
import pytest

from loadtests.measure.distributions import t_quantile
from loadtests.planning.comparison import compare
from loadtests.planning.figures import Allowed
from loadtests.record.summary import Summary
from tests.loadtests.report.summaries import make_summary, make_target, with_ceiling
from tests.truth.conftest import Row

TOLERANCE = 0.05
HOLDS = 5
NOISE = 0.01
"""Standard deviation of the holds within a start, as a share."""
RECORDS = 3
"""Other records of several starts, where they are at hand."""
STARTS = 5
SPREADS = (0.0, 0.02, 0.04)
TARGET = make_target(name="torchserve-grpc")


class Builds:
    """Runs of builds whose starts differ by ``spread``."""

    def __init__(self, spread: float, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._spread = spread
        self._runs = 0

    def run(self, mean_rps: float, starts: int) -> Summary:
        """A run as its record has it: a goodput a start, and the interval over starts or holds."""
        self._runs += 1
        means = mean_rps * np.exp(self._rng.normal(0, self._spread, starts))
        holds = means[:, None] * np.exp(self._rng.normal(0, NOISE, (starts, HOLDS)))
        goodputs = holds.mean(axis=1)
        values = goodputs if starts > 1 else holds[0]
        half = t_quantile(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        rps = float(goodputs.mean())
        target = with_ceiling(
            TARGET,
            goodput_rps=rps,
            repeats_rps=goodputs.tolist(),
            ci95_rps=(rps - float(half), rps + float(half)),
        )
        profile = "full" if starts > 1 else "quick"
        return make_summary(name=f"run-{self._runs}", profile=profile).model_copy(
            update={"targets": [target]}
        )


def said(
    pairs: int, spread: float, starts: int, records: int = 0, slower: float = 1.0
) -> Iterator[str]:
    """The verdicts in a word."""
    builds = Builds(spread, seed=1000 * starts + round(1000 * spread) + records)
    for _ in range(pairs):
        others = [builds.run(10_000, STARTS) for _ in range(records)]
        first, second = builds.run(10_000, starts), builds.run(10_000 * slower, starts)
        (row,) = compare([first], [second], TOLERANCE, Allowed(), others).rows
        yield row.word


def told_apart(pairs: int, spread: float, starts: int, records: int = 0) -> float:
    words = list(said(pairs, spread, starts, records))
    return sum(word in ("better", "worse") for word in words) / pairs


def found(pairs: int, spread: float, starts: int, records: int = 0) -> float:
    """How often one that is 10 % slower is called worse."""
    return list(said(pairs, spread, starts, records, slower=0.9)).count("worse") / pairs


@pytest.mark.parametrize(("starts", "records"), [(STARTS, 0), (1, RECORDS), (1, 0)])
def test_one_build_is_seldom_told_apart_from_itself(starts: int, records: int) -> None:
    """Of 400 pairs 5 % are 20, and 32 are met by chance once in two hundred."""
    for spread in SPREADS:
        assert told_apart(400, spread, starts, records) <= 32 / 400


def test_a_tenth_slower_is_found_in_spite_of_the_starts() -> None:
    for spread in (0.02, 0.04):
        assert found(300, spread, STARTS) >= 0.8


def test_a_single_start_is_not_called_the_same_by_an_assumption() -> None:
    assert "same" not in set(said(100, 0.0, starts=1))
    assert set(said(100, 0.0, starts=1, records=RECORDS)) == {"same"}


@pytest.mark.truth
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(
    ("starts", "records", "how"),
    [
        (STARTS, 0, f"{STARTS} starts each"),
        (1, RECORDS, f"1 start each, {RECORDS} records of {STARTS} at hand"),
        (1, 0, "1 start each, no record at hand"),
    ],
)
def test_one_build_beside_itself(
    row: Row, starts: int, records: int, how: str, spread: float
) -> None:
    pairs = 4000
    apart = told_apart(pairs, spread, starts, records)
    wanted = "told apart in at most 6 %"
    row(f"compare, one build, {how}, starts differ by {spread:.0%}", wanted, f"{apart:.1%}")
    assert apart <= 0.06


@pytest.mark.truth
@pytest.mark.parametrize("spread", [0.02, 0.04])
def test_a_tenth_slower_beside_the_build(row: Row, spread: float) -> None:
    worse = found(2000, spread, STARTS)
    told = f"compare, 10 % slower, {STARTS} starts each, starts differ by {spread:.0%}"
    row(told, "worse in at least 80 %", f"{worse:.1%}")
    assert worse >= 0.8
