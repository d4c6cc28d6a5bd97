"""The shape of ``summary.json``: what one run measured, for people and for programs."""

from typing import Literal

from pydantic import ConfigDict, Field

from loadtests.record.run import (
    SCHEMA,
    Calibration,
    ClaimMade,
    DemandStated,
    DeploymentKind,
    Host,
    Parity,
    Protocol,
    Record,
    Server,
    TargetIdentity,
)

SUMMARY = "summary.json"
Bottleneck = Literal["server", "path", "generator", "connections", "unknown"]
ProbeStep = Literal["grow", "refine", "hold", "double", "bisect", "confirm"]
Outcome = Literal["pass", "likely", "unlikely", "fail"]
ReconciliationState = Literal["reconciled", "mismatch", "restarted", "not checkable"]
Interval = tuple[float, float]
"""Low and high end, at 95 %."""


class Latency(Record):
    """Quantiles of response latency in milliseconds.

    A quantile without enough answers behind it (fewer than ten beyond it) is ``None``.
    """

    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None


class Reason(Record):
    """Why a number is INVALID: the rule it breaks, what was found, and what to do."""

    rule: str
    what: str
    remedy: str


class Verdict(Record):
    """Whether a number is VALID, and what the bottleneck was, with its evidence in figures.

    ``unknown`` says in words what could not be looked at, of a server that was not started here.
    """

    valid: bool
    reasons: list[Reason]
    bottleneck: Bottleneck
    evidence: dict[str, float | str]
    unknown: tuple[str, ...] = ()


class Reconciliation(Record):
    """The client's count of requests beside the server's own, from quiescent to drained."""

    state: ReconciliationState
    client: int | None
    server: float | None
    why: str


class WireRates(Record):
    """What the kernel saw of the generator's connections, over the measured span.

    The ratios of what was limited are shares of the time in which a connection had data that was
    not acknowledged: by the peer's window, or by the socket's own buffer. ``rtt_ms`` is the mean of
    the smoothed round trips.
    """

    sent_bytes_per_s: float
    received_bytes_per_s: float
    retransmitted_ratio: float
    rwnd_limited_ratio: float
    sndbuf_limited_ratio: float
    rtt_ms: float


class Probe(Record):
    """One load, held for ``duration_s`` after it settled, and what came back.

    ``users`` are those of a closed loop; in an open loop ``rate_rps`` is what was asked for.
    ``sent`` counts the requests that ended within the probe; ``right`` and the kinds in ``wrong``
    add up to it. ``unsent`` were due and never sent, those of the drain included.
    ``latency_ms`` is response latency; ``p99_ci95_ms`` the interval of its p99, by batch means.
    ``generator_busy_ratio`` is (CPU time + run-queue wait) of the busiest generator thread per
    second; ``server_cores_used`` the CPU seconds of all the server's processes per second.
    ``connections`` are the most that were open, by address; they and ``wire`` are None where the
    client does not know them. ``slo_outcome`` says whether the SLO held, for the probes of a search
    for a capacity: ``pass`` and ``fail`` were shown, the others are only likely.
    """

    number: int
    repeat: int
    phase: ProbeStep
    users: int
    rate_rps: float | None
    connections: dict[str, int] | None = None
    duration_s: float
    sent: int
    right: int
    wrong: dict[str, int]
    unsent: int
    offered_rps: float
    goodput_rps: float
    goodput_ci95_rps: Interval | None
    error_ratio: float
    latency_ms: Latency
    p99_ci95_ms: Interval | None
    service_ms: Latency
    slot_wait_ms: Latency
    generator_lag_ms: Latency
    generator_busy_ratio: float
    server_cores_used: float | None
    wire: WireRates | None = None
    slo_outcome: Outcome | None = None
    reconciliation: Reconciliation


class Ceiling(Record):
    """The highest goodput sustained in closed loop, with the users that drew it.

    ``at_least`` is true where nothing shows that the server itself set it. ``repeats_rps`` has the
    goodput of each start of the server, of which ``goodput_rps`` is the mean; ``holds_rps`` that of
    each hold of each start. ``ci95_rps`` is over the starts, and says where another start may be;
    of one start it is over its holds, and says where this start may be. ``precision`` is what its
    half, as a share, was to be. ``unsettled_rps`` has the last three warm-ups of a start whose
    goodput was still changing when their time was up. The rest is of the first start.
    """

    goodput_rps: float
    ci95_rps: Interval | None
    predictions_per_s: float
    repeats_rps: list[float]
    holds_rps: list[list[float]] = Field(default_factory=list)
    precision: float | None = None
    unsettled_rps: list[float] | None = None
    users: int
    latency_ms: Latency
    error_ratio: float
    duration_s: float
    generator_busy_ratio: float
    at_least: bool


