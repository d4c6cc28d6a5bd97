from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.record.summary import Latency, Summary
from loadtests.report.html import render, write_report
from serving.errors import RecordError
from tests.loadtests.report.report_page import Page

Builder = Callable[..., Any]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m"


def test_the_headline_table_holds_the_ceiling(target: Builder, summary: Builder) -> None:
    page = Page(render(summary(target(server_cores=[1, 2]))))
    assert page.tables[0][1] == [
        "TorchServe over gRPC digits, batch 1", "native", "tuned", "raw tensor", "10,060",
        "10,060", "32", "3.18", "5.09", "8.59", "13.0", "29.6", "0", "2", "5,028", "44",
    ]  # fmt: skip
    assert len(page.tables[0][0]) == 16
    assert not page.banners


def test_the_probes_table_marks_the_held_probe(target: Builder, summary: Builder) -> None:
    page = Page(render(summary(target())))
    probes = page.tables[1]
    assert [row[:3] for row in probes[1:3]] == [["1", "grow", "1"], ["2", "grow", "4"]]
    assert probes[-1][:8] == ["9", "\u2605 hold", "32", "5.0", "50,280", "50,280", "0", "10,060"]
    assert len(probes) == 10


def test_a_target_section_tells_parity_and_errors(varied: Summary) -> None:
    page = Page(render(varied))
    assert (
        "Parity holds: over 359 requests the largest difference from the framework's own answers "
        "was 3.1e-7, against a tolerance of 1e-4; accuracy 97.5 % of the labels right." in page.text
    )
    kinds = next(table for table in page.tables if table[0][0] == "kind")
    assert kinds[1:] == [["503 ServiceUnavailableException", "310", "0"], ["timeout", "4", "0"]]
    assert "\u2715 2.17" in [row[6] for table in page.tables for row in table if len(row) == 14]


@pytest.mark.parametrize("difference", [2e-3, float("nan")])
def test_failed_parity_never_reads_as_held(
    target: Builder, summary: Builder, difference: float
) -> None:
    whole = target()
    parity = whole.parity.model_copy(update={"max_difference": difference})
    text = Page(render(summary(whole.model_copy(update={"parity": parity})))).text
    assert "Parity failed:" in text
    assert "Parity holds" not in text


def test_the_stand_in_is_never_called_by_the_servers_name(
    target: Builder, summary: Builder
) -> None:
    page = Page(render(summary(target(server="tfserving", deployment="embedded"))))
    note = "Its numbers say nothing of TensorFlow Serving itself."
    assert page.text.count(note) == 2  # beside the verdict, and in its own section
    rest = page.text.replace(note, "").replace("speaks TensorFlow Serving's API", "")
    assert "TensorFlow Serving" not in rest
    assert "TF Serving" not in rest.replace("TF Serving API stand-in (embedded)", "")
    assert page.tables[0][1][0].startswith("TF Serving API stand-in (embedded) over gRPC")


def test_a_real_server_has_no_stand_in_note(target: Builder, summary: Builder) -> None:
    page = Page(render(summary(target(server="tfserving"))))
    assert "TensorFlow Serving over gRPC" in page.text
    assert "stand-in" not in page.text.lower()


def test_a_lower_bound_says_so_and_why(varied: Summary) -> None:
    page = Page(render(varied))
    row = page.tables[0][3]
    assert [row[4], row[5], row[14]] == ["at least 8,855"] * 3
    reason = "the generator was the busy side (97 % busy), so the server may take more"
    assert page.text.count(reason) == 2  # under the table, and in the target's section
    assert any("at least 8,855" in str(figure["layout"]) for figure in page.figures)


def test_an_incomplete_run_is_marked_on_top_and_at_its_target(
    target: Builder, summary: Builder
) -> None:
    broken = target(ceiling=None, failure="the server was killed (signal 9)")
    page = Page(render(summary(broken, complete=False, failure="Ctrl-C", finished=None)))
    assert page.banners[0].startswith("Incomplete run This run is incomplete: Ctrl-C.")
    assert "the server was killed (signal 9)" in page.banners[0]
    assert page.banners[1] == "Not a whole result: the server was killed (signal 9)."
    assert page.tables[0][1][-1] == "no ceiling: the server was killed (signal 9)"
    assert "not finished" in page.text


def test_a_run_without_targets_can_be_read(summary: Builder) -> None:
    page = Page(render(summary(complete=False, failure="no Java")))
    assert "No target was reached before the run ended." in page.text
    assert "no Java" in page.banners[0]


def test_a_missing_quantile_is_a_dash_never_zero(target: Builder, summary: Builder) -> None:
    none = Latency(p50=None, p90=None, p99=None, p999=None, max=None)
    whole = target()
    ceiling = whole.ceiling.model_copy(update={"latency_ms": none})
    probes = [probe.model_copy(update={"latency_ms": none}) for probe in whole.probes]
    page = Page(render(summary(target(ceiling=ceiling, probes=probes))))
    assert page.tables[0][1][7:12] == ["\u2013"] * 5
    assert page.tables[1][1][8:13] == ["\u2013"] * 5
    assert "fewer than ten answers lie beyond a quantile" in page.text
    latency = page.figures[1]["data"]
    assert {value for trace in latency for value in trace["y"]} == {None}


