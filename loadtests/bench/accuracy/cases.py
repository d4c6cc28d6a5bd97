"""What is held against the log, and within which bars; one function a case."""

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests.bench.accuracy.engine_run import AccuracyJob, CeilingRun, OpenRun
from loadtests.bench.accuracy.truth import (
    QUANTILES,
    AccuracySummary,
    Reading,
    capacity_rps,
    constant_offsets_ns,
    due_ns,
    judge,
    poisson_offsets_ns,
    quantiles_us,
)
from loadtests.bench.accuracy.workbench import METHOD, PAYLOAD, Workbench, locust_quantile_us
from loadtests.bench.errors import BenchError
from loadtests.bench.generators import Job, Locust
from loadtests.bench.payload import write_payload
from loadtests.bench.runner import Settings, Tell
from loadtests.measure.window import WRONG_ANSWER
from serving.reference.launch import Behaviour
from serving.reference.launch import run as run_reference
from serving.reference.log import FATES, ReferenceLog

SERVICE = "exponential:1ms"
SERVICE_S = 0.001
LOAD = 0.8
SERVERS = (1, 8)
LATENCY_S = 5.0

STALL = "1s/10s"
STALL_RPS = 500.0
STALL_S = 20.0
STALL_ROUNDS = 2
STALL_CONNECTIONS = 4
STALL_STREAMS = 8
"""So few that they are all taken in a stall, and requests wait for one."""
STALL_USERS = 100

MIXED_RPS = 4000.0
MIXED_S = 4.0
MIXED_RATIO = 0.005
"""Of errors, and of wrong answers."""


def measure_accuracy(settings: Settings, tell: Tell) -> Iterator[AccuracySummary]:
    """The cases in turn. BenchError when one cannot be carried out."""
    with tempfile.TemporaryDirectory(prefix="redline-accuracy-") as name:
        bench = Workbench(settings, Path(name), tell)
        for case in ACCURACY_CASES:
            yield case(bench)


@dataclass(frozen=True, slots=True)
class _Round:
    """What the engine told of a run, and the server's records of its requests."""

    seed: int
    run: OpenRun
    records: NDArray[np.void]

    def of(self, fate: str) -> NDArray[np.void]:
        """The records of one of the log's FATES."""
        kept: NDArray[np.void] = self.records[self.records["fate"] == FATES.index(fate)]
        return kept


def _rounds(
    bench: Workbench, what: str, behaviour: Behaviour, job: AccuracyJob, rounds: int
) -> Iterator[_Round]:
    for number in range(rounds):
        bench.tell(f"accuracy: {what}, round {number + 1} of {rounds}")
        told, log = bench.carry_out(behaviour, replace(job, seed=number))
        run = OpenRun(**told)  # type: ignore[arg-type]
        yield _Round(number, run, _of_run(run, log))


def _latency(bench: Workbench, servers: int) -> AccuracySummary:
    rate_rps = LOAD * servers / SERVICE_S
    behaviour = Behaviour(service=SERVICE, servers=servers)
    job = replace(bench.job, rate_rps=rate_rps, seconds=LATENCY_S)
    measured, truths = [], []
    what = f"latencies, {servers} server{'s' * (servers > 1)}"
    for each in _rounds(bench, what, behaviour, job, bench.settings.rounds):
        run, records = each.run, each.records
        due = due_ns(records["arrival_ns"], poisson_offsets_ns(each.seed, rate_rps, len(records)))
        measured.append(run)
        truths.append(
            {
                "service": quantiles_us(records["answered_ns"] - records["arrival_ns"]),
                "response": quantiles_us(records["answered_ns"] - due),
            }
        )
    figures = []
    for name in ("service", "response"):
        for quantile in QUANTILES:
            spare_us = 200 if quantile == "p999" else 50
            readings = [
                _reading(run.times_us[name][quantile], truth[name][quantile], 0.01, spare_us)
                for run, truth in zip(measured, truths, strict=True)
            ]
            bar = f"1 % + {spare_us} us"
            figures.append(judge(f"{name} {quantile}", "us", bar, "median", readings))
    title = f"{SERVICE}, {servers} server{'s' * (servers > 1)}, {LOAD:.0%} load, open loop, Poisson"
    return AccuracySummary(f"latency-{servers}", title, tuple(figures), _lags(measured))


def _stall(bench: Workbench) -> AccuracySummary:
    behaviour = Behaviour(service=SERVICE, stall=STALL)
    job = replace(
        bench.job,
        connections=STALL_CONNECTIONS,
        streams=STALL_STREAMS,
        load="constant",
        rate_rps=STALL_RPS,
        seconds=STALL_S,
    )
    runs: list[OpenRun] = []
    response: dict[str, list[Reading]] = {"p90": [], "p99": []}
    wait, lag = [], []
    for each in _rounds(bench, "stalls", behaviour, job, STALL_ROUNDS):
        run, records = each.run, each.records
        due = due_ns(records["arrival_ns"], constant_offsets_ns(STALL_RPS, len(records)))
        truth = quantiles_us(records["answered_ns"] - due)
        for quantile, readings in response.items():
            told_us = run.times_us["response"][quantile]
            readings.append(_reading(told_us, truth[quantile], 0.02, 0))
        true_wait = quantiles_us(records["arrival_ns"] - due)["p99"]
        wait.append(_reading(run.times_us["slot_wait"]["p99"], true_wait, 0.02, 0))
        lag.append(Reading(run.times_us["generator_lag"]["p99"], 0, 1000))
        runs.append(run)
    figures = (
        *(judge(f"response {name}", "us", "2 %", "each", of) for name, of in response.items()),
        judge("slot wait p99", "us", "2 %", "each", wait),
        judge("generator lag p99", "us", "1 ms", "each", lag),
    )
    stock = _stock_locust_us(bench, list(response))
    beside = {f"FastHttpUser's {name}, us": (value,) for name, value in stock.items()}
    title = f"{SERVICE}, 1 server, stalled {STALL}, open loop at {STALL_RPS:g}/s, constant"
    return AccuracySummary("stall", title, figures, {**beside, **_lags(runs)})


