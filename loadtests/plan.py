"""What a run is asked to do, checked before anything is started."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from loadtests.measure.slo import Slo, parse_slo
from loadtests.planning.demand import make_demand
from loadtests.record.claims import read_claims
from loadtests.record.run import ClaimMade, DemandStated
from loadtests.scenario_plan import ScenarioPlan, plan_scenario
from loadtests.search.profiles import PRECISION, PROFILES
from loadtests.spread import parse_scale
from loadtests.target import Target
from serving.cores import parse_cores, share_cores
from serving.corpus import BATCHES, bodies_of
from serving.deployment import CONFIGURATION_FILES, SERVERS, choose_kinds
from serving.errors import UsageError
from serving.external.server import ExternalServer
from serving.launch import CONFIGURATIONS
from serving.models import MODELS, model_spec

T = TypeVar("T", str, int)
FINEST, COARSEST = 0.001, 0.5
"""Of the precisions that can be asked for."""
PROTOCOLS = ("grpc", "rest")
DEMAND_RPS = 10_000.0
"""What a report answers where nothing is asked and nothing is claimed."""


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
    the default. With a ``scenario`` each target gets that, once; otherwise each is measured
    ``repeats`` times, its server restarted between. ``demand`` is what the report answers,
    ``claims`` what it settles. ``workers`` is in how many containers the load is made, 0 for this
    machine's own processes. With ``external`` nothing is deployed. A search for a ceiling works
    for an interval of ``precision``, half of it as a share. ``slos``, by target's name, were
    settled by an earlier run and stand where ``slo`` is None. ``command`` repeats the run, where it
    is not what was typed.
    """

    profile: str
    targets: tuple[Target, ...]
    kinds: dict[str, str]
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]
    results: Path
    slo: Slo | None
    repeats: int
    demand: DemandStated
    claims: tuple[ClaimMade, ...]
    scenario: ScenarioPlan | None = None
    workers: int = 0
    external: External | None = None
    precision: float = PRECISION
    slos: Mapping[str, Slo] = field(default_factory=dict)
    command: tuple[str, ...] = ()

    def slo_of(self, target: Target) -> Slo | None:
        """What its capacity is sought for; None for the default."""
        return self.slo or self.slos.get(target.name)

    def like(self, slos: Mapping[str, Slo], command: tuple[str, ...]) -> "Plan":
        """The same with what an earlier run settled."""
        return replace(self, slos=slos, command=command)


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
    scenario: str | None = None,
    settings: Sequence[str] = (),
    capacity_rps: float | None = None,
    repeats: int | None = None,
    rps: float | None = None,
    precision: str | None = None,
    scale: str | None = None,
) -> Plan:
    """The plan for these choices; an empty choice means the profile's own.

    ``brief`` and ``quick`` take the model ``digits`` in the configuration ``tuned``; ``full`` takes
    every model and both configurations. A configuration may also be a folder with files as in
    ``serving/*/config/tuned``. UsageError names the first choice that does not exist.
    """
    among("profile", [profile], PROFILES)
    planned = plan_scenario(scenario, settings, capacity_rps, slo)
    servers = among("server", servers, SERVERS)
    full = profile == "full"
    claims = tuple(read_claims())
    server_cores, generator_cores = share_cores(parse_cores(cores) if cores else None)
    models = among("model", models, MODELS, default=None if full else ["digits"])
    named = [each for each in configurations if "/" not in each]
    folders = [_own_configuration(Path(each), servers) for each in configurations if "/" in each]
    if named or not folders:
        named = list(
            among("configuration", named, CONFIGURATIONS, default=None if full else ["tuned"])
        )
    targets = tuple(
        Target(server, model, body, batch, configuration)
        for server in servers
        for model in models
        for configuration in dict.fromkeys([*named, *folders])
        for batch in among("batch", batches, BATCHES, default=[1])
        for protocol in among("protocol", protocols, PROTOCOLS)
        for body in bodies_of(model_spec(model), protocol)
    )
    _check_names(targets)
    kinds = choose_kinds(servers, deployment)
    return Plan(
        profile=profile,
        targets=planned.targets(targets) if planned else targets,
        kinds=kinds,
        server_cores=tuple(server_cores),
        generator_cores=tuple(generator_cores),
        results=results,
        slo=asked_slo(slo, profile, scenario),
        repeats=1 if scenario else repeats or PROFILES[profile].repeats,
        demand=demand_of(rps, slo, claims),
        claims=claims,
        scenario=planned,
        workers=_workers(scale, kinds),
        precision=parse_precision(precision),
    )


def parse_precision(text: str | None) -> float:
    """The share of a percentage such as ``5%``, or what nothing said stands for; UsageError."""
    if text is None:
        return PRECISION
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = math.nan
    if not percent or rest or not FINEST <= share <= COARSEST:
        raise UsageError(
            f"--precision {text!r}: a percentage from {FINEST:.1%} to {COARSEST:.0%}, as in 5%"
        )
    return share


def asked_slo(text: str | None, profile: str, scenario: str | None) -> Slo | None:
    """The SLO of a command line; UsageError where none is sought, or for what is none."""
    if text and not PROFILES[profile].capacity and not scenario:
        raise UsageError(f"--slo: the profile {profile} seeks ceilings only; add --profile full")
    return parse_slo(text) if text else None


def demand_of(rps: float | None, slo: str | None, claims: Sequence[ClaimMade]) -> DemandStated:
    """What the report answers: without a rate, the highest one that is claimed."""
    if rps is not None:
        return DemandStated(rps=make_demand(rps=rps).rps, slo=slo)
    return DemandStated(rps=max((claim.rate for claim in claims), default=DEMAND_RPS), slo=slo)


def _workers(scale: str | None, kinds: dict[str, str]) -> int:
    if scale and set(kinds.values()) != {"image"}:
        raise UsageError("--scale: containers make the load where the servers are in containers")
    return parse_scale(scale) if scale else 0


def _check_names(targets: Sequence[Target]) -> None:
    """The record tells targets apart by name, and folders in different places may share one."""
    names = [target.name for target in targets]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two targets are called {twice}: give the configurations' folders names")


def _own_configuration(folder: Path, servers: Sequence[str]) -> str:
    for server in servers:
        if not (folder / CONFIGURATION_FILES[server]).is_file():
            raise UsageError(
                f"--configuration {folder}: no {CONFIGURATION_FILES[server]} there, which a "
                f"configuration of {server} is made of (--server chooses)"
            )
    return str(folder.absolute())


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
