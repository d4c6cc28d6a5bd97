"""`redline check` as it is called: exit codes, files, and one line for whatever is wrong."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loadtests.commands import measured
from loadtests.live import View
from loadtests.plan import Plan
from loadtests.record.summary import Scenario, Summary
from loadtests.search.courses import Check
from serving.errors import DeploymentError
from tests.loadtests.conftest import Redline
from tests.loadtests.report.summaries import make_summary, make_target
from tests.loadtests.report.test_verdict_files import BROKEN, INVALID, check

WORDS = ("check", "--rate", 500, "--slo", "p99=25ms", "--server", "torchserve", "--cores", "1")


class Campaigns:
    """In place of the real one: nothing is started, and ``result`` is what comes out."""

    def __init__(self, results: Path, result: Scenario | Exception) -> None:
        self.folder = results
        self.result = result
        self.plans: list[Plan] = []

    def __call__(self, plan: Plan, view: View) -> "Campaigns":
        self.plans.append(plan)
        return self

    def run(self) -> Summary:
        if isinstance(self.result, Exception):
            raise self.result
        return make_summary(
            make_target(name="one", ceiling=None, verdict=None, scenarios=[self.result])
        )


@pytest.fixture(autouse=True)
def every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process stays on the cores it has."""
    monkeypatch.setattr(measured.os, "sched_setaffinity", lambda *_: None)


@pytest.mark.parametrize(
    ("result", "code", "told", "element"),
    [
        (check(), 0, "", None),
        (BROKEN, 1, "redline: p99=25ms, errors=0.1% at 500/s is broken by one", "failure"),
        (INVALID, 2, "redline: p99=25ms, errors=0.1% at 500/s could not be checked", "error"),
        (DeploymentError("it died"), 1, "redline: it died\n", "error"),
    ],
)
def test_exit_codes_and_files_agree(
    redline: Redline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    result: Scenario | Exception,
    code: int,
    told: str,
    element: str | None,
) -> None:
    campaigns = Campaigns(tmp_path, result)
    monkeypatch.setattr(measured, "Campaign", campaigns)
    junit, markdown = tmp_path / "junit.xml", tmp_path / "page.md"
    markdown.write_text("what a run before this one left")
    assert redline(*WORDS, "--junit", junit, "--markdown", markdown) == code
    error = capsys.readouterr().err
    assert error.startswith(told)
    assert error.count("\n") == (1 if code else 0)
    found = [child.tag for child in ET.parse(junit).getroot().iter()]  # noqa: S314
    assert [tag for tag in found if tag in ("failure", "error")] == ([element] if element else [])
    assert markdown.read_text().startswith("## Redline check: ")


def test_it_is_planned_as_a_scenario_of_one_load(
    redline: Redline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaigns = Campaigns(tmp_path, check())
    monkeypatch.setattr(measured, "Campaign", campaigns)
    assert redline(*WORDS, "--protocol", "grpc", "--duration", 45, "--out", tmp_path) == 0
    (plan,) = campaigns.plans
    assert [target.name for target in plan.targets] == ["torchserve-grpc-digits-x1-tuned"]
    assert (plan.repeats, plan.results) == (1, tmp_path)
    assert plan.scenario is not None
    assert plan.scenario.name == "check"
    assert plan.scenario.options == {
        "rate-rps": "500.0",
        "check-s": "45.0",
        "least-s": "0.0",
        "slo": "p99=25ms",
    }


@pytest.mark.parametrize(
    ("words", "least_s"),
    [
        ((), 180),
        (("--rarest", "10s"), 30),
        (("--rarest", "1", "--rate", "100"), 36),
        (("--rarest", "1", "--slo", "p99=1s"), 240),
        (("--rarest", "0s"), 10),
    ],
    ids=str,
)
def test_auto_takes_what_the_objective_and_the_rarest_stall_need(
    redline: Redline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    least_s: int,
) -> None:
    campaigns = Campaigns(tmp_path, check())
    monkeypatch.setattr(measured, "Campaign", campaigns)
    assert redline(*WORDS, "--duration", "auto", *words) == 0
    (plan,) = campaigns.plans
    assert plan.scenario is not None
    course = plan.scenario.course
    assert isinstance(course, Check)
    assert (course.least_s, course.check_s) == (least_s, 4 * least_s)
    told = f"measures for {least_s} s or longer, at most for {4 * least_s} s"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rate", 0, "--slo", "p99=25ms"), "--rate 0 is not a rate above 0"),
        (("--rate", "nan", "--slo", "p99=25ms"), "--rate nan is not a rate above 0"),
        (
            ("--rate", 5, "--slo", "p99=25ms"),
            "--duration 30: to show that p99=25ms,errors=0.1% holds at 5/s takes at least 719 s "
            "(2,995 answers and some to spare); --duration auto takes what it needs",
        ),
        (("--rate", 5, "--slo", "p99=25ms,errors=5%"), "at least 111 s (459 answers"),
        (("--rate", 500, "--slo", "p99=1s"), "at least 240 s (many times its limit)"),
        (("--rate", 500, "--slo", "p99=1ms", "--duration", 9), "takes at least 10 s"),
        (("--rate", 500, "--slo", "p99=1ms", "--rarest", "60s"), "(three times --rarest 60s)"),
        (("--rate", 500, "--slo", "p99=1ms", "--rarest", "soon"), "--rarest soon: write seconds"),
        (("--rate", 500, "--slo", "p99=1ms", "--duration", "x"), "--duration x: write seconds"),
        (("--rate", 500, "--slo", "p99=1ms", "--duration", "inf"), "--duration inf: "),
        (("--rate", 500, "--slo", "p99=1ms", "--duration", "9s"), "takes at least 10 s"),
        (("--rate", 500, "--slo", "fast"), 'the SLO "fast" makes no sense'),
        (("--rate", 500, "--slo", "p99=25ms", "--model", "x"), "unknown model 'x'"),
        (("--rate", 500, "--slo", "p99=25ms", "--junit", "/nowhere/x"), "made in /nowhere"),
        (("--rate", 500, "--slo", "p99=25ms", "--markdown", "/tmp"), "/tmp: that is no plain"),
        (("--rate", 500), "Missing option '--slo'"),
        (("--rate", "x", "--slo", "p99=25ms"), "'--rate': Input should be a valid number"),
    ],
    ids=lambda value: "-".join(map(str, value))[:40] if isinstance(value, tuple) else "",
)
def test_whatever_is_wrong_is_one_line_before_anything_starts(
    redline: Redline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[object, ...],
    told: str,
) -> None:
    campaigns = Campaigns(tmp_path, check())
    monkeypatch.setattr(measured, "Campaign", campaigns)
    assert redline("check", *words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not campaigns.plans
