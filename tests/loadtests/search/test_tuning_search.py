"""The tuning search finds what a full grid holds, in a quarter of its probes."""

import itertools
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from loadtests.search.tuning import Point, TuningSearch

pytestmark = pytest.mark.long(minutes=0.1)

RECORDED = Path(__file__).parents[2] / "fixtures" / "tuning" / "torchserve-grid.json"
AXES = [(1, 2, 3, 4, 6, 8), (1, 2, 4, 8, 16, 32, 64, 128), (1, 2, 4, 8, 16)]
STARTS = [(1, 8, 2), (4, 64, 2), (8, 128, 16), (1, 1, 1)]
Server = Callable[[Point], float]


def without_batches(point: Point) -> Point:
    return (point[0], 1, AXES[2][0]) if point[1] == 1 else point


def searched(search: TuningSearch, server: Server) -> list[Point]:
    """Every point that was probed, in order."""
    asked = []
    while (point := search.next_point()) is not None:
        asked.append(point)
        search.feed(server(point))
    return asked


def made_server(seed: int) -> Server:
    """A batching server in closed loop: workers on cores, a batch's time, a wait for its fill."""
    random = np.random.default_rng(seed)
    cores, users = random.choice([1, 2, 4, 8]), random.choice([64, 128, 256])
    batch_s = 10 ** random.uniform(-4, -2.5)
    row_s = batch_s * 10 ** random.uniform(-2.5, -0.5)
    crowding, front_s = random.uniform(0.02, 0.3), 10 ** random.uniform(-4.3, -3.3)

    def goodput(point: Point) -> float:
        workers, batch, delay_ms = point
        filled = min(batch, users / workers)
        full = users / workers >= batch
        wait_s = min(delay_ms / 1000, filled * front_s) if full else delay_ms / 1000
        crowd = max(1.0, workers / cores)
        served_s = (batch_s + row_s * filled) * crowd * (1 + crowding * (crowd - 1))
        return float(min(workers * filled / (served_s + wait_s), 1 / front_s))

    return goodput


@pytest.mark.parametrize("start", STARTS)
def test_a_quarter_of_the_probes_finds_the_best_of_made_servers(start: Point) -> None:
    grid = [without_batches(point) for point in itertools.product(*AXES)]
    missed = 0
    for seed in range(25):
        server, random = made_server(seed), np.random.default_rng(seed)
        search = TuningSearch(AXES, start, len(grid) // 4, without_batches)
        asked = searched(search, lambda p: server(p) * (1 + 0.02 * random.standard_normal()))  # noqa: B023
        assert len(asked) <= len(grid) // 4
        assert search.best is not None
        missed += server(search.best[0]) < 0.95 * max(map(server, grid))
    assert missed <= 1


def test_no_point_is_probed_twice_and_all_are_in_the_end() -> None:
    grid = {without_batches(point) for point in itertools.product(*AXES)}
    asked = searched(TuningSearch(AXES, (4, 8, 2), 10_000, without_batches), made_server(1))
    assert len(asked) == len(set(asked)) == len(grid)
    assert set(asked) == grid


def test_a_lonely_peak_is_found_by_climbing_anew() -> None:
    peak = (6, 2, 16)

    def server(point: Point) -> float:
        return 100.0 if point == peak else 10.0 - point[0]

    search = TuningSearch(AXES, (1, 128, 1), 240)
    searched(search, server)
    assert search.best == (peak, 100.0)


def test_points_that_give_nothing_are_left() -> None:
    def server(point: Point) -> float:
        return 0.0 if point[1] > 16 else float(point[1])

    search = TuningSearch(AXES, (4, 128, 2), 60)
    searched(search, server)
    assert search.best is not None
    assert search.best[0][1] == 16
    nothing = TuningSearch(AXES, (4, 128, 2), 5)
    searched(nothing, lambda _: 0.0)
    assert nothing.best is None


def test_the_same_answers_lead_the_same_way() -> None:
    ways = [searched(TuningSearch(AXES, (1, 8, 2), 40), made_server(7)) for _ in range(2)]
    assert ways[0] == ways[1]


def test_the_budget_and_the_start_are_kept() -> None:
    search = TuningSearch(AXES, (4, 64, 2), 1)
    assert searched(search, lambda _: 5.0) == [(4, 64, 2)]
    with pytest.raises(ValueError, match="over"):
        search.feed(1.0)
    with pytest.raises(ValueError, match="not in tuple"):
        TuningSearch(AXES, (5, 64, 2), 10)


def test_a_quarter_of_the_probes_finds_the_best_of_a_recorded_grid() -> None:
    recorded = json.loads(RECORDED.read_text())
    axes = list(recorded["axes"].values())
    goodput = {tuple(point): statistics.median(rps) for point, rps in recorded["goodput_rps"]}

    def alike(point: Point) -> Point:
        return (point[0], 1, axes[2][0]) if point[1] == 1 else point

    grid = list(itertools.product(*axes))
    starts = {alike(point) for point in grid}
    missed = 0
    for start in starts:
        search = TuningSearch(axes, start, len(grid) // 4, alike)
        assert len(searched(search, goodput.__getitem__)) <= len(grid) // 4
        assert search.best is not None
        missed += search.best[1] < 0.95 * max(goodput.values())
    assert missed <= 0.05 * len(starts)
