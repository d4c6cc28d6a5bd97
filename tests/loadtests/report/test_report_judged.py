from collections.abc import Callable
from typing import Any

import pytest

from loadtests.record.run import Calibration
from loadtests.record.summary import Reason, Summary
from loadtests.report import evidence, judgement
from tests.loadtests.report.report_page import shown
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_calibration,
    make_verdict,
    with_capacity,
)

Builder = Callable[..., Any]
UNSTEADY = Reason(
    rule="steady", what="goodput fell by 9 % over the probe.", remedy="measure for longer"
)


def test_the_verdict_comes_before_every_number(target: Builder, summary: Builder) -> None:
    text = shown(summary(target())).text.partition("Load in closed loop")[0]
    section = text.rpartition("deployment native")[2]
    assert section.split("Who was")[0].strip() == (
        "VALID The ceiling passed every check. The server was the bottleneck: the figure is its "
        "own. The evidence: twice the users: +1.2% goodput, 1.98 times the service latency."
    )


def test_every_reason_comes_with_its_remedy(target: Builder, summary: Builder) -> None:
    page = shown(summary(judged(target(), lag_reason(), UNSTEADY)))
    assert "INVALID The ceiling failed 2 checks; its figures may not be used." in page.text
    assert (
        "The generator was late: p99 of its lag was 4.1 ms, above 1 ms. "
        "What to do: give the generator more cores. "
        "Goodput fell by 9 % over the probe. What to do: measure for longer." in page.text
    )


def test_an_invalid_figure_is_struck_wherever_it_stands(target: Builder, summary: Builder) -> None:
    page = shown(summary(judged(target(), lag_reason())))
    row = page.tables[0][1]
    assert row[1:4] == ["INVALID", "server", "10,060 \u00b1 120"]
    of_row = ["10,060", "\u00b1\u00a0120", "10,060", "32", "3.18", "5.09", "8.59", "13.0", "29.6"]
    assert page.struck[:9] == of_row
    tiles = page.text.partition("goodput, requests/s")[2].partition("Parity")[0]
    assert tiles.count("INVALID") == 6
    # Nothing of the ceiling stands anywhere without being struck; only the search's own steps do.
    assert page.struck.count("10,060") == 8
    held = page.table("All probes")[9]
    assert held[1] == "\u2605 hold INVALID"
    # Its counts, and the service latencies and the rate beside its checks.
    assert page.struck.count("50,280") == 2
    assert [page.struck.count(text) for text in ("3.15", "8.51")] == [2, 1]
    marks = [note["text"] for f in page.figures for note in f["layout"].get("annotations", ())]
    assert "<b><s>ceiling: 10,060/s</s> INVALID</b>" in marks
    held = page.figure("Goodput against users")["data"][1]
    assert (held["x"], held["marker"]["symbol"]) == ([32], "circle-x-open")


def test_nothing_is_struck_where_all_is_valid(target: Builder, summary: Builder) -> None:
    page = shown(summary(with_capacity(target())))
    assert page.struck == []
    assert "<s>" not in str(page.figures)


def test_what_nobody_judged_is_struck_too(target: Builder, summary: Builder) -> None:
    page = shown(summary(target(verdict=None)))
    assert "not judged The ceiling was not judged: none of its figures may be used." in page.text
    assert page.struck[0] == "10,060"


@pytest.mark.parametrize("who", ["generator", "connections", "unknown"])
def test_only_a_servers_own_ceiling_is_no_lower_bound(
    target: Builder, summary: Builder, who: str
) -> None:
    page = shown(summary(judged(target(), bottleneck=who)))
    assert page.tables[0][1][2] == who
    assert "is a lower bound of what" in page.text
    assert "The server was the bottleneck" not in page.text


