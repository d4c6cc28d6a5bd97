"""Whether two runs of a target may be compared at all, and what else differs between them; pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from loadtests.record.run import Host, TargetIdentity
from loadtests.record.summary import Summary, TargetSummary

_PATH = re.compile(r"/[^\s\",]+")
_NAMING = ("server", "protocol", "model", "body", "batch", "configuration")
"""What a target's name is made of."""
_BUILDING = ("tensorflow-cpu", "torch", "torchserve", "numpy")
"""What a model's key depends on beside the definition of the model."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One target in one run."""

    run: Summary
    target: TargetSummary


def unlike(
    first: Sequence[Subject], second: Sequence[Subject], *, aspects: "_Aspects | None" = None
) -> str | None:
    """Why the subjects of two sides cannot be compared; None where they can.

    ``aspects`` are those that must be the same, by default all.
    """
    every = [*first, *second]
    for what, tell in aspects or _ASPECTS:
        sides = [{said for one in side if (said := tell(one))} for side in (first, second)]
        if len(set.union(*sides)) > 1:
            return f"another {what}: {_in_each(sides)}"
    if len({_PATH.sub("", one.target.settings) for one in every}) > 1:
        return "another configuration: the settings of that name are not the same"
    built = {tuple(one.run.versions.get(name) for name in _BUILDING) for one in every}
    if len({one.target.model_key for one in every}) > 1 and len(built) == 1:
        return "another model: the definition of that name is not the same"
    return None


def of_one_kind(one: Subject, other: Subject) -> bool:
    """Whether starts of both differ alike: all is the same, except how thoroughly it was measured.

    The version of the server is among what must be the same.
    """
    told = (one.target, other.target)
    return (
        len({tuple(getattr(each, name) for name in (*_NAMING, "server_version")) for each in told})
        == 1
        and unlike([one], [other], aspects=_KIND) is None
    )


def absence(target: TargetIdentity, others: Iterable[TargetIdentity], where: str) -> str:
    """Why nothing among ``others`` (those of A or B, as ``where`` says) is the same target."""
    differing = [_differing(target, other) for other in others if other.server == target.server]
    nearest = min(differing, key=len, default=[])
    told = ", ".join(f"another {name}: {value}" for name, value in nearest)
    return f"{told} in {where}" if told else f"{where} has no such target"


def changes(first: Sequence[Summary], second: Sequence[Summary]) -> list[str]:
    """What is not the same on both sides, and may explain a difference: versions, systems."""
    return [
        f"{name}: {_in_each(sides)}"
        for name in dict.fromkeys(name for run in (*first, *second) for name in _facts(run))
        if len(set.union(*(sides := [_values(side, name) for side in (first, second)]))) > 1
    ]


def _values(runs: Iterable[Summary], name: str) -> set[str]:
    return {_facts(run).get(name, "none") for run in runs}


def _facts(run: Summary) -> dict[str, str]:
    servers = {f"{one.server} ({one.deployment})": one.server_version for one in run.targets}
    system = {"redline": run.redline, "system": run.host.system, "python": run.host.python}
    return {**run.versions, **system, **servers}


def _in_each(sides: Sequence[set[str]]) -> str:
    named = zip(sides, "AB", strict=True)
    return ", ".join(f"{' and '.join(sorted(said))} in {name}" for said, name in named if said)


def _differing(target: TargetIdentity, other: TargetIdentity) -> list[tuple[str, object]]:
    pairs = ((name, getattr(target, name), getattr(other, name)) for name in _NAMING)
    return [(name, theirs) for name, ours, theirs in pairs if ours != theirs]


def _host(subject: Subject) -> str:
    host: Host = subject.run.host
    return f"{host.hostname} ({host.cpu}, {host.cores} cores)"


def _deployment(subject: Subject) -> str:
    target = subject.target
    cores = ",".join(map(str, target.server_cores)) or "unknown cores"
    return f"{target.deployment} on {cores} beside {','.join(map(str, target.generator_cores))}"


def _payload(subject: Subject) -> str | None:
    calibration = subject.target.calibration
    return f"{calibration.request_bytes} bytes a request" if calibration else None


def _profile(subject: Subject) -> str:
    return subject.run.profile


_Aspects = tuple[tuple[str, Callable[[Subject], str | None]], ...]
_KIND: _Aspects = (("host", _host), ("deployment", _deployment), ("payload", _payload))
_ASPECTS: _Aspects = (*_KIND, ("profile", _profile))
