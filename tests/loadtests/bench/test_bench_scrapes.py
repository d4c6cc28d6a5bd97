"""What the exporters cost: the figures that need no exporter, and their table."""

import io

import pytest
from rich.console import Console

from loadtests.bench.scrape_table import scrape_table
from loadtests.bench.scrapes import Cost, ScrapeSummary, load_generator_costs


@pytest.mark.parametrize(("at_most", "met"), [(2.0, True), (1.9, False), (None, True)])
def test_a_cost_is_judged_by_its_median(at_most: float | None, met: bool) -> None:
    cost = Cost("CPU", "ms", (1.0, 2.0, 50.0), at_most)
    assert (cost.value, cost.met) == (2.0, met)


def test_series_are_those_of_the_pages_and_of_every_target() -> None:
    page = '# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\n# TYPE b counter\nb_total 3\n'
    found = load_generator_costs([page, page])
    of_target, at_once, in_all = (cost.values[0] for cost in found.costs[1:])
    assert of_target > 4 * 31
    assert at_once == 6 + of_target
    assert found.costs[3].name.startswith("series of a full run's 20 targets")
    assert in_all == 6 + 20 * of_target


def test_a_missed_goal_is_seen() -> None:
    costs = (Cost("CPU", "cores", (0.03,), 0.02), Cost("series", "", (1234.0,), None))
    console = Console(width=120, file=io.StringIO())
    with console.capture() as capture:
        console.print(scrape_table([ScrapeSummary("one", "an exporter", costs)]))
    rows = {row.split("│")[1].strip(): row for row in capture.get().splitlines() if "│" in row}
    assert "missed" in rows["CPU, cores"]
    assert "0.03" in rows["CPU, cores"]
    assert "1,234" in rows["series"]
    assert "met" not in rows["series"]
