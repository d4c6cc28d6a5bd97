"""``redline calibrate`` and ``redline doctor``: what this machine can do, and what spoils it."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.calibrate import Payload
from loadtests.calibrate import calibrate as measure
from loadtests.commands.app import app, console
from loadtests.doctor import view as doctor_view
from loadtests.doctor.checks import diagnose
from loadtests.doctor.gather import gather
from loadtests.plan import PROTOCOLS, among
from loadtests.report.calibration_table import calibration_table
from serving.cores import parse_cores, share_cores


@app.command()
def calibrate(
    protocol: Annotated[
        list[str], typer.Option(help="grpc or rest; repeatable, by default both.")
    ] = [],  # noqa: B006
    request_bytes: Annotated[
        int, typer.Option(min=0, max=64 << 20, help="Bytes in each request's body.")
    ] = 300,
    answer_bytes: Annotated[
        int, typer.Option(min=0, max=64 << 20, help="Bytes in each answer's body.")
    ] = 100,
    cores: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="The null server's cores; the generator uses the others."),
    ] = None,
) -> None:
    """Measure what the load generator itself can do here, on a server that answers at once."""
    protocols = among("protocol", protocol, PROTOCOLS)
    server_cores, generator_cores = share_cores(parse_cores(cores) if cores else None)
    os.sched_setaffinity(0, generator_cores)
    found = []
    with tempfile.TemporaryDirectory(prefix="redline-") as work:
        for each in protocols:
            payload = Payload(each, request_bytes, answer_bytes)  # type: ignore[arg-type]
            found.append(measure(payload, server_cores, generator_cores, Path(work)))
    console().print(calibration_table(found))


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
