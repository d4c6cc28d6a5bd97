"""The shape of ``run.json``: what ran, on what, and how it went, for everything to be repeated."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Server = Literal["tfserving", "torchserve"]
Protocol = Literal["grpc", "rest"]
Body = Literal["tensor", "json", "binary"]
DeploymentKind = Literal["image", "native", "embedded", "external"]
RUN = "run.json"
SCHEMA = 1


class Record(BaseModel):
    """A part of the record: nothing unknown in it, and nothing changed once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Parity(Record):
    """How the served answers compare with those expected; ``against`` says whose these are.

    ``max_difference`` and ``tolerance`` are absolute, for a model that is not ours in units of
    max(1, |expected|); ``accuracy`` is the share of right labels, for models that have labels.
    """

    against: str = "the framework's own answer"
    requests: int
    max_difference: float
    tolerance: float
    accuracy: float | None


class LogicalCpu(Record):
    """What Linux schedules on: a thread of a physical ``core``, which its ``siblings`` share.

    ``core`` is a number within its ``socket``; ``node`` is that of the memory that is near;
    ``siblings`` has the CPU itself among them.
    """

    cpu: int
    core: int
    socket: int
    node: int
    siblings: list[int]


class Host(Record):
    """The machine the run was made on.

    ``topology`` has every logical CPU that was online; it is empty in older records, and where the
    machine does not tell.
    """

    hostname: str
    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    topology: list[LogicalCpu] = []


class Calibration(Record):
    """What the generator did to a server that answers at once, with this target's payload.

    On the cores that the run used: ``rate_rps`` is the most right answers per second to so many
    ``users``, in two tries that were ``tries_apart`` as a share of it (each None in older records);
    the rest is of a light open loop. ``floor_us`` is the median service latency, below which
    nothing can be seen; ``lag_p99_us`` the generator's own lag, and ``jitter_us`` the service
    latency's p99 less its median (of few answers the slowest stands for the p99). ``clock_ns`` is
    the clock's smallest step.
    """

    rate_rps: float
    users: int | None = None
    tries_apart: float | None = None
    floor_us: float
    lag_p99_us: float
    jitter_us: float
    clock_ns: int
    protocol: Protocol
    request_bytes: int
    answer_bytes: int
    made: str


class TargetIdentity(Record):
    """Which target, how it was deployed, and what is needed to repeat it.

    ``model_key`` is the hash of the model's definition, or the folder of the requests for another;
    ``settings`` what its configuration set. ``unknown`` says in words what cannot be known of a
    server that is not ours, ``cores_unknown`` that it may run on the generator's cores.
    ``max_rate_rps`` is the most that was sent to it.
    """

    server: Server
    protocol: Protocol
    model: str
    batch: int
    body: Body
    configuration: str
    deployment: DeploymentKind
    server_version: str
    server_cores: list[int]
    generator_cores: list[int]
    model_key: str
    server_command: list[str]
    generator_commands: list[list[str]] = []
    settings: str
    address: str | None = None
    requests: str = ""
    unknown: list[str] = []
    cores_unknown: bool = False
    max_rate_rps: float | None = None
    parity: Parity | None = None
    failure: str | None = None


class TargetRun(TargetIdentity):
    """One target of a run, and what the generator can do to it."""

    name: str
    calibration: Calibration | None = None


class ClaimMade(Record):
    """A claim to settle: ``rate`` of ``unit`` per second; what its source leaves open is None."""

    name: str = Field(min_length=1)
    server: Server
    rate: float = Field(gt=0, lt=1e12)
    unit: Literal["requests", "predictions"]
    cores: int | None = Field(default=None, gt=0, le=100_000)
    model: str | None = None
    batch: int | None = Field(default=None, gt=0)
    cpu: str | None = None
    slo: str | None = None
    source: str = Field(min_length=1)


class DemandStated(Record):
    """What the run's report answers: requests per second, at an SLO or each target's default."""

    rps: float = Field(gt=0)
    slo: str | None = None


class RunInfo(Record):
    """One run. ``finished`` is None until it ended whole; ``failure`` says what cut it short.

    ``precision`` is half the interval, as a share, that its searches worked for. ``demand`` and
    ``claims`` are what its capacity part answers and settles. ``slos``, by target, are those that
    the run it repeats had settled.
    """

    name: str
    started: str
    finished: str | None = None
    failure: str | None = None
    profile: str
    precision: float | None = None
    command: list[str]
    redline: str
    versions: dict[str, str]
    seed: int
    host: Host
    targets: list[TargetRun] = []
    demand: DemandStated | None = None
    claims: list[ClaimMade] = []
    slos: dict[str, str] = {}
