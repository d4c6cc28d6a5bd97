"""``redline reference-server``: a server of known service times."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app
from loadtests.seed import SEED
from serving.reference import launch as reference


@app.command()
def reference_server(
    service: Annotated[
        str,
        typer.Option(
            help="The law of service times: constant:TIME, exponential:MEAN, "
            "lognormal:MEDIAN,SIGMA (of the logarithm) or bimodal:TIME,TIME,SHARE (of the second); "
            "times as in 250us, 1ms, 0.5s."
        ),
    ] = "constant:0",
    servers: Annotated[int, typer.Option(help="Requests served at a time.")] = 1,
    queue: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="How many may wait, others are rejected; by default any number."),
    ] = None,
    stall: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="As in 1s/10s: nothing is served for the last 1 s of each 10 s."),
    ] = None,
    error_ratio: Annotated[float, typer.Option(help="Answers that are INTERNAL or 500.")] = 0.0,
    wrong_ratio: Annotated[float, typer.Option(help="Answers with other bytes.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same service times.")] = SEED,
    answer: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A file with the answer, for gRPC without its 5-byte prefix."),
    ] = None,
    log: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help="When it ends, write here what became of each request (see serving/reference/"
            "log.py); until then the log is kept in memory, 56 bytes a request."
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="For gRPC and HTTP/1.1; 0 finds one.")] = 0,
) -> None:
    """Run a server of known service times on 127.0.0.1, until a signal ends it.

    It answers gRPC (cleartext HTTP/2) and HTTP/1.1, whatever the path. Service takes no CPU: at
    constant:0 this is a null server.
    """
    reference.become(
        reference.Behaviour(
            service=service,
            servers=servers,
            queue=queue,
            stall=stall,
            error_ratio=error_ratio,
            wrong_ratio=wrong_ratio,
            seed=seed,
            answer=answer,
            log=log,
            port=port,
        )
    )