class CapacityPoint(Record):
    """A probe as the fit of a capacity sees it: ``missed`` of ``requests`` due missed the SLO.

    Of them ``failed`` failed; ``dispersion`` is F. Only those ``near`` the limit count.
    """

    repeat: int
    rate_rps: float
    requests: int
    missed: int
    failed: int
    dispersion: float
    near: bool


class CapacityFit(Record):
    """Where the share that misses the SLO crosses the ``allowed`` one, over all valid probes.

    Near there it grows by ``steepness`` percent with each percent of rate. ``covers`` says what the
    interval takes in.
    """

    allowed: float
    steepness: float
    dispersion: float
    covers: str
    points: list[CapacityPoint]


class Capacity(Record):
    """The highest offered rate at which ``slo`` holds, in open loop.

    ``rate_rps`` is None where the search gave none; ``why`` then says so. ``at_least`` is true
    where the SLO never broke up to what the generator can offer. ``confirmed_rps`` is the highest
    rate at which a confirmation showed that the SLO holds, in ``confirmed_repeats`` repeats some.
    Records before them have no ``fit``: their interval is of the repeats' rates.
    """

    slo: str
    rate_rps: float | None
    ci95_rps: Interval | None
    repeats_rps: list[float]
    at_least: bool
    why: str | None
    verdict: Verdict | None
    confirmed_rps: float | None = None
    confirmed_repeats: int = 0
    fit: CapacityFit | None = None


class ScenarioFigure(Record):
    """One figure of a scenario, with its 95 % interval where it has one."""

    what: str
    value: float | None
    unit: str
    low: float | None
    high: float | None


class ScenarioLeg(Record):
    """One load of a scenario's course, which follows the one before without a pause.

    The latencies are response latencies.
    """

    step: str
    rate_rps: float | None
    duration_s: float
    offered_rps: float
    goodput_rps: float
    wrong: dict[str, int]
    unsent: int
    error_ratio: float
    latency_ms: Latency
    generator_busy_ratio: float


class Scenario(Record):
    """What a scenario was asked, and its verdict: an ``outcome`` in a word, ``good`` or bad (or
    neither: None), in sentences and in figures, if it is ``valid``.

    ``capacity_rps`` is what its rates are shares of, ``given`` or the ceiling of the same run.
    """

    name: str
    repeat: int
    settings: dict[str, float | str]
    capacity_rps: float | None
    given: bool
    slo: str | None
    valid: bool
    reasons: list[Reason]
    outcome: str
    good: bool | None
    says: list[str]
    figures: list[ScenarioFigure]
    legs: list[ScenarioLeg]
    reconciliation: Reconciliation


class ErrorKind(Record):
    """Requests of one kind of error in all probes, and in those held; what the first one said."""

    requests: int
    held: int
    said: str | None


class TargetSummary(TargetIdentity):
    """One target: its ceiling (None when the run did not get so far) and all its probes.

    ``verdict`` is of the ceiling. The probes of ``scenarios`` are not among ``probes``.
    """

    name: str
    verdict: Verdict | None
    ceiling: Ceiling | None
    capacity: Capacity | None
    calibration: Calibration | None
    scenarios: list[Scenario] = Field(default_factory=list)
    probes: list[Probe]
    errors: dict[str, ErrorKind]


class ClaimVerdict(Record):
    """How a claim stands by what was measured.

    ``verdict`` is ``supported``, ``refuted for MODEL on CPU`` or ``not decidable here``; then
    ``command`` would decide it.
    """

    claim: ClaimMade
    verdict: str
    why: str
    witness: str | None
    command: str | None


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
    versions: dict[str, str]
    seed: int
    host: Host
    targets: list[TargetSummary]
    demand: DemandStated | None = None
    claims: list[ClaimVerdict] = []  # noqa: RUF012 - pydantic copies it

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