def test_the_evidence_is_a_table_in_plain_words() -> None:
    verdict = make_verdict(
        evidence={
            "generator_busy_ratio": 0.443,
            "generator_lag_p99_ms": 0.054,
            "rate_rps": 10_061.2,
            "harder_goodput_ratio": 1.012,
            "server_cores": 1.0,
            "queue_depth_ratio": 0.25,
            "kernel": "6.1\n",
            "why": "twice the users",
        }
    )
    assert evidence.rows(verdict) == [
        (
            "generator busy (a bottleneck from 90\u00a0%, clearly none under 70\u00a0%)",
            "44.3\u00a0%",
        ),
        ("generator lag, p99", "0.0540\u00a0ms"),
        ("requests due or sent", "10,060/s"),
        ("a heavier load: goodput, against this one (flat up to 1.05\u00a0x)", "1.01\u00a0x"),
        ("server cores given", "1"),
        ("queue depth", "25.0\u00a0%"),
        ("kernel", "6.1"),
    ]
    assert evidence.why(verdict) == "twice the users"


def test_a_sentence_begins_and_ends_as_one() -> None:
    assert judgement.sentence("p99 is late\n") == "P99 is late."
    assert judgement.sentence("stop!") == "Stop!"


def test_a_capacity_has_its_own_verdict(target: Builder, summary: Builder) -> None:
    page = shown(summary(with_capacity(target(), verdict=make_verdict(lag_reason()))))
    assert page.table("Each target's capacity")[1][1:] == [
        "INVALID", "server", "p99=1.5ms, errors=0.1%", "8,200 \u00b1 140",
    ]  # fmt: skip
    assert "VALID The ceiling passed every check." in page.text
    assert "INVALID The capacity failed 1 check" in page.text
    assert "10,060" not in page.struck
    confirmed = page.table("All probes")[-1]
    assert confirmed[1:3] == ["\u2605 confirm INVALID", "8,200/s"]


def test_a_capacity_that_was_not_found_says_why(target: Builder, summary: Builder) -> None:
    none: dict[str, Any] = {"rate_rps": None, "ci95_rps": None, "repeats_rps": [], "verdict": None}
    why = "the SLO breaks even at the lightest load"
    page = shown(summary(with_capacity(target(), why=why, **none)))
    said = f"no capacity at p99=1.5ms, errors=0.1%: {why}"
    assert page.table("Each target's capacity")[1][1:] == [said]
    assert f"No capacity. {said}." in page.text


def test_each_probes_counts_stand_side_by_side(varied: Summary) -> None:
    page = shown(varied)
    checks = [table for n, table in enumerate(page.tables) if "rest on" in page.captions[n]]
    assert checks[0][9] == [
        "9", "10,060", "0", "3.15", "8.51", "0.00270", "0.0540", "44", "1.00", "50,280",
        "50,280", "reconciled",
    ]  # fmt: skip
    assert checks[1][5][9:] == ["14,500", "14,812", "mismatch: 312 more than were sent"]


def test_calibration_stands_beside_the_ceiling(target: Builder, summary: Builder) -> None:
    page = shown(summary(target()))
    assert "The ceiling used 12.4 % of what the generator alone reached" in page.text
    assert [row[1:] for row in page.table("Calibration beside")[1:]] == [
        ["81,240", "10,060"],
        ["0.0410", "3.15"],
        ["0.0630", "0.0540"],
        ["0.0880", "5.36"],
        ["25", "\u2013"],
    ]


def test_without_a_ceiling_or_a_calibration_there_are_no_shares(
    target: Builder, summary: Builder
) -> None:
    none = shown(summary(target(ceiling=None, verdict=None)))
    assert "The ceiling used" not in none.text
    assert none.table("Calibration beside")[1][1:] == ["81,240", "\u2013"]
    idle: Calibration = make_calibration().model_copy(update={"rate_rps": 0.0, "floor_us": 0.0})
    assert "The ceiling used" not in shown(summary(target(calibration=idle))).text
    assert "Not calibrated:" in shown(summary(target(calibration=None))).text
