"""A scenario's result in words and figures, for HTML and terminal alike."""

from loadtests.record.summary import Scenario, ScenarioFigure, Summary
from loadtests.report import judgement, notes, numbers, words


def tone(scenario: Scenario) -> str:
    """The class of the outcome's word: good, bad, or neither."""
    if scenario.good is None:
        return "open"
    return "good" if scenario.good else "bad"


def basis(scenario: Scenario) -> str:
    """Say what the rates are shares of, with the settings and the objective."""
    source = "as given" if scenario.given else "the ceiling found just before"
    capacity = f"capacity {numbers.rate(scenario.capacity_rps)}/s, {source}"
    settings = ", ".join(
        f"{name.replace('_', '-')} {_setting(value)}" for name, value in scenario.settings.items()
    )
    parts = [
        *([capacity] if scenario.capacity_rps is not None else []),
        f"settings: {settings}",
        *([f"objective: {words.objective(scenario.slo)}"] if scenario.slo else []),
    ]
    return judgement.sentence("; ".join(parts))


def _setting(value: float | str) -> str:
    return words.plain(value) if isinstance(value, str) else f"{value:g}"


def unit(figure: ScenarioFigure) -> str:
    """The figure's unit in words."""
    if figure.unit.startswith("/s"):
        return "requests" + figure.unit.replace("/h", " per hour")
    return figure.unit.replace("/h", " per hour")


def value(figure: ScenarioFigure) -> str:
    """Write the figure; a dash where it is not known."""
    if figure.value is None and figure.what == "time to recover" and figure.low is not None:
        return f"> {numbers.significant(figure.low, 2)}"
    return numbers.significant(figure.value, 3)


def interval(figure: ScenarioFigure) -> str:
    """Write both ends of the figure's interval; nothing where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = (numbers.significant(end, 3) for end in (figure.low, figure.high))
    return f"{low} to {high}"


def lines(summary: Summary) -> list[str]:
    """Each scenario's result in a line, for the terminal."""
    return [
        f"{notes.named(target)}: {scenario.name}: "
        f"{judgement.VALID if scenario.valid else judgement.INVALID}, {_told(scenario)}"
        for target in summary.targets
        for scenario in target.scenarios
    ]


def _told(scenario: Scenario) -> str:
    said = [judgement.sentence(line) for line in (scenario.outcome, *scenario.says)]
    why = [f"{why} {remedy}" for why, remedy in judgement.reasons(scenario)]
    return " ".join([*said, *why])
