"""The shape of ``tune.json``: which settings were tried, and what the best ones gain."""

from loadtests.record.many_runs import ManyRuns
from loadtests.record.run import DeploymentKind, Record
from loadtests.record.summary import Interval

TUNE = "tune.json"
TUNE_SCHEMA = 1


class TuneQuestion(Record):
    """What was asked for. ``budget`` is in probes, a server's start and a brief ceiling each.

    ``repeats`` are of the comparison at the end. Without ``cores`` the server has the upper half.
    """

    servers: list[str]
    protocols: list[str]
    model: str
    batch: int
    deployment: str
    cores: str | None
    budget: int
    repeats: int


class Trial(Record):
    """One point: its ceiling in a brief run, None where it had none; ``why`` then says so."""

    settings: dict[str, int]
    goodput_rps: float | None
    p99_ms: float | None
    why: str | None
    run: str | None


class Compared(Record):
    """One configuration measured afresh at the end; ``doubt`` says why it is INVALID.

    ``gain`` is what the best settings give more than it, as a share, with its interval where there
    are repeats; None of the best itself.
    """

    configuration: str
    goodput_rps: float | None
    repeats_rps: list[float]
    at_least: bool
    p99_ms: float | None
    doubt: str | None
    gain: float | None
    gain_ci95: Interval | None
    run: str


class TargetTune(Record):
    """One target: its trials in order, then the best settings beside ``tuned`` and ``vendor``.

    ``axes`` are the grid; ``best`` is the folder with the best settings, from
    ``tune.json``'s, ready for ``redline run --configuration``.
    """

    name: str
    server: str
    protocol: str
    deployment: DeploymentKind
    axes: dict[str, list[int]]
    trials: list[Trial]
    best: str | None
    best_settings: dict[str, int] | None
    compared: list[Compared]


class TuneRecord(ManyRuns):
    """One tuning: every target, with what was tried so far."""

    schema_version: int = TUNE_SCHEMA
    question: TuneQuestion
    targets: list[TargetTune]
