"""Several replicas behind a balancer, request by request, many independent lines at a time.

Each replica has some servers and one line of its own, first come, first served. All lines take
their n-th request in the same step: the state of each is a row of an array.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loadtests.planning.law import Floats, Law

Balancing = Literal["random", "round-robin", "least-loaded"]
BALANCINGS: tuple[Balancing, ...] = ("random", "round-robin", "least-loaded")
"""``least-loaded`` is the fewest requests in flight, as nginx' ``least_conn``."""

FEWEST_LINES, MOST_LINES = 32, 1000
MOST_STEPS_TO_SETTLE = 20_000
LONGEST_LINE = 512
"""What a least loaded replica's line is taken to hold at most."""
RELAXATIONS = 4
"""An empty queue is left to itself for so many of its relaxation times before anything counts."""
HIGHEST_LOAD = 0.98
"""Beyond it a queue takes longer to settle than it is simulated."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pool:
    """``replicas`` of ``servers`` each, whose service times are of one law, in seconds."""

    replicas: int
    servers: int
    service: Law
    balancing: Balancing

    @property
    def most_rps(self) -> float:
        """What all of them together can serve."""
        return self.replicas * self.servers / self.service.mean


@dataclass(frozen=True, slots=True)
class Simulated:
    """Of each request its wait and its response time, both from its arrival on, in seconds."""

    wait_s: Floats
    response_s: Floats


def simulate(pool: Pool, rate_rps: float, requests: int = 200_000, seed: int = 0) -> Simulated:
    """Poisson arrivals at ``rate_rps`` in steady state; at least ``requests`` of them.

    ValueError for a rate that the pool cannot settle at.
    """
    load = rate_rps / pool.most_rps
    if not 0 < load <= HIGHEST_LOAD:
        raise ValueError(f"a load of {load:.3f} is not above 0 and up to {HIGHEST_LOAD}")
    settle = _steps_to_settle(pool, load)
    lines = min(max(requests // (2 * settle), FEWEST_LINES), MOST_LINES)
    steps = settle + -(-requests // lines)
    random = np.random.default_rng(seed)
    # Drawn times are set to their true means: a queue's wait hangs on its load more than on chance.
    gaps_s = _with_mean(random.standard_exponential((steps, lines)), 1 / rate_rps)
    service_s = _with_mean(pool.service.draw(random, (steps, lines)), pool.service.mean)
    due_s = gaps_s.cumsum(axis=0, out=gaps_s)
    wait_s = _waits(pool, random, due_s, service_s)[settle:]
    return Simulated(wait_s.ravel(), (wait_s + service_s[settle:]).ravel())


def _with_mean(times_s: Floats, mean_s: float) -> Floats:
    times_s *= mean_s / times_s.mean()
    return times_s


def _steps_to_settle(pool: Pool, load: float) -> int:
    """The relaxation time of M/M/c (Morse), counted in arrivals at all replicas."""
    arrivals = pool.replicas * (pool.servers + load / (1 - load**0.5) ** 2)
    return int(min(RELAXATIONS * arrivals, MOST_STEPS_TO_SETTLE)) + 1


def _waits(pool: Pool, random: np.random.Generator, due_s: Floats, service_s: Floats) -> Floats:
    steps, lines = due_s.shape
    rows = np.arange(lines)
    free_s = np.zeros((lines, pool.replicas, pool.servers))
    wait_s = np.empty_like(due_s)
    choose = _CHOICES[pool.balancing](pool, random, lines)
    for step in range(steps):
        replica = choose.replica(due_s[step], free_s)
        servers_s = free_s[rows, replica]
        first = servers_s.argmin(axis=1)
        start_s = np.maximum(due_s[step], servers_s[rows, first])
        free_s[rows, replica, first] = start_s + service_s[step]
        choose.sent(replica, start_s)
        np.subtract(start_s, due_s[step], out=wait_s[step])
    return wait_s


class _Random:
    def __init__(self, pool: Pool, random: np.random.Generator, lines: int) -> None:
        self._replicas, self._random, self._lines = pool.replicas, random, lines

    def replica(self, now_s: Floats, free_s: Floats) -> Ints:
        """Which replica the next request of each line goes to."""
        del now_s, free_s
        return self._random.integers(self._replicas, size=self._lines)

    def sent(self, replica: Ints, start_s: Floats) -> None:
        """It was sent there, and its service starts then."""


class _RoundRobin(_Random):
    def __init__(self, pool: Pool, random: np.random.Generator, lines: int) -> None:
        super().__init__(pool, random, lines)
        self._next = random.integers(pool.replicas, size=lines)

    def replica(self, now_s: Floats, free_s: Floats) -> Ints:
        del now_s, free_s
        self._next = (self._next + 1) % self._replicas
        return self._next


class _LeastLoaded(_Random):
    """Counts what is in flight: the busy servers, and what waits, which starts in its order."""

    def __init__(self, pool: Pool, random: np.random.Generator, lines: int) -> None:
        super().__init__(pool, random, lines)
        self._starts_s = np.zeros((lines, pool.replicas, LONGEST_LINE))
        self._sent = np.zeros((lines, pool.replicas), dtype=np.int64)
        self._begun = np.zeros_like(self._sent)
        self._rows, self._all = np.arange(lines), np.ogrid[:lines, : pool.replicas]

    def replica(self, now_s: Floats, free_s: Floats) -> Ints:
        now_s = now_s[:, None]
        while (begun := self._begins(now_s)).any():
            self._begun += begun
        busy = (free_s > now_s[:, :, None]).sum(axis=2)
        ties = self._random.random(busy.shape)
        chosen: Ints = (busy + (self._sent - self._begun) + ties).argmin(axis=1)
        return chosen

    def _begins(self, now_s: Floats) -> NDArray[np.bool_]:
        """Where the first of the line has begun by now."""
        starts_s = self._starts_s[*self._all, self._begun % LONGEST_LINE]
        begins: NDArray[np.bool_] = (starts_s <= now_s) & (self._begun < self._sent)
        return begins

    def sent(self, replica: Ints, start_s: Floats) -> None:
        place = self._sent[self._rows, replica] % LONGEST_LINE
        self._starts_s[self._rows, replica, place] = start_s
        self._sent[self._rows, replica] += 1


_CHOICES = {"random": _Random, "round-robin": _RoundRobin, "least-loaded": _LeastLoaded}
