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
    columns = ("right/s", "spread", "its core", "server's core", "memory", "wrong", "ours is")
    for column in (*columns, "goals"):
        table.add_column(column, justify="right")
    for summary in summaries:
        table.add_section()
        table.add_row(f"[bold]{summary.title}[/bold]")
        ratios = {ratio.over: ratio for ratio in summary.ratios}
        for number, generator in enumerate(summary.generators):
            over = generator.name if number else None  # the first one's own goals beside itself
            goals = [result for result in summary.goals if result.goal.over == over]
            table.add_row(*_closed_row(generator, ratios.get(generator.name), goals))
    return table


def _closed_row(
    generator: GeneratorSummary, ratio: Ratio | None, goals: Sequence[GoalResult]
) -> list[str]:
    rate = generator.figures["rate_rps"]
    return [
        f"  {generator.name}",
        f"{rate.median:,.0f}",
        f"{rate.low:,.0f} - {rate.high:,.0f}",
        f"{generator.figures['generator_cpu'].median:.0%}",
        f"{generator.figures['server_cpu'].median:.0%}",
        _memory(generator),
        f"{generator.wrong:,}",
        _ratio(ratio.value) if ratio else _NONE,
        _goals(goals),
    ]


def _open(summaries: Sequence[CaseSummary]) -> Table:
    table = Table(title="Open loop: medians of all rounds")
    table.add_column("rate")
    columns = ("sent of due", "lag p50", "lag p90", "lag p99", "lag p99.9", "lag max")
    for column in (*columns, "response p99", "its core", "memory", "wrong", "goals"):
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
        _memory(generator),
        f"{generator.wrong:,}",
        _goals(summary.goals),
    ]


def _memory(generator: GeneratorSummary) -> str:
    """The peak; over a long run also how it grew, with the interval."""
    figures = generator.figures
    peak = f"{figures['resident_peak_mb'].median:,.0f} MB"
    if "resident_growth_mb_per_h" not in figures:
        return peak
    grew, low, high = (
        figures[f"resident_growth{end}_mb_per_h"].median for end in ("", "_low", "_high")
    )
    return f"{peak} {grew:+.1f} ({low:+.1f} to {high:+.1f}) MB/h"


def _goals(results: Sequence[GoalResult]) -> str:
    return ", ".join(map(_goal, results)) or _NONE


def _ratio(value: Spread) -> str:
    return f"{value.median:.2f} x ({value.low:.2f} - {value.high:.2f})"


def _goal(result: GoalResult) -> str:
    goal = result.goal
    bound = f">= {goal.at_least:g}" if goal.at_least is not None else f"<= {goal.at_most:g}"
    return f"{bound} {'met' if result.met else '[bold red]missed[/bold red]'}"
