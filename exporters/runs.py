"""What past runs found: their ceilings and capacities, as their ``summary.json`` tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from exporters.errors import SourceError, Trouble
from exporters.kernel import read

NEWEST = 20
"""So many runs are told, the newest: each adds series."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found of one target. None is what it did not find, or was not asked.

    The rates are requests per second; intervals at 95 %. ``valid`` is the verdict on the ceiling.
    """

    run: str
    started_s: float
    target: str
    server: str
    protocol: str
    model: str
    deployment: str
    server_cores: int
    ceiling_rps: float | None
    ceiling_interval_rps: tuple[float, float] | None
    capacity_rps: float | None
    valid: bool | None


def read_runs(results: Path) -> list[Found]:
    """The newest runs in the folder ``results``; SourceError when there is no such folder.

    A run without a summary is none yet, and one that cannot be read is left out.
    """
    try:
        names = sorted(each.name for each in results.iterdir() if not each.is_symlink())
    except OSError as error:
        raise SourceError(results, Trouble.GONE, f"no results: {error.strerror}") from None
    found: list[Found] = []
    for name in reversed(names[-NEWEST:]):
        if text := read(results / name / "summary.json"):
            found += _found(text)
    return found


def _found(text: str) -> Iterator[Found]:
    try:
        summary = _Summary.model_validate_json(text)
    except ValidationError:
        return
    for target in summary.targets:
        ceiling, capacity, verdict = target.ceiling, target.capacity, target.verdict
        yield Found(
            run=summary.name,
            started_s=summary.started.timestamp(),
            target=target.name or f"{target.server}-{target.protocol}-{target.model}",
            server=target.server,
            protocol=target.protocol,
            model=target.model,
            deployment=target.deployment,
            server_cores=len(target.server_cores),
            ceiling_rps=ceiling.goodput_rps if ceiling else None,
            ceiling_interval_rps=ceiling.ci95_rps if ceiling else None,
            capacity_rps=capacity.rate_rps if capacity else None,
            valid=verdict.valid if verdict else None,
        )


class _Ceiling(BaseModel):
    goodput_rps: float
    ci95_rps: tuple[float, float] | None = None


class _Capacity(BaseModel):
    rate_rps: float | None


class _Verdict(BaseModel):
    valid: bool


class _Target(BaseModel):
    name: str = ""
    server: str
    protocol: str
    model: str
    deployment: str
    server_cores: list[int]
    ceiling: _Ceiling | None
    capacity: _Capacity | None = None
    verdict: _Verdict | None = None


class _Summary(BaseModel):
    name: str
    started: datetime
    targets: list[_Target]
