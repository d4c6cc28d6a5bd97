"""The trials as tables for a terminal."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from loadtests.bench.blame.trial import Blamed, Found

WRONG = "[bold red]missed[/bold red]"


def blame_table(summaries: Sequence[Blamed | Found]) -> Group:
    """One table of whom verdicts named, one of the capacities found."""
    blamed = [each for each in summaries if isinstance(each, Blamed)]
    found = [each for each in summaries if isinstance(each, Found)]
    return Group(*([_blamed(blamed)] if blamed else []), *([_found(found)] if found else []))


def _blamed(trials: Sequence[Blamed]) -> Table:
    table = Table(title="Ceilings with a known cause, and whom their verdicts name")
    for column in ("server", "right/s", "named", "why", "goal"):
        table.add_column(column, justify="right" if column == "right/s" else "left")
    causes = dict.fromkeys((each.cause, each.innocent) for each in trials)
    for cause, innocent in causes:
        table.add_section()
        table.add_row(f"[bold]limited by {cause}, so never the {innocent}[/bold]")
        for each in trials:
            if each.cause == cause:
                table.add_row(*_row(each))
    return table


def _row(trial: Blamed) -> list[str]:
    return [
        f"  {trial.title}",
        "" if trial.goodput_rps is None else f"{trial.goodput_rps:,.0f}",
        trial.named or "nobody",
        trial.failure or str(trial.evidence.get("why", "")),
        "met" if trial.met else WRONG,
    ]


def _found(trials: Sequence[Found]) -> Table:
    table = Table(title="Capacities found of queues whose capacity is known (Erlang C)")
    table.add_column("server and SLO")
    for column in ("found", "true", "off by", "probes", "took", "goal"):
        table.add_column(column, justify="right")
    for trial in trials:
        rate_rps = trial.rate_rps
        table.add_row(
            trial.title,
            trial.why or "" if rate_rps is None else f"{rate_rps:,.0f}/s",
            f"{trial.true_rps:,.0f}/s",
            "" if rate_rps is None else f"{rate_rps / trial.true_rps - 1:+.1%}",
            str(trial.probes),
            f"{trial.took_s} s",
            "met" if trial.met else WRONG,
        )
    return table
