"""What a run is asked to do, checked before anything is started."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from loadtests.measure.slo import Slo, parse_slo
from loadtests.search.ceiling import PROFILES
from loadtests.spread import parse_scale
from loadtests.target import Target
from serving.cores import parse_cores, share_cores
from serving.corpus import BATCHES, bodies_of
from serving.deployment import SERVERS, choose_kinds
from serving.errors import UsageError
from serving.launch import CONFIGURATIONS
from serving.models import MODELS, model_spec

T = TypeVar("T", str, int)
PROTOCOLS = ("grpc", "rest")


@dataclass(frozen=True, slots=True)
class Plan:
    """The targets of a run in their order, and what is common to them.

    ``kinds`` says how each server is deployed. ``slo`` is what the capacity is sought for, None for
    the default. ``workers`` is in how many containers the load is made, 0 for this machine's own
    processes.
    """

    profile: str
    targets: tuple[Target, ...]
    kinds: dict[str, str]
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]
    results: Path
    slo: Slo | None
    workers: int = 0


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
    scale: str | None = None,
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
    kinds = choose_kinds(servers, deployment)
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
        kinds=kinds,
        server_cores=tuple(server_cores),
        generator_cores=tuple(generator_cores),
        results=results,
        slo=_slo(slo, profile),
        workers=_workers(scale, kinds),
    )


def _workers(scale: str | None, kinds: dict[str, str]) -> int:
    if scale and set(kinds.values()) != {"image"}:
        raise UsageError("--scale: containers make the load where the servers are in containers")
    return parse_scale(scale) if scale else 0


def _slo(text: str | None, profile: str) -> Slo | None:
    if text and not PROFILES[profile].capacity:
        raise UsageError(f"--slo: the profile {profile} seeks ceilings only; add --profile full")
    return parse_slo(text) if text else None


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
