"""``redline report`` and ``redline watch``: what a run left behind."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from loadtests.commands.app import app, say
from loadtests.record.keeper import LATEST, draw_summary
from loadtests.record.reader import read_details
from loadtests.report.html import write_report
from loadtests.watch import find_metrics
from loadtests.watch import watch as show_run
from serving.paths import RESULTS


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a run, as results/latest.")],
) -> None:
    """Draw summary.json and report.html of a run afresh, from its record alone."""
    path = folder / "report.html"
    write_report(draw_summary(folder), read_details(folder), path)
    sys.stdout.write(f"report: {path}\n")


@app.command()
def watch(
    run: Annotated[str, typer.Argument(help="A run's folder, or its name in results.")] = LATEST,
) -> None:
    """Show the metrics that a run recorded, in a Prometheus on its data, until Ctrl-C."""
    show_run(find_metrics(run, RESULTS), say)
