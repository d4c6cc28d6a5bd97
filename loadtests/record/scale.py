"""The shape of ``scale.json``: what servers did on different numbers of cores, and what follows."""

from typing import Literal

from pydantic import Field

from loadtests.record.many_runs import ManyRuns
from loadtests.record.run import DeploymentKind, Record
from loadtests.record.summary import Interval

SCALE = "scale.json"
SCALE_SCHEMA = 1
Law = Literal["usl", "amdahl", "linear bound"]
Beyond = Literal["second threads", "another socket", "another NUMA node", "no more cores"]
Reach = Literal["measured", "alike", "assumed"]


class ScaleQuestion(Record):
    """What was asked for: the choices of a run, each on every count of cores.

    Without ``slo`` each target's capacities are at the one that its first count took.
    """

    profile: str
    counts: list[int]
    repeats: int
    servers: list[str]
    protocols: list[str]
    models: list[str]
    batches: list[int]
    deployment: str
    configurations: list[str]
    slo: str | None
    allow_invalid: bool


class ScalePoint(Record):
    """One target on one count of cores; ``run`` is the folder of its run, from ``scale.json``'s.

    ``server_cores`` are threads of ``physical_cores`` on the NUMA nodes ``numa_nodes``.
    """

    target: str
    cores: int
    server_cores: list[int]
    generator_cores: list[int]
    physical_cores: int
    numa_nodes: list[int]
    run: str


class Measured(Record):
    """What one count gave: a rate for each repeat, none where there was no answer.

    ``left_out`` says why the law was fitted without it. ``doubt`` says why it is INVALID.
    """

    cores: int
    repeats_rps: list[float]
    at_least: bool
    doubt: str | None
    left_out: str | None


class Boundary(Record):
    """A machine's first ``cores`` are alike, as they are taken in turn; then come others."""

    cores: int
    beyond: Beyond


class Forecast(Record):
    """What a number of cores would give; where the points allow no law, only the bound.

    ``reach`` says how far it can be relied on: within what was ``measured``, ``alike`` cores beyond
    that up to the machine's next boundary, or ``assumed``: then the law goes on as if there were no
    boundary, and there is no interval. ``measured``: so many cores were.
    """

    cores: int
    throughput: float | None
    ci95: Interval | None
    at_most: float
    measured: bool
    reach: Reach = "assumed"


class Residual(Record):
    """A point beside what the law says of its count; ``residual`` is a share of that."""

    cores: float
    throughput: float
    fitted: float
    residual: float


class Fit(Record):
    """A law of :mod:`loadtests.planning.scaling`, and what it says.

    ``peak_cores`` is where throughput is largest, None where that is farther than it may tell, or
    past the boundary.
    ``boundary`` is None where the machine is not known. ``shared_error`` is the standard deviation,
    as a share, of the error of all points together that the intervals allow for.
    """

    law: Law
    gamma: float
    gamma_ci95: Interval | None
    sigma: float | None
    sigma_ci95: Interval | None
    kappa: float | None
    kappa_ci95: Interval | None
    why: str | None
    noise: Literal["proportional", "constant"]
    peak_cores: float | None
    points: list[Residual]
    forecasts: list[Forecast]
    boundary: Boundary | None = None
    shared_error: float | None = None


class Series(Record):
    """One quantity of a target against cores: ``ceiling`` or ``capacity``, and its fit if any."""

    quantity: Literal["ceiling", "capacity"]
    measured: list[Measured]
    fit: Fit | None


class TargetScale(Record):
    """One target on every count that was measured."""

    name: str
    server: str
    deployment: DeploymentKind
    series: list[Series]


class ScaleRecord(ManyRuns):
    """One scale: ``points`` have been measured, ``targets`` says what they come to.

    ``core_order`` is how a server's cores are taken; it is empty in older records.
    """

    schema_version: int = SCALE_SCHEMA
    question: ScaleQuestion
    core_order: list[int] = Field(default_factory=list)
    points: list[ScalePoint]
    targets: list[TargetScale]
