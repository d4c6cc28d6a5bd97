"""``redline report``: the pages of a run, drawn afresh."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from loadtests.commands.app import app
from loadtests.record.keeper import draw_summary
from loadtests.record.reader import read_details
from loadtests.report.html import write_report


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a run, as results/latest.")],
) -> None:
    """Draw summary.json and report.html of a run afresh, from its record alone."""
    path = folder / "report.html"
    write_report(draw_summary(folder), read_details(folder), path)
    sys.stdout.write(f"report: {path}\n")
