"""The simulation that plans rest on: how long a million requests take, and in how much memory."""

import heapq
import itertools
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from loadtests.planning.balancing import BALANCINGS, Pool, simulate
from loadtests.planning.law import exponential

REQUESTS = 1_000_000
SHAPES = ((2, 4), (8, 16), (16, 32))
"""Replicas, and servers of each."""
LOAD, MEAN_S = 0.8, 0.01
MOST_S, MOST_MB = 3.0, 300.0


@dataclass(frozen=True, slots=True)
class SimulationTime:
    """One pool; ``plain_ratio`` is how many times as long a plain loop takes."""

    title: str
    requests: int
    taken_s: float
    peak_mb: float
    plain_ratio: float

    @property
    def missed(self) -> list[str]:
        """The goals that were missed."""
        found = {
            f"over {MOST_S:.0f} s": self.taken_s > MOST_S,
            f"over {MOST_MB:.0f} MB": self.peak_mb > MOST_MB,
        }
        return [name for name, is_missed in found.items() if is_missed]


def measure_simulations(
    say: Callable[[str], None], requests: int = REQUESTS
) -> Iterator[SimulationTime]:
    """Each shape behind each balancer, in a fresh process of its own."""
    for (replicas, servers), balancing in itertools.product(SHAPES, BALANCINGS):
        title = f"{replicas} x {servers} servers, {balancing}"
        say(title)
        pool = Pool(replicas, servers, exponential(MEAN_S), balancing)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as process:
            yield process.submit(_measured, title, pool, requests).result()


def simulation_table(simulations: Sequence[SimulationTime]) -> Table:
    """One row a pool."""
    table = Table(title=f"Simulations, {LOAD:.0%} load")
    for head in ("", "requests", "taken, s", "peak, MB", "plain loop", "missed"):
        table.add_column(head, justify="left" if head in ("", "missed") else "right")
    for one in simulations:
        figures = (
            f"{one.requests:,}",
            f"{one.taken_s:.2f}",
            f"{one.peak_mb:.0f}",
            f"{one.plain_ratio:.1f} x",
        )
        table.add_row(one.title, *figures, ", ".join(one.missed) or "no")
    return table


def _measured(title: str, pool: Pool, requests: int) -> SimulationTime:
    began_s = time.perf_counter()
    simulate(pool, LOAD * pool.most_rps, requests)
    taken_s = time.perf_counter() - began_s
    peak_mb = _peak_mb()
    began_s = time.perf_counter()
    _plain(pool, LOAD * pool.most_rps, requests)
    plain_s = time.perf_counter() - began_s
    return SimulationTime(title, requests, round(taken_s, 2), peak_mb, round(plain_s / taken_s, 2))


def _plain(pool: Pool, rate_rps: float, requests: int) -> float:
    """The mean wait in seconds, request by request, each to a replica by chance."""
    random = np.random.default_rng(0)
    due_s = random.standard_exponential(requests).cumsum() / rate_rps
    service_s = pool.service.draw(random, (requests,))
    replica = random.integers(pool.replicas, size=requests)
    free_s = [[0.0] * pool.servers for _ in range(pool.replicas)]
    waited_s = 0.0
    for due, service, one in zip(due_s.tolist(), service_s.tolist(), replica.tolist(), strict=True):
        start = max(due, free_s[one][0])
        heapq.heapreplace(free_s[one], start + service)
        waited_s += start - due
    return waited_s / requests


def _peak_mb() -> float:
    """The most memory this process had resident; getrusage would count its parent's before exec."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return round(int(found[1]) / 1e3, 1) if found else 0.0
