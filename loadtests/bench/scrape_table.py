"""What the exporters cost, as a table for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from loadtests.bench.scrapes import Cost, ScrapeSummary


def scrape_table(summaries: Sequence[ScrapeSummary]) -> Table:
    """A row for each figure."""
    table = Table(title="The exporters, scraped once a second")
    table.add_column("figure")
    for column in ("median", "highest", "at most", "goal"):
        table.add_column(column, justify="right")
    for summary in summaries:
        table.add_section()
        table.add_row(f"[bold]{summary.title}[/bold]")
        for cost in summary.costs:
            table.add_row(*_row(cost))
    return table


def _row(cost: Cost) -> list[str]:
    verdict = "met" if cost.met else "[bold red]missed[/bold red]"
    return [
        f"  {cost.name}" + (f", {cost.unit}" if cost.unit else ""),
        f"{cost.value:,.4g}",
        f"{max(cost.values):,.4g}",
        "" if cost.at_most is None else f"{cost.at_most:,g}",
        "" if cost.at_most is None else verdict,
    ]
