"""``redline drive``: one URL under the load engine."""

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.commands.app import app, console
from loadtests.drive import Drive, make_load
from loadtests.drive_view import DriveView
from loadtests.seed import SEED


@app.command()
def drive(
    url: Annotated[
        str,
        typer.Argument(help="grpc://HOST:PORT/package.Service/Method or http://HOST:PORT/path."),
    ],
    body: Annotated[
        list[Path],
        typer.Option(
            help="A file with a request's body, for gRPC the message without its 5-byte prefix; "
            "repeatable, sent in turn. Without one HTTP sends GET."
        ),
    ] = [],  # noqa: B006
    header: Annotated[
        list[str], typer.Option(help="As in 'Name: value'; sent with every request; repeatable.")
    ] = [],  # noqa: B006
    connections: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=1,
            max=60_000,
            help="At most so many; by default 8 for gRPC, for HTTP one a user, or 64 with --rate.",
        ),
    ] = None,
    concurrency: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=1,
            max=1_000_000,
            help="Closed loop: so many users, each sends when its last answer came; default 8.",
        ),
    ] = None,
    rate: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Open loop: so many requests fall due a second, whatever comes back."),
    ] = None,
    arrivals: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="With --rate: constant or poisson, by default poisson."),
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds that are measured.")] = 10.0,
    warmup: Annotated[float, typer.Option(help="Seconds before that, which do not count.")] = 0.0,
    timeout: Annotated[
        float, typer.Option(help="Seconds for an answer, once its request has a slot.")
    ] = 10.0,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Engine threads.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same arrivals.")] = SEED,
    cacert: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            help="For https:// and grpcs://, a file of certificates that may vouch for the server; "
            "by default the system's."
        ),
    ] = None,
    hlog: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write response latencies here, as HdrHistogram's interval log."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Drive one URL with the load engine.

    Exit code 0 if every request that fell due was answered rightly, else 1.
    """
    load = make_load(
        url=url,
        bodies=body,
        headers=header,
        connections=connections,
        concurrency=concurrency,
        rate_rps=rate,
        arrivals=arrivals,
        duration_s=duration,
        warmup_s=warmup,
        timeout_s=timeout,
        threads=threads,
        seed=seed,
        ca_file=cacert,
    )
    view = DriveView(console(), load)
    driven = Drive(load, hlog, view.window)
    try:
        with nullcontext() if as_json else view.shown():
            driven.run()
    finally:
        result = driven.result()
        if result and as_json:
            sys.stdout.write(f"{json.dumps(asdict(result))}\n")
        elif result:
            view.summary(result, driven.error_details())
    if not result or not result.all_right:
        raise typer.Exit(1)
