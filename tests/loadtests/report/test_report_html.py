from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.record.summary import ErrorKind, Reason, Reconciliation, Summary
from loadtests.report.html import render, write_report
from serving.errors import RecordError
from tests.loadtests.report.report_page import Page, shown
from tests.loadtests.report.summaries import BODY, UNKNOWN, make_verdict, with_capacity

Builder = Callable[..., Any]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m"


def test_the_headline_table_holds_the_ceiling(target: Builder, summary: Builder) -> None:
    page = shown(summary(target(server_cores=[1, 2])))
    assert page.tables[0][1] == [
        "TorchServe over gRPC digits, batch 1, raw tensor body, tuned, native", "VALID", "server",
        "10,060 \u00b1 120", "10,060", "32", "3.18", "5.09", "8.59", "13.0", "29.6", "0", "2",
        "5,028", "44",
    ]  # fmt: skip
    assert len(page.tables[0][0]) == 15
    assert not page.banners


def test_the_probes_table_marks_what_was_measured_afresh(target: Builder, summary: Builder) -> None:
    probes = shown(summary(target())).table("All probes")
    assert [row[:3] for row in probes[1:3]] == [["1", "grow", "1 user"], ["2", "grow", "4 users"]]
    assert probes[9] == [
        "9", "\u2605 hold", "32 users", "5.0", "50,280", "50,280", "0", "10,060 \u00b1 300",
        "3.18", "5.09", "8.59 7.73 to 9.88", "13.0", "29.6",
    ]  # fmt: skip
    assert len(probes) == 11


def test_repeats_are_counted_from_one(target: Builder, summary: Builder) -> None:
    whole = target()
    again = whole.probes[8].model_copy(update={"repeat": 1, "number": 11})
    probes = shown(summary(target(probes=[*whole.probes, again]))).table("All probes")
    assert [row[:3] for row in probes[9:]] == [
        ["9", "1", "\u2605 hold"],
        ["10", "1", "double"],
        ["11", "2", "\u2605 hold"],
    ]


def test_a_target_section_tells_parity_and_errors(varied: Summary) -> None:
    page = shown(varied)
    assert (
        "Parity holds: over 359 requests the largest difference from the framework's own answer "
        "was 3.1e-7, against a tolerance of 1e-4; accuracy 97.5 % of the labels right." in page.text
    )
    assert page.table("Errors by kind")[1:] == [
        ["503 ServiceUnavailableException", "310", "0", BODY],
        ["timeout", "4", "0", "nothing"],
    ]
    assert "\u2715 2.17" in [row[6] for table in page.tables for row in table if len(row) == 13]


@pytest.mark.parametrize("difference", [2e-3, float("nan")])
def test_failed_parity_never_reads_as_held(
    target: Builder, summary: Builder, difference: float
) -> None:
    whole = target()
    parity = whole.parity.model_copy(update={"max_difference": difference})
    text = shown(summary(whole.model_copy(update={"parity": parity}))).text
    assert "Parity failed:" in text
    assert "Parity holds" not in text


def test_the_stand_in_is_never_called_by_the_servers_name(
    target: Builder, summary: Builder
) -> None:
    page = shown(summary(target(server="tfserving", deployment="embedded")))
    note = "Its numbers say nothing of TensorFlow Serving itself."
    assert page.text.count(note) == 2  # beside the verdict, and in its own section
    rest = page.text.replace(note, "").replace("speaks TensorFlow Serving's API", "")
    assert "TensorFlow Serving" not in rest
    assert "TF Serving" not in rest.replace("TF Serving API stand-in (embedded)", "")
    assert page.tables[0][1][0].startswith("TF Serving API stand-in (embedded) over gRPC")


def test_a_real_server_has_no_stand_in_note(target: Builder, summary: Builder) -> None:
    page = shown(summary(target(server="tfserving")))
    assert "TensorFlow Serving over gRPC" in page.text
    assert "stand-in" not in page.text.lower()


def test_a_lower_bound_says_so_and_why(varied: Summary) -> None:
    page = shown(varied)
    row = page.tables[0][3]
    assert [row[3], row[4], row[13]] == [
        "at least 8,855 \u00b1 120", "at least 70,840", "at least 8,855",
    ]  # fmt: skip
    assert "at least, because the generator was the bottleneck, so the server may" in page.text
    assert "it could send, and is a lower bound of what the server can take." in page.text
    assert any("at least 8,855" in str(figure["layout"]) for figure in page.figures)


def test_an_incomplete_run_is_marked_on_top_and_at_its_target(
    target: Builder, summary: Builder
) -> None:
    broken = target(ceiling=None, failure="the server was killed (signal 9)")
    page = shown(summary(broken, complete=False, failure="Ctrl-C", finished=None))
    assert page.banners[0].startswith("Incomplete run This run is incomplete: Ctrl-C.")
    assert "the server was killed (signal 9)" in page.banners[0]
    assert page.banners[1] == "Not a whole result: the server was killed (signal 9)."
    assert page.tables[0][1][-1] == "no ceiling: the server was killed (signal 9)"
    assert "not finished" in page.text


