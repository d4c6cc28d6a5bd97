"""Checks, for the terminal, for GitHub and for CI systems."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from loadtests.record.summary import Scenario, Summary, TargetSummary
from loadtests.report import judgement, notes, numbers, scenario_words, words
from loadtests.report.junit import Case, junit_xml
from loadtests.report.markdown import bullets, table

Answer = Literal["holds", "broken", "INVALID"]
_STYLES: dict[Answer, str] = {"holds": "bold green", "broken": "bold red", "INVALID": "bold red"}
_OUTCOMES: dict[Answer, Literal["passed", "failure", "error"]] = {
    "holds": "passed",
    "broken": "failure",
    "INVALID": "error",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """The check of one target."""

    target: TargetSummary
    check: Scenario

    @property
    def answer(self) -> Answer:
        """Whether the SLO holds."""
        if not self.check.valid or self.check.good is None:
            return "INVALID"
        return "holds" if self.check.good else "broken"

    @property
    def why(self) -> str:
        """What was counted, and where that says nothing, why and what to do."""
        said = [judgement.sentence(line) for line in self.check.says]
        doubts = [f"{why} {remedy}" for why, remedy in judgement.reasons(self.check)]
        return " ".join(doubts or said)


def checks(summary: Summary) -> list[Checked]:
    """Of all targets that have one."""
    return [
        Checked(target, one)
        for target in summary.targets
        for one in target.scenarios
        if one.name == "check"
    ]


def headline(found: list[Checked]) -> str:
    """The whole in a sentence; the first target that does not hold is named."""
    for answer, told in (("broken", "is broken"), ("INVALID", "could not be checked (INVALID)")):
        for one in found:
            if one.answer == answer:
                return f"{_asked(one)} {told} by {words.plain(one.target.name)}: {one.why}"
    return f"{_asked(found[0])} holds." if found else "Nothing was checked."


def check_table(found: list[Checked]) -> Table:
    """A row for each target."""
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in _head(found):
        drawn.add_column(name, justify="left" if name in ("target", "verdict") else "right")
    for one in found:
        target, verdict, *figures = _cells(one)
        drawn.add_row(Text(target), Text(verdict, style=_STYLES[one.answer]), *map(Text, figures))
    return drawn


def check_lines(summary: Summary, found: list[Checked]) -> list[str]:
    """What the table cannot say, a line each."""
    told = [f"{words.plain(one.target.name)}: {one.answer}: {one.why}" for one in found]
    return [*told, *notes.unknown_notes(summary), *notes.stand_in_notes(summary)]


def check_markdown(summary: Summary, found: list[Checked]) -> str:
    """A page for a pull request, or for a job's summary."""
    head = _head(found)
    parts = [
        f"## Redline check: {_verdict(found)}",
        table(head, [_cells(one) for one in found], head[2:]),
        bullets([*check_lines(summary, found), *_where(summary)]),
    ]
    return "\n\n".join(parts) + "\n"


def check_junit(found: list[Checked]) -> str:
    """Broken is a failure, INVALID an error."""
    return junit_xml("redline check", [_case(one) for one in found])


def failure_junit(why: str) -> str:
    """Of a check that came to no end."""
    return junit_xml("redline check", [Case("redline", "check", "error", why, ())])


def failure_markdown(why: str) -> str:
    """The same as a page."""
    return f"## Redline check: no result\n\n{bullets([why])}\n"


def _verdict(found: list[Checked]) -> str:
    answers = {one.answer for one in found}
    worst = next((answer for answer in ("broken", "INVALID") if answer in answers), "holds")
    return f"{worst}, {_asked(found[0])}" if found else "nothing was checked"


def _asked(one: Checked) -> str:
    return f"{words.objective(one.check.slo or '')} at {_rate(one)}/s"


def _rate(one: Checked) -> str:
    return f"{one.check.settings['rate_rps']:,g}"


def _head(found: list[Checked]) -> list[str]:
    figures = found[0].check.figures if found else []
    named = [f"{words.plain(each.what)}, {scenario_words.unit(each)}" for each in figures]
    return ["target", "verdict", "offered, /s", "right, /s", *named]


def _cells(one: Checked) -> list[str]:
    legs = one.check.legs
    rates = [numbers.rate(legs[0].offered_rps), numbers.rate(legs[0].goodput_rps)] if legs else []
    figures = (
        f"{scenario_words.value(each)} {_between(scenario_words.interval(each))}".strip()
        for each in one.check.figures
    )
    return [words.plain(one.target.name), one.answer, *rates, *figures]


def _between(interval: str) -> str:
    return f"({interval})" if interval else ""


def _where(summary: Summary) -> Iterator[str]:
    host = summary.host
    yield f"run {summary.name}, on {host.hostname} ({host.cpu}, {host.cores} cores)"
    for target in summary.targets:
        yield f"{target.name}: {target.deployment}, version {target.server_version}"


def _case(one: Checked) -> Case:
    legs = one.check.legs
    told = [f"{each.what}: {scenario_words.value(each)} {each.unit}" for each in one.check.figures]
    return Case(
        target=one.target.name,
        name=_asked(one),
        outcome=_OUTCOMES[one.answer],
        message=one.why,
        output=(one.why, *told),
        time_s=sum(leg.duration_s for leg in legs),
    )
