"""``redline calibrate``: what the load generator can do on this machine."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.calibrate import Payload
from loadtests.calibrate import calibrate as measure
from loadtests.commands.app import app, console
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
