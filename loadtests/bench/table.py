"""The summaries as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from loadtests.bench.compare import CaseSummary, GeneratorSummary, GoalResult, Ratio, Spread

_NONE = "-"


def tables(summaries: Sequence[CaseSummary]) -> Group:
    """One table of the closed loops and one of the open loops, where there are any."""
    opened = [summary for summary in summaries if not summary.ratios]
    closed = [summary for summary in summaries if summary.ratios]
    parts = [_closed(closed)] if closed else []
    return Group(*parts, *([_open(opened)] if opened else []))


def _closed(summaries: Sequence[CaseSummary]) -> Table:
    table = Table(title="Right answers a second: medians of all rounds (lowest - highest)")
    table.add_column("generator")
    columns = ("right/s", "spread", "its core", "server's core", "wrong", "ours is", "goal")
    for column in columns:
        table.add_column(column, justify="right")
    for summary in summaries:
        table.add_section()
        table.add_row(f"[bold]{summary.title}[/bold]")
        ratios = {ratio.over: ratio for ratio in summary.ratios}
        goals = {result.goal.over: result for result in summary.goals}
        for generator in summary.generators:
            name = generator.name
            table.add_row(*_closed_row(generator, ratios.get(name), goals.get(name)))
    return table


def _closed_row(
    generator: GeneratorSummary, ratio: Ratio | None, goal: GoalResult | None
) -> list[str]:
    rate = generator.figures["rate_rps"]
    return [
        f"  {generator.name}",
        f"{rate.median:,.0f}",
        f"{rate.low:,.0f} - {rate.high:,.0f}",
        f"{generator.figures['generator_cpu'].median:.0%}",
        f"{generator.figures['server_cpu'].median:.0%}",
        f"{generator.wrong:,}",
        _ratio(ratio.value) if ratio else _NONE,
        _goal(goal) if goal else _NONE,
    ]


def _open(summaries: Sequence[CaseSummary]) -> Table:
    table = Table(title="Open loop: medians of all rounds")
    table.add_column("rate")
    columns = ("sent of due", "lag p50", "lag p90", "lag p99", "lag p99.9", "lag max")
    for column in (*columns, "response p99", "its core", "wrong", "goals"):
        table.add_column(column, justify="right")
    for summary in summaries:
        table.add_row(*_open_row(summary))
    return table


def _open_row(summary: CaseSummary) -> list[str]:
    (generator,) = summary.generators
    figures = generator.figures
    lags = [figures[f"generator_lag_{key}_us"] for key in ("p50", "p90", "p99", "p999", "max")]
    return [
        summary.title,
        f"{figures['achieved_ratio'].median:.4f}",
        *(f"{lag.median:,.0f} us" for lag in lags),
        f"{figures['response_p99_us'].median:,.0f} us",
        f"{figures['generator_cpu'].median:.0%}",
        f"{generator.wrong:,}",
        ", ".join(_goal(result) for result in summary.goals) or _NONE,
    ]


def _ratio(value: Spread) -> str:
    return f"{value.median:.2f} x ({value.low:.2f} - {value.high:.2f})"


def _goal(result: GoalResult) -> str:
    goal = result.goal
    bound = f">= {goal.at_least:g}" if goal.at_least is not None else f"<= {goal.at_most:g}"
    return f"{bound} {'met' if result.met else '[bold red]missed[/bold red]'}"
