"""What CI systems and GitHub read: JUnit XML and Markdown, of comparisons and of checks."""

import io
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from loadtests.planning.comparison import Comparison, compare
from loadtests.planning.figures import Allowed
from loadtests.record.summary import (
    Latency,
    Reconciliation,
    Scenario,
    ScenarioFigure,
    ScenarioLeg,
    TargetSummary,
)
from loadtests.report import checked, compared
from loadtests.report.junit import Case, junit_xml
from loadtests.report.markdown import table
from tests.loadtests.report.summaries import (
    judged,
    lag_reason,
    make_summary,
    make_target,
    with_ceiling,
)

FOREIGN = 'a|b <i>&"\x1b[31m\ufffe'


def comparison() -> Comparison:
    """Worse, the same, not comparable."""
    targets = [_started(make_target(name=name)) for name in ("slower", FOREIGN)]
    first = make_summary(*targets, make_target(name="invalid"), versions={"torch": "2.12.0"})
    assert targets[0].ceiling
    rps = 0.8 * targets[0].ceiling.goodput_rps
    slower = _started(with_ceiling(targets[0], goodput_rps=rps))
    invalid = judged(make_target(name="invalid"), lag_reason())
    second = make_summary(slower, targets[1], invalid, versions={"torch": "2.13.0"})
    return compare([first], [second], 0.05, Allowed())


def _started(target: TargetSummary) -> TargetSummary:
    """In three starts of the server."""
    assert target.ceiling
    rps = target.ceiling.goodput_rps
    return with_ceiling(target, repeats_rps=[0.99 * rps, rps, 1.01 * rps])


def test_what_a_restart_may_explain_is_skipped() -> None:
    alone = make_summary(make_target(name="alone"))
    found = compare([alone], [alone], 0.05, Allowed())
    (suite,) = ET.fromstring(compared.comparison_junit(found).encode())  # noqa: S314
    assert suite.get("skipped") == "1"
    assert compared.headline(found) == (
        "No regression beyond 5 % is shown; 1 difference cannot be told from a restart."
    )


def test_junit_counts_and_says_what_failed() -> None:
    root = ET.fromstring(compared.comparison_junit(comparison()).encode())  # noqa: S314
    assert root.tag == "testsuites"
    (suite,) = root
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    slower, same, invalid = suite
    assert (slower.get("classname"), slower.get("name")) == ("slower", "ceiling")
    failure = slower.find("failure")
    assert failure is not None
    assert "worse: regression, -20.0 %" in (failure.get("message") or "")
    assert same.find("failure") is None
    assert same.get("classname") == 'a|b <i>&" [31m'
    skipped = invalid.find("skipped")
    assert skipped is not None
    assert "INVALID (the generator was late" in (skipped.get("message") or "")


def test_junit_of_nothing_is_a_suite_without_cases() -> None:
    (suite,) = ET.fromstring(junit_xml("empty", []).encode())  # noqa: S314
    assert (suite.get("tests"), list(suite)) == ("0", [])


def test_markdown_is_one_table_in_which_nothing_foreign_is_markup() -> None:
    page = compared.comparison_markdown(comparison())
    assert page.startswith("## Redline: 1 regression beyond 5 %.\n\n| target | figure |")
    head, ruled, *rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert ruled == "| --- | --- | ---: | ---: | ---: | --- |"
    assert all(row.replace("\\|", "").count("|") == head.count("|") for row in rows)
    assert 'a\\|b \\<i\\>&" \\[31m' in rows[1]
    assert "- not the same: torch: 2.12.0 in A, 2.13.0 in B" in page


def test_the_terminal_shows_each_row_and_each_note_once() -> None:
    console = Console(width=160, file=io.StringIO())
    found = comparison()
    with console.capture() as captured:
        console.print(compared.comparison_table(found))
    lines = captured.get().splitlines()
    assert any(
        "slower" in line and "-20.0 % (-2" in line and "regression" in line for line in lines
    )
    assert any("same within" in line for line in lines)
    assert "\x1b" not in captured.get()
    notes = compared.comparison_lines(found)
    assert sum("the interval covers how starts" in note for note in notes) == 1