def test_a_run_without_targets_can_be_read(summary: Builder) -> None:
    page = shown(summary(complete=False, failure="no Java"))
    assert "No target was reached before the run ended." in page.text
    assert "no Java" in page.banners[0]


def test_a_missing_quantile_is_a_dash_never_zero(target: Builder, summary: Builder) -> None:
    whole = target()
    ceiling = whole.ceiling.model_copy(update={"latency_ms": UNKNOWN})
    unknown = {"latency_ms": UNKNOWN, "service_ms": UNKNOWN, "p99_ci95_ms": None}
    probes = [probe.model_copy(update=unknown) for probe in whole.probes]
    page = shown(summary(target(ceiling=ceiling, probes=probes)))
    assert page.tables[0][1][6:11] == ["\u2013"] * 5
    assert page.table("All probes")[1][8:13] == ["\u2013"] * 5
    assert page.table("What each probe's")[1][3:5] == ["\u2013"] * 2
    assert "fewer than ten answers lie beyond a quantile" in page.text
    latency = page.figure("Response latency against users")["data"]
    assert {value for trace in latency for value in trace["y"]} == {None}


def test_foreign_text_stays_text(target: Builder, summary: Builder) -> None:
    whole = target()
    errors = {HOSTILE: ErrorKind(requests=3, held=1, said=HOSTILE)}
    reasons = [Reason(rule=HOSTILE, what=HOSTILE, remedy=HOSTILE)]
    verdict = make_verdict(*reasons, evidence={HOSTILE: HOSTILE, "why": HOSTILE})
    untold = Reconciliation(state="mismatch", client=1, server=None, why=HOSTILE)
    probes = [p.model_copy(update={"reconciliation": untold}) for p in whole.probes]
    page = shown(
        summary(
            target(model=HOSTILE, configuration=HOSTILE, server_version=HOSTILE, failure=HOSTILE,
                   probes=probes, errors=errors, verdict=verdict, settings=HOSTILE,
                   server_command=[HOSTILE], generator_commands=[[HOSTILE]], model_key=HOSTILE),
            target(model=HOSTILE),
            failure=HOSTILE, name=HOSTILE, profile=HOSTILE, started=HOSTILE, command=[HOSTILE],
            versions={HOSTILE: HOSTILE},
        )
    )  # fmt: skip
    assert len(page.of("script")) == 2 + len(page.figures)
    assert not page.of("img")
    assert "\x1b" not in page.text.replace(HOSTILE, "")
    kinds = page.table("Errors by kind")
    assert kinds[1][0].startswith("</script><script>alert(1)</script><img src=x")
    notes = [note["text"] for f in page.figures for note in f["layout"].get("annotations", ())]
    assert any("&lt;img src=x" in text for text in notes)
    assert not any("<img" in text for text in notes)


def test_the_report_loads_nothing(varied: Summary) -> None:
    page = shown(varied)
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
    assert render(varied, {}).count("plotly.js v") == 1


def test_the_method_and_the_making_are_told(target: Builder, summary: Builder) -> None:
    page = shown(summary(target(), command=["redline", "run", "--out", "my results"]))
    for words in (
        "right answers per second, by completion time.",
        "N virtual users, each sends when its last answer came.",
        "the highest goodput sustained, whatever the latency (closed loop, no SLO).",
        "Some CPU @ 2.60 GHz",
        "7.76 GiB",
        "redline run --out 'my results'",
        "5 March 2031, 12:13 UTC",
        "20310305",
        "2.47.0",
        "torchserve --start --ts-config config.properties",
        "locust -f ceiling.py --headless",
        "default_workers_per_model=1",
    ):
        assert words in page.text
    assert page.tables[-1][1][1:] == ["0.12.0", "1", "0", "6f1d2ac09b3e"]


def test_it_can_be_used_without_eyes(varied: Summary) -> None:
    page = shown(varied)
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
    write_report(summary(target()), {}, path)
    assert Page(path.read_text(encoding="utf-8")).tables
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_one_line(
    target: Builder, summary: Builder, tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "report.html"
    with pytest.raises(RecordError) as raised:
        write_report(summary(target()), {}, path)
    assert str(raised.value) == (
        f"cannot write {path}: No such file or directory; free space there or choose "
        "another place with --out"
    )


def test_each_rate_tells_whether_the_slo_held(target: Builder, summary: Builder) -> None:
    outcomes = {8_200.0: "pass", 10_300.0: "fail", 9_000.0: "likely"}
    searched = with_capacity(target())
    probes = [
        probe.model_copy(update={"slo_outcome": outcomes.get(probe.rate_rps or 0)})
        for probe in searched.probes
    ]
    rows = shown(summary(searched.model_copy(update={"probes": probes}))).table("All probes")
    steps = {row[2]: row[1] for row in rows if row[1].startswith("bisect")}
    assert steps["8,200/s"] == "bisect: SLO held"
    assert steps["10,300/s"] == "bisect: SLO broken"
    assert steps["9,000/s"] == "bisect: SLO likely held, not shown"
    assert steps["5,100/s"] == "bisect"
