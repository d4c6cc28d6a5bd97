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
from serving.launch import CONFIGURATION_FILES, CONFIGURATIONS
from serving.models import MODELS, model_spec

T = TypeVar("T", str, int)
PROTOCOLS = ("grpc", "rest")


@dataclass(frozen=True, slots=True)
class Plan:
    """The targets of a run in their order, and what is common to them.

    ``kinds`` says how each server is deployed. ``slo`` is what the capacity is sought for, None for
    the default. With a ``scenario`` each target gets that, once, and ``settings`` are its options
    in Locust; otherwise each is measured ``repeats`` times, its server restarted between.
    """

    profile: str
    targets: tuple[Target, ...]
    kinds: dict[str, str]
    server_cores: tuple[int, ...]
    generator_cores: tuple[int, ...]
    results: Path
    slo: Slo | None
    repeats: int
    scenario: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def mix(self) -> tuple[Part, ...]:
        """The kinds of requests of the scenario that has several; none for others."""
        return parse_mix(str(self.settings["mix"])) if self.scenario == "mixed" else ()


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
) -> Plan:
    """The plan for these choices; an empty choice means the profile's own.

    ``brief`` and ``quick`` take the model ``digits`` in the configuration ``tuned``; ``full`` takes
    every model and both configurations. A configuration may also be a folder with files as in
    ``serving/*/config/tuned``. UsageError names the first choice that does not exist.
    """
    among("profile", [profile], PROFILES)
    servers = among("server", servers, SERVERS)
    full = profile == "full"
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
    chosen = _settings(scenario, settings, capacity_rps, slo)
    return Plan(
        profile=profile,
        targets=_mixed(targets, str(chosen["mix"])) if scenario == "mixed" else targets,
        kinds=_kinds(servers, deployment),
        server_cores=tuple(server_cores),
        generator_cores=tuple(generator_cores),
        results=results,
        slo=_slo(slo, profile, scenario),
        repeats=1 if scenario else repeats or PROFILES[profile].repeats,
        scenario=scenario,
        settings=chosen,
    )


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