def _stock_locust_us(bench: Workbench, quantiles: Sequence[str]) -> dict[str, float]:
    """What Locust's own client tells of the same server at the same rate."""
    bench.tell("accuracy: stalls, FastHttpUser")
    behaviour = Behaviour(service=SERVICE, stall=STALL)
    files = write_payload(PAYLOAD, bench.folder)
    with run_reference(behaviour, [bench.settings.server_core], bench.folder) as server:
        job = Job(f"{server.address('rest')}/{METHOD}", files, 1, round(STALL_S))
        locust = Locust("FastHttpUser", STALL_USERS, script="locust_paced.py", users=STALL_USERS)
        command = locust.command(job)
        environment = {**command.environment, "BENCH_RATE": str(STALL_RPS / STALL_USERS)}
        output = bench.run("locust", command.line, STALL_S, environment)
    return {name: locust_quantile_us(output, QUANTILES[name]) for name in quantiles}


def _ceiling(bench: Workbench) -> AccuracySummary:
    servers = SERVERS[-1]
    behaviour = Behaviour(service=SERVICE, servers=servers)
    job = replace(bench.job, load="ceiling")
    readings, users = [], []
    for number in range(bench.settings.rounds):
        bench.tell(f"accuracy: ceilings, round {number + 1} of {bench.settings.rounds}")
        told, log = bench.carry_out(behaviour, replace(job, seed=number))
        run = CeilingRun(**told)  # type: ignore[arg-type]
        ended = log.records["end_ns"]
        held = log.records[(ended >= run.start_ns) & (ended < run.end_ns)]
        readings.append(_reading(run.goodput_rps, capacity_rps(held, servers), 0.03, 0))
        users.append(float(run.users))
    figure = judge("ceiling", "right/s", "3 %", "each", readings)
    title = f"{SERVICE}, {servers} servers: the search's ceiling and the capacity realised"
    return AccuracySummary("ceiling", title, (figure,), {"users": tuple(users)})


def _mixed(bench: Workbench) -> AccuracySummary:
    servers = SERVERS[-1]
    behaviour = Behaviour(
        service=SERVICE, servers=servers, error_ratio=MIXED_RATIO, wrong_ratio=MIXED_RATIO
    )
    job = replace(bench.job, rate_rps=MIXED_RPS, seconds=MIXED_S)
    runs: list[OpenRun] = []
    goodput, errors, wrong = [], [], []
    what = "failing and wrong answers"
    for each in _rounds(bench, what, behaviour, job, bench.settings.rounds):
        run = each.run
        span_s = (run.end_ns - run.start_ns) / 1e9
        right = (each.of("right")["answered_ns"] < run.end_ns).sum()
        goodput.append(_reading(run.right / span_s, float(right) / span_s, 0.001, 0))
        errors.append(Reading(run.wrong.get("grpc 13 INTERNAL", 0), len(each.of("error")), 0))
        wrong.append(Reading(run.wrong.get(WRONG_ANSWER, 0), len(each.of("wrong")), 0))
        runs.append(run)
    figures = (
        judge("goodput", "right/s", "0.1 %", "each", goodput),
        judge("failing answers", "answers", "none", "each", errors),
        judge("wrong answers", "answers", "none", "each", wrong),
    )
    title = f"{MIXED_RATIO:.1%} of errors and of wrong answers mixed in, {MIXED_RPS:,.0f}/s"
    return AccuracySummary("mixed", title, figures, _lags(runs))


def _reading(measured: float, truth: float, share: float, spare: float) -> Reading:
    return Reading(measured, truth, share * truth + spare)


def _lags(runs: Sequence[OpenRun]) -> dict[str, tuple[float, ...]]:
    """What the generator itself added, and how busy it was: whether a run could be true at all."""
    return {
        "generator lag p99, us": tuple(run.times_us["generator_lag"]["p99"] for run in runs),
        "generator lag p99.9, us": tuple(run.times_us["generator_lag"]["p999"] for run in runs),
        "generator busy": tuple(round(run.busy_ratio, 3) for run in runs),
    }


def _of_run(run: OpenRun, log: ReferenceLog) -> NDArray[np.void]:
    """The run's requests in the log. BenchError where the two do not have the same number."""
    records: NDArray[np.void] = log.records[log.records["arrival_ns"] >= run.start_ns]
    if len(records) != run.due - run.unsent or run.unsent:
        raise BenchError(
            f"accuracy: {run.due} requests fell due ({run.unsent} unsent), "
            f"and the server's log has {len(records)}"
        )
    return records


ACCURACY_CASES: tuple[Callable[[Workbench], AccuracySummary], ...] = (
    *(functools.partial(_latency, servers=servers) for servers in SERVERS),
    _stall,
    _ceiling,
    _mixed,
)
