"""The options that say where a server that runs already is, shared by several commands."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.plan import among
from serving.deployment import SERVERS
from serving.errors import UsageError

Addresses = Annotated[
    list[str],
    typer.Option(
        help="Where an external server is: grpc://, grpcs://, http:// or https://HOST:PORT; once "
        "for each protocol."
    ),
]
CaFile = Annotated[
    Optional[Path],  # noqa: UP045 - typer
    typer.Option(help="Of grpcs and https: certificates (PEM) that may vouch for the server."),
]
Headers = Annotated[
    list[str],
    typer.Option(
        help="As in 'Authorization: Bearer TOKEN', sent with every request and kept out of every "
        "record; repeatable."
    ),
]
MaxRate = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        help="Requests a second that are never exceeded: by default 1000 on another machine, on "
        "this one any number."
    ),
]


def one_of(servers: list[str]) -> str:
    """The one server that was named; UsageError."""
    if len(among("server", servers, SERVERS, default=[""])) == 1 and servers:
        return servers[0]
    raise UsageError("--deployment external needs one --server: tfserving or torchserve")
