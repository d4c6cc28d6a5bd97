"""A brief trial of replicas behind a real nginx: its figures are of one, and of all."""

import io
import math

import pytest
from rich.console import Console

from loadtests import engine
from loadtests.bench.errors import BenchError
from loadtests.bench.pool import cases
from loadtests.bench.pool.table import pool_table
from loadtests.bench.programs import find_program
from loadtests.bench.runner import Settings
from loadtests.planning.balancing import BALANCINGS
from serving.cores import available_cores
from serving.reference.program import why_unavailable


def why_not() -> str:
    try:
        find_program("nginx")
    except BenchError as error:
        return str(error)
    return engine.why_unavailable() or why_unavailable()


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_brief_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    brief = {"WARMUP_S": 0.2, "CLOSED_S": 4.0, "OPEN_S": 2.5, "ROUNDS": 1, "USERS": (1, 16)}
    for name, value in {**brief, "LOADS": (0.5, 0.8)}.items():
        monkeypatch.setattr(cases, name, value)
    cores = available_cores()
    told: list[str] = []
    pools = list(cases.measure_pools(Settings(1, 1, cores[-1], cores[0]), told.append))
    assert [pool.balancing for pool in pools] == list(BALANCINGS)
    for pool in pools:
        assert pool.rate_rps == 640
        assert pool.measured_ms > 10 * math.log(10)  # no p99 is below a single service's p90
        assert pool.rounds_ms == (pool.measured_ms,)
        assert 10 < pool.predicted_ms <= pool.alone_ms
    assert "pool: 2 replicas, round-robin, round 1 of 1" in told
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(pool_table(pools))
    assert console.export_text().count("640/s") == 3
