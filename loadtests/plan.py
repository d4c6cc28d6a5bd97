"""What a run is asked to do, checked before anything is started."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from loadtests.measure.slo import Slo, parse_slo
from loadtests.record.arrivals import read_arrivals
from loadtests.search.ceiling import PROFILES
from loadtests.search.courses import COURSES, Mixed, Replay, course_of
from loadtests.search.mix import Part, parse_mix
from loadtests.target import Target
from serving.cores import parse_cores, share_cores
from serving.corpus import BATCHES, bodies_of
from serving.deployment import SERVERS, choose_kind
from serving.errors import UsageError
from serving.launch import CONFIGURATIONS
from serving.models import MODELS, model_spec

T = TypeVar("T", str, int)
PROTOCOLS = ("grpc", "rest")


@dataclass(frozen=True, slots=True)
class Plan:
    """The targets of a run in their order, and what is common to them.

    ``kinds`` says how each server is deployed. ``slo`` is what the capacity is sought for, None for
    the default. With a ``scenario`` each target gets that, once, and ``settings`` are its options
    in Locust.
    """

    profile: str
    targets: tuple[Target, ...]
    kinds: dict[str, str]
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]
    results: Path
    slo: Slo | None
    scenario: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def mix(self) -> tuple[Part, ...]:
        """The kinds of requests of the scenario that has several; none for others."""
        return parse_mix(str(self.settings["mix"])) if self.scenario == "mixed" else ()

    @property
    def repeats(self) -> int:
        """How often each target is measured, its server restarted between."""
        return 1 if self.scenario else PROFILES[self.profile].repeats


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
    chosen = _settings(scenario, settings, capacity_rps, slo)
    targets = tuple(
        Target(server, model, body, batch, configuration)
        for server in servers
        for model in models
        for configuration in configurations
        for batch in among("batch", batches, BATCHES, default=[1])
        for protocol in among("protocol", protocols, PROTOCOLS)
        for body in bodies_of(model_spec(model), protocol)
    )
    return Plan(
        profile=profile,
        targets=_mixed(targets, str(chosen["mix"])) if scenario == "mixed" else targets,
        kinds=_kinds(servers, deployment),
        server_cores=tuple(server_cores),
        generator_cores=tuple(generator_cores),
        results=results,
        slo=_slo(slo, profile, scenario),
        scenario=scenario,
        settings=chosen,
    )


def _mixed(targets: Sequence[Target], mix: str) -> tuple[Target, ...]:
    """A server in a configuration takes the whole mix, and is called by the mix's first part."""
    first, *_ = parse_mix(mix)
    return tuple(
        dict.fromkeys(
            replace(target, model=first.model, body=first.body, batch=first.batch)
            for target in targets
        )
    )


def _settings(
    scenario: str | None, settings: Sequence[str], capacity_rps: float | None, slo: str | None
) -> Mapping[str, object]:
    if scenario is None:
        if settings or capacity_rps is not None:
            raise UsageError("--set and --capacity-rps are of a scenario: add --scenario NAME")
        return {}
    among("scenario", [scenario], COURSES)
    named = dict(_named(setting) for setting in settings)
    course = course_of(scenario, named)
    if isinstance(course, Mixed):
        named["mix"] = course.mix
    if isinstance(course, Replay):
        read_arrivals(Path(course.arrivals))
    if capacity_rps is not None and not course.needs_capacity:
        raise UsageError(f"--capacity-rps: the scenario {scenario} has no use for it")
    if capacity_rps is not None and not 0 < capacity_rps < float("inf"):
        raise UsageError(f"--capacity-rps: {capacity_rps} is not a rate above 0")
    more = {"capacity-rps": capacity_rps, "slo": slo}
    return named | {name: value for name, value in more.items() if value is not None}


def _named(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise UsageError(f"--set {setting!r} makes no sense: write it as in --set factor=5")
    return name.strip().replace("_", "-"), value.strip()


def _slo(text: str | None, profile: str, scenario: str | None) -> Slo | None:
    if text and not PROFILES[profile].capacity and not scenario:
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