def test_the_plots_tell_search_held_and_errors_apart(varied: Summary) -> None:
    page = Page(render(varied))
    # Besides the overview: two each for the four targets that have probes.
    assert len(page.figures) == 9
    overview, goodput = page.figures[0], page.figures[3]
    assert [len(trace["x"]) for trace in overview["data"]] == [3, 2]
    assert overview["data"][1]["marker"]["pattern"]["shape"] == "/"
    by_name = {trace["name"]: trace for trace in goodput["data"]}
    assert by_name["search"]["x"] == [1, 4, 16, 24, 32, 40, 64, 256]
    assert by_name["held"]["x"] == [32]
    assert by_name["had errors"]["x"] == [256]
    assert len({trace["marker"]["symbol"] for trace in goodput["data"]}) == 3
    assert goodput["layout"]["xaxis"]["type"] == "log"
    latency = page.figures[4]
    assert latency["layout"]["yaxis"]["type"] == "log"
    dashes = {trace["line"]["dash"] for trace in latency["data"] if "line" in trace}
    assert dashes == {"solid", "dash", "dot"}


def test_the_overview_needs_two_targets(target: Builder, summary: Builder) -> None:
    assert len(Page(render(summary(target()))).figures) == 2
    assert len(Page(render(summary(target(), target(protocol="rest")))).figures) == 5


def test_foreign_text_stays_text(target: Builder, summary: Builder) -> None:
    whole = target()
    probes = [p.model_copy(update={"wrong": {HOSTILE: 3}}) for p in whole.probes]
    report = render(
        summary(
            target(model=HOSTILE, configuration=HOSTILE, server_version=HOSTILE, failure=HOSTILE,
                   probes=probes),
            target(model=HOSTILE),
            failure=HOSTILE, name=HOSTILE, profile=HOSTILE, started=HOSTILE, command=[HOSTILE],
        )
    )  # fmt: skip
    page = Page(report)
    assert len(page.of("script")) == 2 + len(page.figures)
    assert not page.of("img")
    assert "\x1b" not in page.text.replace(HOSTILE, "")
    kinds = next(table for table in page.tables if table[0][0] == "kind")
    assert kinds[1][0].startswith("</script><script>alert(1)</script><img src=x")
    shown = [note["text"] for f in page.figures for note in f["layout"].get("annotations", ())]
    assert any("&lt;img src=x" in text for text in shown)
    assert not any("<img" in text for text in shown)


def test_the_report_loads_nothing(varied: Summary) -> None:
    page = Page(render(varied))
    attributes = [pair for _, found in page.elements for pair in found.items()]
    assert not [pair for pair in attributes if pair[0] in ("src", "srcset", "data", "action")]
    assert not page.of("link")
    links = [value or "" for name, value in attributes if name == "href"]
    assert links
    assert all(link.startswith("#target-") for link in links)
    assert "url(" not in page.styles
    assert "@import" not in page.styles
    policy = next(meta for meta in page.of("meta") if "http-equiv" in meta)
    assert (policy["content"] or "").startswith("default-src 'none';")
    assert render(varied).count("plotly.js v") == 1


def test_the_method_and_the_making_are_told(target: Builder, summary: Builder) -> None:
    page = Page(render(summary(target(), command=["redline", "run", "--out", "my results"])))
    for words in (
        "right answers per second, by completion time.",
        "N virtual users, each sends when its last answer came.",
        "the highest goodput sustained, whatever the latency (closed loop, no SLO).",
        "Some CPU @ 2.60 GHz",
        "7.76 GiB",
        "redline run --out 'my results'",
        "5 March 2031, 12:13 UTC",
    ):
        assert words in page.text
    assert page.tables[-1][1][1:] == ["0.12.0", "1", "0"]


def test_it_can_be_used_without_eyes(varied: Summary) -> None:
    page = Page(render(varied))
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("h1")) == 1
    assert len(page.of("caption")) == len(page.tables)
    plots = [found for found in page.of("div") if found.get("role") == "img"]
    assert len(plots) == len(page.figures)
    assert all(len(plot["aria-label"] or "") > 40 for plot in plots)
    assert all(heading.get("scope") in ("col", "row") for heading in page.of("th"))


def test_writing_replaces_the_report_and_leaves_nothing_else(
    target: Builder, summary: Builder, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(summary(target()), path)
    assert Page(path.read_text(encoding="utf-8")).tables
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_one_line(
    target: Builder, summary: Builder, tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "report.html"
    with pytest.raises(RecordError) as raised:
        write_report(summary(target()), path)
    assert str(raised.value) == (
        f"cannot write {path}: No such file or directory; free space there or choose "
        "another folder with --out"
    )
