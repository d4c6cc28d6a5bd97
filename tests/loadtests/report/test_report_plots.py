from collections.abc import Callable
from typing import Any

import pytest

from loadtests.record.details import Details
from loadtests.record.summary import Probe, Summary
from loadtests.report import derived
from loadtests.report.html import render
from tests.loadtests.report.report_page import Page, shown
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_all_details,
    make_calibration,
    make_details,
    probe,
    with_capacity,
)

Builder = Callable[..., Any]


def titles(page: Page) -> list[str]:
    labels = [found["aria-label"] or "" for found in page.of("div") if found.get("role") == "img"]
    return [label.partition(".")[0] for label in labels]


def texts(figure: dict[str, Any]) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


def test_a_target_has_these_plots(target: Builder, summary: Builder) -> None:
    closed = ["Goodput against users", "Response latency against users"]
    rest = ["Latency by percentile, at the ceiling", "Timeline of the search"]
    assert titles(shown(summary(target()))) == closed + rest
    offered = ["Goodput against offered rate", "Response latency against offered rate"]
    assert titles(shown(summary(with_capacity(target())))) == closed + offered + rest
    without = Page(render(summary(target()), {}))
    assert titles(without) == closed
    assert titles(Page(render(summary(target()), {target().name: Details([], None)}))) == closed


def test_the_overview_needs_two_targets(target: Builder, summary: Builder) -> None:
    assert len(shown(summary(target())).figures) == 4
    assert len(shown(summary(target(), target(protocol="rest"))).figures) == 9


def test_the_overview_ranks_only_valid_servers(varied: Summary) -> None:
    servers, stand_ins, unfit = shown(varied).figures[0]["data"]
    assert [round(x) for x in servers["x"]] == [70_840, 10_056, 3_063]
    assert [list(trace["y"]) for trace in (servers, stand_ins, unfit)] == [[0, 1, 2], [3], [4, 5]]
    assert stand_ins["marker"]["pattern"]["shape"] == "/"
    assert unfit["marker"]["pattern"]["shape"] == "x"
    labels = texts(shown(varied).figures[0])
    assert any(text.endswith("<br><b><s>at least 99,740</s> INVALID</b>") for text in labels)
    assert any(text.endswith("<br><b>at least 70,840</b> \u00b1\u00a0960") for text in labels)


def test_the_curves_tell_search_fresh_and_errors_apart(varied: Summary) -> None:
    page = shown(varied)
    goodput, latency = page.figures[7], page.figures[8]
    by_name = {trace["name"]: trace for trace in goodput["data"]}
    assert by_name["goodput"]["x"] == [1, 4, 16, 24, 32, 40, 64, 64, 256]
    assert by_name["goodput, measured afresh"]["x"] == [32]
    assert by_name["had errors"]["x"] == [256]
    assert len({trace["marker"]["symbol"] for trace in goodput["data"]}) == 3
    assert goodput["layout"]["xaxis"]["type"] == "log"
    assert latency["layout"]["yaxis"]["type"] == "log"
    dashes = {trace["line"]["dash"] for trace in latency["data"] if "line" in trace}
    assert dashes == {"solid", "dash", "dot"}


def test_intervals_are_error_bars(target: Builder, summary: Builder) -> None:
    page = shown(summary(target()))
    search = page.figure("Goodput against users")["data"][0]
    # Each interval is 3 % to either side of its goodput.
    bars = search["error_y"]
    assert bars["array"] == pytest.approx([0.03 * y for y in search["y"]])
    assert bars["arrayminus"] == pytest.approx([0.03 * y for y in search["y"]])
    latency = page.figure("Response latency against users")["data"]
    assert [t["name"] for t in latency if "error_y" in t] == ["p99", "p99, measured afresh"]
    p99 = next(trace for trace in latency if trace["name"] == "p99")
    assert p99["error_y"]["array"] == pytest.approx([0.15 * y for y in p99["y"]])


def test_ceiling_and_knee_are_marked(target: Builder, summary: Builder) -> None:
    page = shown(summary(target()))
    goodput = page.figure("Goodput against users")
    assert texts(goodput) == ["<b>knee: 16 users</b>", "<b>ceiling: 10,060/s</b>"]
    levels = [s["y0"] for s in goodput["layout"]["shapes"] if s["y0"] == s["y1"]]
    assert levels == pytest.approx([target().ceiling.goodput_rps])
    latency = page.figure("Response latency against users")
    assert texts(latency) == ["<b>knee: 16 users</b>", "<b>ceiling: 32 users</b>"]
    assert [s["x0"] for s in latency["layout"]["shapes"]] == [16, 32]


def test_the_knee_is_where_goodput_over_latency_is_largest() -> None:
    def at(users: int, goodput_rps: float, p50_ms: float | None) -> Probe:
        latency = probe(1, users, 1_000.0).latency_ms.model_copy(update={"p50": p50_ms})
        return probe(1, users, 1_000.0, goodput_rps=goodput_rps, latency_ms=latency)

    probes = [at(1, 100, 10), at(4, 380, 11), at(16, 500, 32), at(64, 510, None)]
    assert derived.knee(probes) is probes[1]
    assert derived.knee(probes[3:]) is None
    assert derived.knee([]) is None


