"""The accuracy summaries as a table for a terminal."""

import statistics
from collections.abc import Sequence

from rich.table import Table

from loadtests.bench.accuracy.truth import AccuracySummary, Figure


def accuracy_table(summaries: Sequence[AccuracySummary]) -> Table:
    """A row for each figure, and one for each of those that stand beside them."""
    table = Table(
        title="The engine's figures beside the reference server's log: medians of all runs"
    )
    table.add_column("figure")
    for column in ("told", "true", "off by", "may be off by", "used of that", "goal"):
        table.add_column(column, justify="right")
    for summary in summaries:
        table.add_section()
        table.add_row(f"[bold]{summary.title}[/bold]")
        for figure in summary.figures:
            table.add_row(*_row(figure))
        for name, values in summary.beside.items():
            table.add_row(f"  [dim]{name}[/dim]", " ".join(f"{value:,g}" for value in values))
    return table


def _row(figure: Figure) -> list[str]:
    told = statistics.median(run.measured for run in figure.runs)
    true = statistics.median(run.truth for run in figure.runs)
    off = statistics.median(run.measured - run.truth for run in figure.runs)
    low, high = min(run.share for run in figure.runs), max(run.share for run in figure.runs)
    return [
        f"  {figure.name}, {figure.unit}",
        f"{told:,.0f}",
        f"{true:,.0f}",
        f"{off:+,.1f}",
        f"{figure.bar}, {figure.by}",
        f"{figure.share:.0%} ({low:.0%} - {high:.0%})",
        "met" if figure.met else "[bold red]missed[/bold red]",
    ]
