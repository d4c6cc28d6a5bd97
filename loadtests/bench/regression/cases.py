"""Runs of one build and of a slower one in turn, held against each other from their records."""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests import host
from loadtests.bench.accuracy.workbench import Workbench
from loadtests.bench.blame.stage import Stage
from loadtests.bench.blame.trial import Protocol
from loadtests.bench.record import load_average
from loadtests.bench.regression.trial import (
    BASELINE,
    BASELINES,
    MAY_MISS,
    SLOW,
    SLOWED,
    USERS,
    Build,
    Verdicts,
)
from loadtests.bench.runner import Settings, Tell
from loadtests.planning.comparison import Row, compare
from loadtests.planning.figures import Allowed
from loadtests.record.keeper import utc_now
from loadtests.record.reader import read_server, read_windows
from loadtests.record.run import Calibration, RunInfo, TargetRun
from loadtests.record.summarise import summarise
from loadtests.record.summary import Summary
from loadtests.seed import SEED

LIMIT_S = 120.0
TOLERANCE = 0.05
PROTOCOL: Protocol = "grpc"
OPTIONS = {"hold-users": USERS, "hold-settle": 0.5, "server-cores": ""}
"""Nobody looks at the server's cores: its service takes no CPU, so others there do not slow it."""


def measure_regressions(settings: Settings, records: Path, tell: Tell) -> Iterator[Verdicts]:
    """All runs, then all comparisons. BenchError when a run fails.

    Their records are kept in ``records``.
    """
    load_before = load_average()
    with tempfile.TemporaryDirectory(prefix="redline-compare-") as name:
        stage = Stage(Workbench(settings, Path(name), tell), records)
        calibration = stage.calibrate(PROTOCOL)
        runs: dict[Build, list[Summary]] = {BASELINE: [], SLOW: []}
        for number, build in enumerate(_order(), start=1):
            tell(f"compare: run {number} of {BASELINES + SLOWED}: {build.name}")
            runs[build].append(_run(stage, build, calibration, number))
    yield from verdicts_on(runs[BASELINE], runs[SLOW], load_before)


def verdicts_on(
    baseline: Sequence[Summary], slowed: Sequence[Summary], load_before: float
) -> Iterator[Verdicts]:
    """Single runs of one build beside each other, and runs of both beside the baseline's others.

    Each run is a start of its server. A slower one beside a single one is left out: what a restart
    might do as well is not told of one start each.
    """
    pairs = [_row([a], b) for a, b in itertools.combinations(baseline, 2)]
    yield _verdicts("one build: run beside run", pairs, 0, load_before)
    others = [_row([one for one in baseline if one is not run], run) for run in baseline]
    yield _verdicts("one build: run beside the nine others", others, 0, load_before)
    against = [_row(baseline, run) for run in slowed]
    yield _verdicts("10 % slower: run beside ten", against, SLOWED - MAY_MISS, load_before)


def _order() -> Iterator[Build]:
    """In turns: what happens to the machine meanwhile happens to both."""
    each = SLOWED // BASELINES
    for _ in range(BASELINES):
        yield BASELINE
        yield from [SLOW] * each


def _run(stage: Stage, build: Build, calibration: Calibration, number: int) -> Summary:
    behaviour = build.behaviour(seed=number)
    record = stage.carry_out(f"run-{number}", behaviour, PROTOCOL, "hold", OPTIONS, LIMIT_S)
    return summary_of(record, stage.target(PROTOCOL, calibration))


def summary_of(record: Path, target: TargetRun) -> Summary:
    """What a comparison reads of a run, from its record."""
    info = RunInfo(
        name=record.name,
        started=utc_now(),
        finished=utc_now(),
        profile="quick",
        command=[],
        redline="",
        versions={},
        seed=SEED,
        host=host.describe_host(),
        targets=[target],
    )
    return summarise(info, read_windows(record), read_server(record))


def _row(first: Sequence[Summary], second: Summary) -> Row:
    (row,) = compare(first, [second], TOLERANCE, Allowed()).rows
    return row


def _verdicts(title: str, rows: Sequence[Row], at_least: int, load_before: float) -> Verdicts:
    """Met with so many regressions; where there should be none, with none."""
    found = sum(row.regression for row in rows)
    return Verdicts(
        title=title,
        pairs=len(rows),
        regressions=found,
        incomparable=sum(row.found is None for row in rows),
        changes=tuple(round(row.found.change, 5) for row in rows if row.found),
        why=tuple(dict.fromkeys(row.notes[0] for row in rows if row.found is None)),
        met=found >= at_least if at_least else not found,
        load_before=load_before,
    )
