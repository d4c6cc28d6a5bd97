"""``redline watch``: the metrics that a run recorded, looked at again."""

from typing import Annotated

import typer

from loadtests.commands.app import app, say
from loadtests.record.keeper import LATEST
from loadtests.watch import find_metrics
from loadtests.watch import watch as show_run
from serving.paths import RESULTS


@app.command()
def watch(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in results.")] = LATEST,
) -> None:
    """Show the metrics that a run recorded, in a Prometheus on its data, until Ctrl-C."""
    show_run(find_metrics(run, RESULTS), say)
