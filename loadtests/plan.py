"""What a run is asked to do, checked before anything is started."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from loadtests.measure.slo import Slo, parse_slo
from loadtests.search.ceiling import PROFILES
from loadtests.target import Target
from serving.cores import parse_cores, share_cores
from serving.corpus import BATCHES, bodies_of
from serving.deployment import SERVERS, choose_kind
from serving.errors import UsageError
from serving.external.server import ExternalServer
from serving.launch import CONFIGURATIONS
from serving.models import MODELS, model_spec

T = TypeVar("T", str, int)
PROTOCOLS = ("grpc", "rest")


@dataclass(frozen=True, slots=True)
class External:
    """A server that runs already, and what it is asked.

    ``corpora`` are the folders with the requests for its targets; for the others they are made,
    with ``dims`` for the sizes that the model's signature leaves open. ``cores_told``: the server's
    cores, on this machine, were named.
    """

    server: ExternalServer
    corpora: Mapping[Target, Path]
    dims: Mapping[str, int]
    cores_told: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The targets of a run in their order, and what is common to them.

    ``kinds`` says how each server is deployed. ``slo`` is what the capacity is sought for, None for
    the default. With ``external`` nothing is deployed.
    """

    profile: str
    targets: tuple[Target, ...]
    kinds: dict[str, str]
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]
    results: Path
    slo: Slo | None
    external: External | None = None


def make_plan(
    *,
    profile: str,
    servers: Sequence[str],
    protocols: Sequence[str],
    models: Sequence[str],
    batches: Sequence[int],
    deployment: str,
    configurations: Sequence[str],
    cores: str | None,
    results: Path,
    slo: str | None = None,
) -> Plan:
    """The plan for these choices; an empty choice means the profile's own.

    ``quick`` takes the model ``digits`` in the configuration ``tuned``; ``full`` takes every model
    and both configurations. UsageError names the first choice that does not exist.
    """
    among("profile", [profile], PROFILES)
    servers = among("server", servers, SERVERS)
    quick = profile == "quick"
    server_cores, generator_cores = share_cores(parse_cores(cores) if cores else None)
    models = among("model", models, MODELS, default=["digits"] if quick else None)
    configurations = among(
        "configuration", configurations, CONFIGURATIONS, default=["tuned"] if quick else None
    )
    return Plan(
        profile=profile,
        targets=tuple(
            Target(server, model, body, batch, configuration)
            for server in servers
            for model in models
            for configuration in configurations
            for batch in among("batch", batches, BATCHES, default=[1])
            for protocol in among("protocol", protocols, PROTOCOLS)
            for body in bodies_of(model_spec(model), protocol)
        ),
        kinds=_kinds(servers, deployment),
        server_cores=tuple(server_cores),
        generator_cores=tuple(generator_cores),
        results=results,
        slo=asked_slo(slo, profile),
    )


def asked_slo(text: str | None, profile: str) -> Slo | None:
    """The SLO of a command line; UsageError where none is sought, or for what is none."""
    if text and not PROFILES[profile].capacity:
        raise UsageError(f"--slo: the profile {profile} seeks ceilings only; add --profile full")
    return parse_slo(text) if text else None


def _kinds(servers: Iterable[str], deployment: str) -> dict[str, str]:
    return {server: choose_kind(server, deployment) for server in servers}


def among(
    what: str, chosen: Sequence[T], known: Iterable[T], default: Sequence[T] | None = None
) -> Sequence[T]:
    """``chosen`` without repetitions, or what stands for nothing chosen; UsageError."""
    known = list(known)
    for choice in chosen:
        if choice not in known:
            raise UsageError(
                f"unknown {what} {str(choice)!r}: choose from {', '.join(map(str, known))}"
            )
    return list(dict.fromkeys(chosen)) or default or known
