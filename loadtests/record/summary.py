"""The shape of ``summary.json``: what one run measured, for people and for programs."""

from typing import Literal

from pydantic import ConfigDict

from loadtests.record.run import (
    SCHEMA,
    DeploymentKind,
    Host,
    Parity,
    Protocol,
    Record,
    Server,
    TargetIdentity,
)

Limit = Literal["generator", "users", "cores"]
ProbePhase = Literal["grow", "refine", "hold"]


class Latency(Record):
    """Quantiles of response latency in milliseconds.

    A quantile without enough answers behind it (fewer than ten beyond it) is ``None``.
    """

    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None


class Probe(Record):
    """One load, held for ``duration_s`` after it settled, and what came back.

    ``sent`` counts the requests that ended within the probe; ``right`` and the kinds in ``wrong``
    add up to it. ``generator_busy_ratio`` is the busiest generator process's CPU time per
    wall-clock second.
    """

    number: int
    phase: ProbePhase
    users: int
    duration_s: float
    sent: int
    right: int
    wrong: dict[str, int]
    goodput_rps: float
    error_ratio: float
    latency_ms: Latency
    generator_busy_ratio: float


class Ceiling(Record):
    """The highest goodput sustained, with the users that drew it.

    ``at_least`` is true where something other than the server may have set it, ``limited_by``:
    ``generator``, a generator process that was busy all the time; ``users``, the largest number
    that the search would try; ``cores``, which server and generator shared.
    """

    goodput_rps: float
    predictions_per_s: float
    users: int
    latency_ms: Latency
    error_ratio: float
    duration_s: float
    generator_busy_ratio: float
    at_least: bool
    limited_by: Limit | None


class TargetSummary(TargetIdentity):
    """One target: its ceiling (None when the run did not get so far) and all its probes."""

    ceiling: Ceiling | None
    probes: list[Probe]


class Summary(Record):
    """One run. ``complete`` is false when it was cut short; ``failure`` then says by what."""

    schema_: int = SCHEMA
    complete: bool
    failure: str | None
    name: str
    started: str
    finished: str | None
    profile: str
    command: list[str]
    redline: str
    host: Host
    targets: list[TargetSummary]

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.rstrip("_"),
        populate_by_name=True,
    )


__all__ = [
    "Ceiling",
    "DeploymentKind",
    "Host",
    "Latency",
    "Parity",
    "Probe",
    "Protocol",
    "Server",
    "Summary",
    "TargetSummary",
]
