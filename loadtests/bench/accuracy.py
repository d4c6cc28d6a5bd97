"""How true the engine's figures are: held against the log of a server whose times are known."""

import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadtests.bench.accuracy_run import AccuracyJob, CeilingRun, OpenRun
from loadtests.bench.accuracy_truth import (
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
from loadtests.bench.errors import BenchError
from loadtests.bench.generators import Job, Locust
from loadtests.bench.payload import Payload, write_payload
from loadtests.bench.runner import Settings, Tell
from serving.process import ManagedProcess
from serving.reference.launch import Behaviour
from serving.reference.launch import run as run_reference
from serving.reference.log import ReferenceLog, read_log

METHOD = "redline.Reference/Answer"
PAYLOAD = Payload(b"x" * 300, b"y" * 60)
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

_SPARE_S = 60
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where the runs take place, and who is told."""

    settings: Settings
    folder: Path
    tell: Tell

    @property
    def job(self) -> AccuracyJob:
        """To be completed by each case."""
        return AccuracyJob(
            url="",
            request=PAYLOAD.request.decode(),
            answer=PAYLOAD.answer.decode(),
            connections=8,
            streams=64,
            load="poisson",
            rate_rps=0.0,
            seconds=0.0,
            seed=0,
        )

    def carry_out(
        self, behaviour: Behaviour, job: AccuracyJob
    ) -> tuple[dict[str, object], ReferenceLog]:
        """One run: what the engine told, and the server's log."""
        log = self.folder / "reference.log"
        answer = self.folder / "answer"
        answer.write_bytes(PAYLOAD.answer)
        behaviour = replace(behaviour, answer=answer, log=log, seed=job.seed)
        with run_reference(behaviour, [self.settings.server_core], self.folder) as server:
            url = f"{server.address('grpc')}/{METHOD}"
            line = json.dumps(asdict(replace(job, url=url)))
            command = [sys.executable, "-m", "loadtests.bench.accuracy_run", line]
            output = self.run("the engine", command, job.seconds, {})
        return json.loads(output.splitlines()[-1]), read_log(log)

    def run(self, name: str, command: list[str], seconds: float, env: dict[str, str]) -> str:
        """What ``command`` printed. BenchError when it fails or does not end."""
        output = self.folder / "generator.log"
        output.unlink(missing_ok=True)
        cores = [self.settings.generator_core]
        process = ManagedProcess(command, cores=cores, log=output, environment=env)
        limit_s = time.monotonic() + seconds + _SPARE_S
        try:
            while process.exit_code is None:
                if time.monotonic() > limit_s:
                    raise BenchError(f"{name} does not end: {process.last_words()}")
                time.sleep(_POLL_S)
        finally:
            process.stop()
        if process.exit_code:
            raise BenchError(f"{name} failed ({process.exit_code}): {process.last_words()}")
        return output.read_text()


def measure_accuracy(settings: Settings, tell: Tell) -> list[AccuracySummary]:
    """All cases. BenchError when one cannot be carried out."""
    with tempfile.TemporaryDirectory(prefix="redline-accuracy-") as name:
        bench = _Bench(settings, Path(name), tell)
        latencies = [_latency(bench, servers) for servers in SERVERS]
        return [*latencies, _stall(bench), _ceiling(bench), _mixed(bench)]


def _latency(bench: _Bench, servers: int) -> AccuracySummary:
    rate_rps = LOAD * servers / SERVICE_S
    behaviour = Behaviour(service=SERVICE, servers=servers)
    job = replace(bench.job, rate_rps=rate_rps, seconds=LATENCY_S)
    measured, truths = [], []
    for number in range(bench.settings.rounds):
        bench.tell(f"accuracy: latencies, {servers} servers, round {number + 1}")
        told, log = bench.carry_out(behaviour, replace(job, seed=number))
        run = OpenRun(**told)  # type: ignore[arg-type]
        records = _of_run(run, log)
        due = due_ns(records["arrival_ns"], poisson_offsets_ns(number, rate_rps, len(records)))
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


def _stall(bench: _Bench) -> AccuracySummary:
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
    for number in range(STALL_ROUNDS):
        bench.tell(f"accuracy: stalls, round {number + 1}")
        told, log = bench.carry_out(behaviour, replace(job, seed=number))
        run = OpenRun(**told)  # type: ignore[arg-type]
        records = _of_run(run, log)
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


def _stock_locust_us(bench: _Bench, quantiles: Sequence[str]) -> dict[str, float]:
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


def locust_quantile_us(output: str, share: float) -> float:
    """A quantile of the response times that Locust's ``--json`` lists, by nearest rank."""
    entries, _end = json.JSONDecoder().raw_decode(output, output.index("[\n"))
    counts = {float(ms): int(count) for ms, count in entries[0]["response_times"].items()}
    rank = math.ceil(share * sum(counts.values()))
    for ms in sorted(counts):
        rank -= counts[ms]
        if rank <= 0:
            return ms * 1e3
    raise BenchError("locust: no response times in its statistics")


def _ceiling(bench: _Bench) -> AccuracySummary:
    servers = SERVERS[-1]
    behaviour = Behaviour(service=SERVICE, servers=servers)
    job = replace(bench.job, load="ceiling")
    readings, users = [], []
    for number in range(bench.settings.rounds):
        bench.tell(f"accuracy: ceilings, round {number + 1}")
        told, log = bench.carry_out(behaviour, replace(job, seed=number))
        run = CeilingRun(**told)  # type: ignore[arg-type]
        ended = log.records["end_ns"]
        held = log.records[(ended >= run.start_ns) & (ended < run.end_ns)]
        readings.append(_reading(run.goodput_rps, capacity_rps(held, servers), 0.03, 0))
        users.append(float(run.users))
    figure = judge("ceiling", "right/s", "3 %", "each", readings)
    title = f"{SERVICE}, {servers} servers: the search's ceiling and the capacity realised"
    return AccuracySummary("ceiling", title, (figure,), {"users": tuple(users)})


def _mixed(bench: _Bench) -> AccuracySummary:
    servers = SERVERS[-1]
    behaviour = Behaviour(
        service=SERVICE, servers=servers, error_ratio=MIXED_RATIO, wrong_ratio=MIXED_RATIO
    )
    job = replace(bench.job, rate_rps=MIXED_RPS, seconds=MIXED_S)
    runs: list[OpenRun] = []
    goodput, errors, wrong = [], [], []
    for number in range(bench.settings.rounds):
        bench.tell(f"accuracy: failing and wrong answers, round {number + 1}")
        told, log = bench.carry_out(behaviour, replace(job, seed=number))
        run = OpenRun(**told)  # type: ignore[arg-type]
        _of_run(run, log)
        span_s = (run.end_ns - run.start_ns) / 1e9
        right = _within(run, log.of("right"))
        right = right[right["answered_ns"] < run.end_ns]
        goodput.append(_reading(run.right / span_s, len(right) / span_s, 0.001, 0))
        told_errors, told_wrong = (
            run.wrong.get(k, 0) for k in ("grpc 13 INTERNAL", "wrong answer")
        )
        errors.append(Reading(told_errors, len(_within(run, log.of("error"))), 0))
        wrong.append(Reading(told_wrong, len(_within(run, log.of("wrong"))), 0))
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


def _within(run: OpenRun, records: NDArray[np.void]) -> NDArray[np.void]:
    kept: NDArray[np.void] = records[records["arrival_ns"] >= run.start_ns]
    return kept


def _of_run(run: OpenRun, log: ReferenceLog) -> NDArray[np.void]:
    """The run's requests in the log. BenchError where the two do not have the same number."""
    records = _within(run, log.records)
    if len(records) != run.due - run.unsent or run.unsent:
        raise BenchError(
            f"accuracy: {run.due} requests fell due ({run.unsent} unsent), "
            f"and the server's log has {len(records)}"
        )
    return records
