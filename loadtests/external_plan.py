"""The plan of a run on a server that runs already: what there is to choose follows from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from loadtests.plan import PROTOCOLS, External, Plan, among, asked_slo, demand_of, parse_precision
from loadtests.record.claims import read_claims
from loadtests.scenario_plan import ScenarioPlan, plan_scenario
from loadtests.search.profiles import PROFILES
from loadtests.target import Target
from serving.cores import parse_cores, share_cores
from serving.corpus import BATCHES, bodies_of
from serving.deployment import EXTERNAL
from serving.errors import UsageError
from serving.external.guard import check_rate
from serving.external.server import ExternalServer
from serving.models import MODELS
from serving.requests.corpus import read_manifest
from serving.requests.values import BATCH

BODIES = {"grpc": "tensor", "rest": "json"}
"""Of requests that are made up."""
NEEDS_OURS = {
    "cold": "it times the server's start and has it load a version",
    "mixed": "its requests are for several of this suite's models, over both protocols",
}
"""The scenarios that only a server which is started here can be in, and why."""
AS_FOUND = "as-found"
"""The configuration: what it is cannot be known."""


def make_external_plan(
    *,
    profile: str,
    external: ExternalServer,
    models: Sequence[str],
    protocols: Sequence[str],
    batches: Sequence[int],
    corpora: Sequence[Path],
    dims: Mapping[str, int],
    cores: str | None,
    results: Path,
    slo: str | None = None,
    scenario: str | None = None,
    settings: Sequence[str] = (),
    capacity_rps: float | None = None,
    rps: float | None = None,
    precision: str | None = None,
) -> Plan:
    """The plan for one model of ``external``, over each protocol that it has an address for.

    Requests come from ``corpora``; without one they are those of our own model of that name, or
    made up from the model's signature. ``cores`` are the server's, if it is on this machine.
    UsageError names what does not go together.
    """
    among("profile", [profile], PROFILES)
    planned = plan_scenario(scenario, settings, capacity_rps, slo)
    if planned:
        _check_scenario(planned, external)
    if cores and not external.local:
        raise UsageError("--cores names the server's cores on this machine, and it is on another")
    server_cores, generator_cores = share_cores(parse_cores(cores) if cores else None)
    wanted = [one for one in among("protocol", protocols, PROTOCOLS) if one in external.addresses]
    if missing := set(protocols) - set(wanted):
        raise UsageError(f"--protocol {min(missing)}: no --address is of that protocol")
    given = dict(_given(external, models, corpora))
    if corpora and (batches or dims):
        raise UsageError(
            "--batch and --dim are for requests that are made up: a corpus has its own"
        )
    if len(given) < len(corpora):
        raise UsageError("--corpus: two of them are for one target; give each a run of its own")
    given = {target: folder for target, folder in given.items() if target.protocol in wanted}
    left = [one for one in wanted if one not in {target.protocol for target in given}]
    if corpora and not given:
        raise UsageError("--corpus: its requests are for a protocol that no --address is of")
    made = [] if corpora else list(_made(external, models, left, _sizes(batches, dims)))
    claims = tuple(read_claims())
    return Plan(
        profile=profile,
        targets=(*given, *made),
        kinds={external.server: EXTERNAL},
        server_cores=tuple(server_cores),
        generator_cores=tuple(generator_cores),
        results=results,
        slo=asked_slo(slo, profile, scenario),
        repeats=1 if planned else PROFILES[profile].repeats,
        demand=demand_of(rps, slo, claims),
        claims=claims,
        scenario=planned,
        precision=parse_precision(precision),
        external=External(external, given, dims, cores_told=cores is not None),
    )


def _check_scenario(planned: ScenarioPlan, external: ExternalServer) -> None:
    if why := NEEDS_OURS.get(planned.name):
        raise UsageError(f"--scenario {planned.name}: not with --deployment external, for {why}")
    capacity_rps = planned.options.get("capacity-rps")
    if planned.course.needs_capacity and capacity_rps is None:
        return  # sought within what is allowed, and shares above that are refused then
    load = planned.course.lay(float(str(capacity_rps or 1.0)))
    for one in (load, *load.then):
        check_rate(one.peak_rps, external.most_rps)


def _given(
    external: ExternalServer, models: Sequence[str], corpora: Iterable[Path]
) -> Iterator[tuple[Target, Path]]:
    """The targets that the corpora are of."""
    for folder in corpora:
        manifest = read_manifest(folder)
        if manifest.server != external.server:
            raise UsageError(
                f"--corpus {folder}: its requests are for {manifest.server}, not {external.server}"
            )
        if models and manifest.model not in models:
            raise UsageError(
                f"--corpus {folder}: its requests are for the model {manifest.model}, "
                f"not {', '.join(models)}"
            )
        target = Target(external.server, manifest.model, manifest.body, manifest.batch, AS_FOUND)
        yield target, folder.absolute()


def _sizes(batches: Sequence[int], dims: Mapping[str, int]) -> Sequence[int]:
    """Predictions in each request, told in one way or the other."""
    if batches and BATCH in dims:
        raise UsageError(f"--batch and --dim {BATCH} say the same: give one of them")
    return [dims[BATCH]] if BATCH in dims else batches


def _made(
    external: ExternalServer,
    models: Sequence[str],
    protocols: Sequence[str],
    batches: Sequence[int],
) -> Iterator[Target]:
    """The targets whose requests are our own, or made up."""
    if not models:
        raise UsageError("--deployment external needs --model, the name of what is served there")
    for model in dict.fromkeys(models):
        ours = MODELS.get(model)
        if ours is None and external.server == "torchserve":
            raise UsageError(
                f"TorchServe does not tell what {model} takes: give requests with --corpus "
                "(redline record-corpus makes them from files)"
            )
        for batch in dict.fromkeys(batches or [1]):
            if batch < 1 or (ours and batch not in BATCHES):
                some = ", ".join(map(str, BATCHES)) if ours else "1 and more"
                raise UsageError(f"--batch {batch}: choose from {some}")
            for protocol in protocols:
                bodies = bodies_of(ours, protocol) if ours else (BODIES[protocol],)
                yield from (
                    Target(external.server, model, body, batch, AS_FOUND) for body in bodies
                )
