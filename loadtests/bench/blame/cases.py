"""The trials in turn, each judged from its record alone."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from loadtests.bench.accuracy.workbench import Workbench
from loadtests.bench.blame.stage import Stage, probes_in
from loadtests.bench.blame.trial import (
    BLAME_TRIALS,
    PROTOCOLS,
    QUEUE_TRIALS,
    Blamed,
    BlameTrial,
    Found,
    QueueTrial,
)
from loadtests.bench.record import load_average
from loadtests.bench.runner import Settings, Tell
from loadtests.between import OF_CALIBRATION
from loadtests.planning.queueing import Queue
from loadtests.record.judge import JudgedCeiling, judge_ceiling
from loadtests.record.judge_capacity import judge_capacity
from loadtests.record.reader import read_capacities
from loadtests.record.run import Calibration
from loadtests.record.summary import Verdict
from serving.reference.launch import Behaviour

CEILING_LIMIT_S = 120.0
CAPACITY_LIMIT_S = 3600.0
MAY_MISS = 0.05
"""Of the true capacity."""


def measure_blame(settings: Settings, records: Path, tell: Tell) -> Iterator[Blamed | Found]:
    """All trials, the generator calibrated before them. BenchError when one cannot be carried out.

    Their records are kept in ``records``.
    """
    with tempfile.TemporaryDirectory(prefix="redline-blame-") as name:
        stage = Stage(Workbench(settings, Path(name), tell), records)
        calibrated = {protocol: stage.calibrate(protocol) for protocol in PROTOCOLS}
        for number, trial in enumerate(BLAME_TRIALS, start=1):
            tell(f"blame: trial {number} of {len(BLAME_TRIALS)}: {trial.title}")
            yield blame(stage, trial, calibrated[trial.protocol], f"trial-{number}")
        for number, asked in enumerate(QUEUE_TRIALS, start=1):
            tell(f"blame: queue {number} of {len(QUEUE_TRIALS)}: {asked.title}")
            yield find(stage, asked, calibrated["grpc"], f"queue-{number}")


def blame(stage: Stage, trial: BlameTrial, calibration: Calibration, name: str) -> Blamed:
    """Search for the ceiling of the trial's server, and judge it."""
    load_before = load_average()
    with stage.hogged() if trial.hog else contextlib.nullcontext():
        record = stage.carry_out(
            name, trial.behaviour, trial.protocol, "ceiling", {}, CEILING_LIMIT_S
        )
    target = stage.target(trial.protocol, calibration)
    return _blamed(trial, judge_ceiling(target, probes_in(record), "quick"), load_before)


def _blamed(trial: BlameTrial, found: JudgedCeiling, load_before: float) -> Blamed:
    verdict, ceiling = found.verdict, found.ceiling
    named = verdict.bottleneck if verdict else None
    return Blamed(
        cause=trial.cause,
        title=trial.title,
        innocent=trial.innocent,
        named=named,
        met=named is not None and named != trial.innocent,
        goodput_rps=ceiling.goodput_rps if ceiling else None,
        users=ceiling.users if ceiling else None,
        reasons=_reasons(verdict),
        evidence=verdict.evidence if verdict else {},
        failure=found.failure,
        load_before=load_before,
    )


def find(stage: Stage, trial: QueueTrial, calibration: Calibration, name: str) -> Found:
    """Search for the capacity of the trial's queue, and judge it."""
    load_before, began_s = load_average(), time.monotonic()
    queue = Queue(trial.mean_us / 1e6, trial.servers)
    behaviour = Behaviour(
        service=f"exponential:{trial.mean_us}us", servers=trial.servers, seed=trial.seed
    )
    options = {
        "slo": trial.slo,
        "ceiling-rps": queue.most_rps,
        "most-rps": OF_CALIBRATION * calibration.rate_rps,
    }
    record = stage.carry_out(name, behaviour, "grpc", "capacity", options, CAPACITY_LIMIT_S)
    probes = probes_in(record)
    found = judge_capacity(stage.target("grpc", calibration), probes, read_capacities(record))
    true_rps = queue.capacity_rps(trial.slo)
    rate_rps = found.rate_rps if found else None
    verdict = found.verdict if found else None
    return Found(
        title=trial.title,
        rate_rps=rate_rps,
        true_rps=round(true_rps, 3),
        met=rate_rps is not None and abs(rate_rps - true_rps) <= MAY_MISS * true_rps,
        named=verdict.bottleneck if verdict else None,
        reasons=_reasons(verdict),
        evidence=verdict.evidence if verdict else {},
        why=found.why if found else None,
        probes=len(probes),
        took_s=round(time.monotonic() - began_s),
        load_before=load_before,
    )


def _reasons(verdict: Verdict | None) -> tuple[str, ...]:
    return tuple(reason.what for reason in verdict.reasons) if verdict else ()
