"""``redline doctor``: what on this machine spoils a run."""

import sys
from typing import Annotated

import typer

from loadtests.commands.app import app, console
from loadtests.doctor import view as doctor_view
from loadtests.doctor.checks import diagnose
from loadtests.doctor.gather import gather


@app.command()
def doctor(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings and all facts as JSON.")
    ] = False,
) -> None:
    """Say what on this machine stops a run or spoils its numbers. Exit code 1 if a run is stopped.

    Ask it when nothing else is at work: part of it is to watch for half a second.
    """
    facts = gather()
    findings = diagnose(facts)
    if as_json:
        sys.stdout.write(f"{doctor_view.as_json(facts, findings)}\n")
    else:
        doctor_view.show(console(), facts, findings)
    if doctor_view.stopped(findings):
        raise typer.Exit(1)
