"""The comparisons as a table for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from loadtests.bench.blame.table import WRONG
from loadtests.bench.regression.trial import Verdicts


def regression_table(summaries: Sequence[Verdicts]) -> Table:
    """What comparisons of one build, and of a slower one, said."""
    table = Table(title="Comparisons of runs of the reference server")
    table.add_column("compared")
    for column in ("pairs", "regressions", "not comparable", "differences", "goal"):
        table.add_column(column, justify="right")
    for one in summaries:
        table.add_row(
            one.title,
            str(one.pairs),
            str(one.regressions),
            str(one.incomparable),
            f"{min(one.changes):+.1%} to {max(one.changes):+.1%}" if one.changes else "",
            "met" if one.met else WRONG,
        )
    return table
