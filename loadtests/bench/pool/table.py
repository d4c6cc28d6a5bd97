"""The pools as a table for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from loadtests.bench.pool.pooled import Pooled


def pool_table(pools: Sequence[Pooled]) -> Table:
    """A row for each kind of balancer."""
    table = Table(title="p99 of replicas behind nginx, and what was predicted from one of them")
    table.add_column("pool")
    for column in ("balancer", "rate", "predicted", "measured", "off by", "one alone", "goal"):
        table.add_column(column, justify="right")
    for each in pools:
        table.add_row(
            each.title,
            each.balancing,
            f"{each.rate_rps:,.0f}/s",
            f"{each.predicted_ms:,.1f} ms",
            f"{each.measured_ms:,.1f} ms",
            f"{each.predicted_ms / each.measured_ms - 1:+.1%}",
            f"{each.alone_ms:,.1f} ms",
            "met" if each.met else "[bold red]missed[/bold red]",
        )
    return table