def test_the_open_loop_shows_the_slo_and_the_capacity(target: Builder, summary: Builder) -> None:
    latency = shown(summary(with_capacity(target()))).figure("Response latency against offered")
    assert texts(latency) == ["<b>capacity: 8,200/s</b>", "<b>SLO: p99 up to 1.50 ms</b>"]
    band, capacity, slo = latency["layout"]["shapes"]
    assert (band["x0"], band["x1"]) == (8_060, 8_340)
    assert (capacity["x0"], slo["y0"]) == (8_200, 1.5)
    by_name = {trace["name"]: trace["x"] for trace in latency["data"]}
    assert by_name["p99"] == [1_000, 5_100, 7_700, 8_200, 8_350, 9_000, 10_300]
    assert by_name["p99, measured afresh"] == [8_200]


def test_percentiles_have_equal_room_for_each_nine(target: Builder, summary: Builder) -> None:
    figure = shown(summary(target())).figure("Latency by percentile")
    response, service = figure["data"]
    # A tenth of a decade a step, as the details have it: p90 is the 10th and p99 the 20th.
    assert response["x"][0:21:10] == pytest.approx([1, 10, 100])
    assert response["y"][10] == pytest.approx(2.1 + 4)
    assert service["y"][10] == pytest.approx(0.97 * (2.1 + 4))
    assert figure["layout"]["xaxis"]["type"] == figure["layout"]["yaxis"]["type"] == "log"
    label = next(
        found["aria-label"] or ""
        for found in shown(summary(target())).of("div")
        if (found.get("aria-label") or "").startswith("Latency by percentile")
    )
    assert "response latency p50 3.30 ms, p90 6.10 ms, p99 10.1 ms, p99.9 14.1 ms;" in label


def test_the_timeline_shows_each_probe_in_its_steps_row(target: Builder, summary: Builder) -> None:
    figure = shown(summary(target())).figure("Timeline")
    by_name = {trace["name"]: trace for trace in figure["data"]}
    assert figure["layout"]["yaxis"]["ticktext"] == ["grow", "refine", "hold", "double"]
    rows = by_name["measured"]["y"]
    assert rows[::3] == [0] * 5 + [1] * 3 + [2, 3]
    # A probe of 5 s after one to settle, half a second apart from the next.
    assert by_name["measured"]["x"][:6] == [1, 5, None, 7.5, 11.5, None]
    assert by_name["settling"]["x"][:3] == [0, 5, None]
    goodput = by_name["goodput"]
    assert goodput["yaxis"] == "y2"
    assert goodput["y"].count(None) == 10
    assert {by_name[name]["yaxis"] for name in ("p50", "p99")} == {"y3"}
    assert set(by_name["errors"]["y"]) == {0, None}


def test_the_timeline_marks_repeats(target: Builder, summary: Builder) -> None:
    whole = target()
    again = whole.probes[8].model_copy(update={"repeat": 1, "number": 11})
    repeated = target(probes=[*whole.probes, again])
    figure = shown(summary(repeated)).figure("Timeline")
    assert texts(figure) == ["<b>1</b>", "<b>2</b>"]
    (line,) = figure["layout"]["shapes"]
    assert line["x0"] == make_details(repeated).timeline[-6].at_s


def test_invalid_ceilings_are_struck_in_the_latency_plot_too(
    target: Builder, summary: Builder
) -> None:
    figure = shown(summary(judged(target(), lag_reason()))).figure("Response latency")
    assert "<b><s>ceiling: 32 users</s> INVALID</b>" in texts(figure)
    symbols = {trace["marker"]["symbol"] for trace in figure["data"] if trace["x"] == [32]}
    assert symbols == {"circle-x-open", "square-x-open", "diamond-x-open"}


def test_a_cut_off_run_is_drawn_as_far_as_it_went(target: Builder, summary: Builder) -> None:
    first = target(probes=target().probes[:1], ceiling=None, verdict=None)
    page = Page(render(summary(first), make_all_details(summary(first))))
    assert titles(page)[-1] == "Timeline of the search"
    assert len(page.figures) == 3


def test_an_invalid_ceilings_percentiles_are_marked(target: Builder, summary: Builder) -> None:
    page = shown(summary(judged(target(), lag_reason())))
    assert "Latency by percentile, at the ceiling (INVALID)" in titles(page)
    symbols = [trace["marker"]["symbol"] for trace in page.figure("Latency by perc")["data"]]
    assert symbols == ["circle-x-open", "square-x-open"]
    sound = shown(summary(target())).figure("Latency by perc")["data"]
    assert [trace["marker"]["symbol"] for trace in sound] == ["circle", "square-open"]


@pytest.mark.parametrize(("floor_us", "marks"), [(101.0, 0), (103.0, 1), (0.0, 0)])
def test_the_floor_is_drawn_where_it_leaves_the_curves_their_shape(
    target: Builder, summary: Builder, floor_us: float, marks: int
) -> None:
    # The least latency of the details is 0.97 x 2.1 ms; twenty times the floor reach it or not.
    calibration = make_calibration().model_copy(update={"floor_us": floor_us})
    figure = shown(summary(target(calibration=calibration))).figure("Latency by percentile")
    assert len(figure["layout"].get("annotations", ())) == marks
    assert [shape["y0"] for shape in figure["layout"].get("shapes", ())] == [0.103] * marks


def test_words_for_a_plot_never_give_an_invalid_figure(target: Builder, summary: Builder) -> None:
    hold = target().probes[8].model_copy(update={"goodput_rps": 99_000.0})
    page = shown(summary(judged(target(probes=[hold]), lag_reason())))
    labels = [found["aria-label"] or "" for found in page.of("div") if found.get("role") == "img"]
    goodput, latency = (
        next(label for label in labels if label.startswith(title))
        for title in ("Goodput against users", "Response latency against users")
    )
    assert goodput.endswith("gRPC: no probe is VALID; 0 of 1 probe had errors.")
    assert latency.endswith("gRPC: no probe is VALID.")
