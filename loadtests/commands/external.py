"""The options that say how a server comes to be measured, and the plan that follows from them."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Annotated, Optional, TypedDict, Unpack

import typer

from loadtests.external_plan import make_external_plan
from loadtests.plan import Plan, among, make_plan
from serving.deployment import EXTERNAL, SERVERS
from serving.errors import UsageError
from serving.external.server import external_server
from serving.requests.values import parse_dims

Deployment = Annotated[
    str,
    typer.Option(
        help="image, native, embedded, or auto: images where the Docker engine has them, else "
        "native where the server is installed; external: one that runs already, at --address."
    ),
]
Started = Annotated[
    str,
    typer.Option(
        help="image, native, embedded, or auto: images where the Docker engine has them, else "
        "native where the server is installed."
    ),
]
"""Of commands that start what they measure."""
Models = Annotated[
    list[str],
    typer.Option(
        help="digits or resnet50, or the name on an external server; repeatable, by default the "
        "profile's."
    ),
]
Batches = Annotated[
    list[int],
    typer.Option(help="Rows in each request: 1, 8 or 32, of another model any number; repeatable."),
]

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
Corpora = Annotated[
    list[Path],
    typer.Option(
        help="With --deployment external: a folder of requests that redline record-corpus made; "
        "repeatable. Without one they are made up from the model's signature."
    ),
]
Dims = Annotated[
    str, typer.Option(help="Sizes that the signature leaves open, as in batch=8,length=128.")
]
MetricsUrl = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Where an external server's own count is read, as in http://HOST:8501 (TorchServe: "
        "8082); only if nobody else uses it."
    ),
]


@dataclass(frozen=True, slots=True)
class Told:
    """What a command line says of a server that runs already; nothing of one to start."""

    addresses: Sequence[str]
    ca: Path | None
    headers: Sequence[str]
    max_rate: float | None
    corpora: Sequence[Path]
    dim: str
    metrics: str | None


class Asked(TypedDict, total=False):
    """What is asked of any server, as :func:`make_plan` takes it."""

    profile: str
    protocols: Sequence[str]
    models: Sequence[str]
    batches: Sequence[int]
    cores: str | None
    results: Path
    slo: str | None
    scenario: str | None
    settings: Sequence[str]
    capacity_rps: float | None
    rps: float | None
    precision: str | None


def plan_on(
    deployment: str,
    servers: Sequence[str],
    told: Told,
    configurations: Sequence[str],
    scale: str | None = None,
    **asked: Unpack[Asked],
) -> Plan:
    """The plan on servers that are started, or on the one that was told of; UsageError."""
    if deployment != EXTERNAL:
        if any(astuple(told)):
            raise UsageError("--address, --corpus and the like go with --deployment external")
        return make_plan(
            servers=servers,
            deployment=deployment,
            configurations=configurations,
            scale=scale,
            **asked,
        )
    if configurations:
        raise UsageError("--configuration: an external server is measured as it is found")
    if scale:
        raise UsageError("--scale: containers make the load where the servers are in containers")
    external = external_server(
        one_of(servers), told.addresses, told.ca, told.headers, told.max_rate, told.metrics
    )
    return make_external_plan(
        external=external, corpora=told.corpora, dims=parse_dims(told.dim), **asked
    )


def one_of(servers: Sequence[str]) -> str:
    """The one server that was named; UsageError."""
    if len(among("server", servers, SERVERS, default=[""])) == 1 and servers:
        return servers[0]
    raise UsageError("--deployment external needs one --server: tfserving or torchserve")
