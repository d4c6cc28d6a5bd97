"""Measures one replica, predicts two behind each kind of balancer, and measures these."""

import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests.bench.accuracy.workbench import PAYLOAD, Workbench
from loadtests.bench.errors import BenchError
from loadtests.bench.pool.balancer import balancer
from loadtests.bench.pool.pooled import Pooled
from loadtests.bench.record import load_average
from loadtests.bench.runner import Settings, Tell
from loadtests.measure.slo import Slo
from loadtests.planning.balancing import BALANCINGS, Balancing
from loadtests.planning.closed import ClosedProbe
from loadtests.planning.curve import OpenProbe
from loadtests.planning.law import Law, law_of
from loadtests.planning.pooling import balanced
from loadtests.planning.replica import Figure, Replica
from serving.reference.launch import Behaviour
from serving.reference.launch import run as run_reference

MEAN_MS = 10
SERVERS = 4
REPLICAS = 2
USERS = (1, 4, 16, 64)
LOADS = (0.5, 0.7, 0.8, 0.9)
POOL_LOAD = 0.8
WARMUP_S = 2
CLOSED_S = 5
OPEN_S = 20
ROUNDS = 3
"""Of each pool: the median of their p99s counts, for a hiccup of the machine spoils one."""
CONNECTIONS = 512
MAY_MISS = 0.15
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
SLO = Slo(0.99, 100_000)


def measure_pools(settings: Settings, tell: Tell) -> Iterator[Pooled]:
    """Each kind of balancer in turn. BenchError when one cannot be carried out."""
    with tempfile.TemporaryDirectory(prefix="redline-pool-") as name:
        bench = Workbench(settings, Path(name), tell)
        with _servers(bench, 1) as (port,):
            one = measure_one(bench, f"http://127.0.0.1:{port}/")
        rate_rps = REPLICAS * POOL_LOAD * SERVERS * 1000 / MEAN_MS
        predicted_s = {
            each.balancing: each.latency_s for each in balanced(one, REPLICAS, rate_rps, SLO)
        }
        for kind in BALANCINGS:
            load_before = load_average()
            each_ms = _measure_pool(bench, kind, rate_rps)
            measured_ms, predicted_ms = statistics.median(each_ms), 1000 * predicted_s[kind]
            yield Pooled(
                balancing=kind,
                title=f"{REPLICAS} x exponential:{MEAN_MS}ms x {SERVERS}, {POOL_LOAD:.0%} load",
                rate_rps=rate_rps,
                predicted_ms=round(predicted_ms, 3),
                measured_ms=round(measured_ms, 3),
                rounds_ms=tuple(each_ms),
                alone_ms=round(1000 * one.curve.quantile_s(rate_rps / REPLICAS, 0.99), 3),
                met=abs(predicted_ms / measured_ms - 1) <= MAY_MISS,
                load_before=load_before,
            )


def _measure_pool(bench: Workbench, kind: Balancing, rate_rps: float) -> list[float]:
    """The p99 of response latency in milliseconds, of each round."""
    core = bench.settings.server_core
    with _servers(bench, REPLICAS) as ports, balancer(kind, ports, core, bench.folder) as url:
        found = []
        for number in range(ROUNDS):
            bench.tell(f"pool: {REPLICAS} replicas, {kind}, round {number + 1} of {ROUNDS}")
            told = _drive(bench, f"{url}/", OPEN_S, rate=rate_rps, seed=number)
            p99_us = told["latency_us"]["response"]["p99"]
            if p99_us is None:
                raise BenchError(f"pool: too few answers for a p99: {told['ok']}")
            found.append(round(p99_us / 1000, 3))
    return found


def measure_one(bench: Workbench, url: str) -> Replica:
    """One replica as a run measures it: some users in closed loop, then rates in open loop."""
    closed, opened = [], []
    for users in USERS:
        bench.tell(f"pool: one replica, {users} users")
        told = _drive(bench, url, CLOSED_S, concurrency=users)
        goodput_rps = told["goodput_rps"]
        closed.append(ClosedProbe(users, goodput_rps, _law(told, users / goodput_rps)))
    ceiling_rps = max(probe.goodput_rps for probe in closed)
    for load in LOADS:
        bench.tell(f"pool: one replica, {load:.0%} load")
        rate_rps = load * SERVERS * 1000 / MEAN_MS
        told = _drive(bench, url, OPEN_S, rate=rate_rps)
        opened.append(OpenProbe(rate_rps, 1 - told["ok"] / told["due"], _law(told)))
    return Replica(
        run="bench",
        name="reference",
        server="reference",
        protocol="rest",
        model="reference",
        batch=1,
        body="json",
        configuration="vendor",
        deployment="external",
        cores=1,
        cpu="",
        doubts=(),
        ceiling=Figure(ceiling_rps, ceiling_rps, ceiling_rps, at_least=False, repeats=1),
        capacity=None,
        capacity_slo=None,
        closed=tuple(closed),
        open=tuple(opened),
    )


@contextlib.contextmanager
def _servers(bench: Workbench, count: int) -> Iterator[list[int]]:
    """So many reference servers, of different seeds; their ports."""
    answer = bench.folder / "answer"
    answer.write_bytes(PAYLOAD.answer)
    with contextlib.ExitStack() as stack:
        ports = []
        for seed in range(count):
            home = bench.folder / f"replica-{seed}"
            home.mkdir(exist_ok=True)
            behaviour = Behaviour(
                service=f"exponential:{MEAN_MS}ms", servers=SERVERS, seed=seed, answer=answer
            )
            cores = [bench.settings.server_core]
            ports.append(stack.enter_context(run_reference(behaviour, cores, home)).port)
        yield ports


def _drive(bench: Workbench, url: str, seconds: float, **load: float) -> dict[str, Any]:
    options = [word for name, value in load.items() for word in (f"--{name}", f"{value:g}")]
    open_loop = ["--connections", str(CONNECTIONS)] if "rate" in load else []
    command = [
        *(str(Path(sys.executable).with_name("redline")), "drive", url, *options, *open_loop),
        *("--duration", f"{seconds:g}", "--warmup", f"{WARMUP_S:g}", "--json"),
    ]
    output = bench.run("redline drive", command, seconds, {})
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return told


def _law(told: dict[str, Any], mean_s: float | None = None) -> Law:
    found = told["latency_us"]["response"]
    quantiles = {
        share: None if found[name] is None else found[name] / 1e6
        for name, share in QUANTILES.items()
    }
    law = law_of(quantiles, mean_s)
    if law is None:
        raise BenchError(f"pool: too few answers for a latency: {told['ok']}")
    return law
