"""A scenario's section: its verdict first, then figures, the plot over time, and each load."""

from pathlib import Path

import pytest

from loadtests.record.keeper import draw_summary
from loadtests.record.reader import read_details
from loadtests.record.summary import Summary
from loadtests.report.html import render
from loadtests.report.terminal import closing_lines
from tests.loadtests.record.test_scenarios import of_scenario, recorded, searched
from tests.loadtests.report.report_page import Page


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return recorded(tmp_path, *searched(), *of_scenario())


def drawn(folder: Path) -> tuple[Summary, Page]:
    summary = draw_summary(folder)
    return summary, Page(render(summary, read_details(folder)))


def test_it_has_verdict_figures_loads_and_what_was_asked(record: Path) -> None:
    _, page = drawn(record)
    for words in (
        "Scenario: spike, to a multiple and back",
        "VALID Recovered.",
        "The rate went from 900/s to 900/s and back.",
        "No request failed in the peak",
        "Capacity 3,000/s, as given; settings: factor 5, base 0.3; objective: p99=50ms",
        "time to recover, s",
    ):
        assert words in page.text
    (row,) = page.table("Each scenario, and what it ended with")[1:]
    assert row[1:] == ["spike", "VALID", "recovered"]
    rows = page.table("What each load of the scenario gave")
    assert [row[0] for row in rows[1:]] == ["before", "peak", "after"]
    assert rows[2][1:4] == ["900.0", "900.0", "400"]
    assert not any("900.0" in struck for struck in page.struck)


def test_its_plot_shows_loads_latencies_failures_and_memory(record: Path) -> None:
    _, page = drawn(record)
    figure = page.figure("spike over time")
    traces = {trace["name"]: trace for trace in figure["data"]}
    assert list(traces) == ["offered", "goodput", "p50", "p99", "failed", "server's memory"]
    assert len(traces["p50"]["x"]) == 25
    assert traces["p50"]["y"][12] == pytest.approx(400, rel=0.01)
    names = [one["text"] for one in figure["layout"]["annotations"]]
    assert names == ["before", "peak", "after"]


def test_an_invalid_one_is_struck_with_its_reasons(tmp_path: Path) -> None:
    windows = of_scenario()
    _, page = drawn(recorded(tmp_path, *windows[:3], *windows[4:]))
    assert "No ceiling was sought in this run" in page.text
    assert "INVALID Recovered." in page.text
    assert "1 windows are missing." in page.text
    assert "What to do: look why a worker fell behind" in page.text
    assert "900.0" in page.struck


def test_the_terminal_says_it_in_a_line(record: Path) -> None:
    summary, _ = drawn(record)
    (line,) = [line for line in closing_lines(summary) if "spike" in line]
    assert ": spike: VALID, Recovered. The rate went from" in line


def test_a_report_without_any_says_nothing_of_scenarios(varied: Summary) -> None:
    page = Page(render(varied, {}))
    assert "Scenario:" not in page.text