def test_a_table_escapes_its_cells_alone() -> None:
    assert table(["a", "b"], [["x|y", "1"]], ["b"]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def check(**changes: object) -> Scenario:
    latency = Latency(p50=5.0, p90=7.0, p99=21.0, p999=None, max=30.0)
    values: dict[str, object] = {
        "name": "check",
        "repeat": 0,
        "settings": {"rate_rps": 500.0, "check_s": 30.0},
        "capacity_rps": None,
        "given": False,
        "slo": "p99=25ms,errors=0.1%",
        "valid": True,
        "reasons": [],
        "outcome": "the objective holds",
        "good": True,
        "says": ["12 of 15000 requests missed p99=25ms,errors=0.1%."],
        "figures": [ScenarioFigure(what="p99", value=21.0, unit="ms", low=20.0, high=22.5)],
        "legs": [
            ScenarioLeg(
                step="check",
                rate_rps=500.0,
                duration_s=30.0,
                offered_rps=501.2,
                goodput_rps=500.9,
                wrong={},
                unsent=0,
                error_ratio=0.0,
                latency_ms=latency,
                generator_busy_ratio=0.1,
            )
        ],
        "reconciliation": Reconciliation(state="reconciled", client=1, server=1.0, why=""),
    }
    return Scenario.model_validate(values | changes)


BROKEN = check(outcome="the objective is broken", good=False)
INVALID = check(outcome="nothing is shown", good=None, valid=False, reasons=[lag_reason()])


@pytest.mark.parametrize(
    ("scenario", "answer", "element", "told"),
    [
        (check(), "holds", None, "p99=25ms, errors=0.1% at 500/s holds."),
        (BROKEN, "broken", "failure", "is broken by one: 12 of 15000 requests missed"),
        (INVALID, "INVALID", "error", "could not be checked (INVALID) by one: The generator was"),
    ],
)
def test_a_checks_answer_is_the_same_everywhere(
    scenario: Scenario, answer: str, element: str | None, told: str
) -> None:
    target = make_target(name="one", ceiling=None, verdict=None, scenarios=[scenario])
    summary = make_summary(target)
    found = checked.checks(summary)
    assert [one.answer for one in found] == [answer]
    assert told in checked.headline(found)
    (suite,) = ET.fromstring(checked.check_junit(found).encode())  # noqa: S314
    (case,) = suite
    assert case.get("time") == "30.000"
    assert [child.tag for child in case if child.tag != "system-out"] == (
        [element] if element else []
    )
    page = checked.check_markdown(summary, found)
    assert page.startswith(f"## Redline check: {answer}, p99=25ms, errors=0.1% at 500/s\n")
    assert f"| one | {answer} | 501.2 | 500.9 | 21.0 (20.0 to 22.5) |" in page


def test_the_worst_answer_is_the_headline() -> None:
    targets = [
        make_target(name=name, ceiling=None, verdict=None, scenarios=[scenario])
        for name, scenario in (("fine", check()), ("late", INVALID), ("slow", BROKEN))
    ]
    found = checked.checks(make_summary(*targets))
    assert "is broken by slow" in checked.headline(found)
    assert "INVALID) by late" in checked.headline(found[:2])


def test_a_check_without_an_end_is_an_error() -> None:
    (suite,) = ET.fromstring(checked.failure_junit("the server\x00 died").encode())  # noqa: S314
    (error,) = suite[0]
    assert (error.tag, error.get("message")) == ("error", "the server died")
    assert "no result" in checked.failure_markdown("the server died")


def test_a_case_says_how_it_went() -> None:
    xml = junit_xml("s", [Case("t", "n", "passed", "", ("a", "b"), 1.5)])
    assert '<testcase classname="t" name="n" time="1.500">' in xml
    assert "<system-out>a\nb</system-out>" in xml
