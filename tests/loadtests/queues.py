"""M/M/c queues: what is known of them, and an exact simulation of many at once.

The simulation follows each request: it waits until the first of the c servers is free (Kiefer and
Wolfowitz' vector, here of the times when servers become free, kept sorted) and is served for an
exponential time. All trials take their n-th request in the same step.
"""

from dataclasses import dataclass
from math import exp, factorial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = 256
"""Requests that are counted at a time."""


@dataclass(frozen=True)
class Queue:
    """``servers`` that each take ``service_s`` on average, and one queue.

    In each trial it is quicker by its ``speed``, in a simulation.
    """

    servers: int
    service_s: float
    speed: Floats | float = 1.0

    @property
    def ceiling_rps(self) -> float:
        return self.servers / self.service_s

    def draw(self, rng: np.random.Generator, services_s: Floats) -> None:
        """Fill in how long each request is served."""
        rng.standard_exponential(out=services_s)
        services_s *= self.service_s / self.speed

    def worked(self, now_s: Floats) -> Floats:
        """How long the servers have worked until then: all the time."""
        return now_s

    def clock(self, worked_s: Floats) -> Floats:
        """When they have worked so long."""
        return worked_s

    def chance_over(self, limit_s: float, rate_rps: float) -> float:
        """P(response time > limit), in equilibrium (Gross and Harris, M/M/c)."""
        mu, spare = 1 / self.service_s, self.ceiling_rps - rate_rps
        if spare <= 0:
            return 1.0
        load = rate_rps * self.service_s
        terms = [load**k / factorial(k) for k in range(self.servers)]
        last = load**self.servers / factorial(self.servers) * self.ceiling_rps / spare
        waits = last / (sum(terms) + last)
        served, waited = exp(-mu * limit_s), exp(-spare * limit_s)
        return (1 - waits) * served + waits * (spare * served - mu * waited) / (spare - mu)

    def capacity_rps(self, limit_s: float, allowed: float) -> float:
        """The rate at which just ``allowed`` of all requests take longer than the limit."""
        top = self.ceiling_rps
        return float(
            brentq(lambda r: self.chance_over(limit_s, r) - allowed, 0.0101 * top, 0.99999 * top)
        )


@dataclass(frozen=True)
class Lognormal(Queue):
    """Its services are lognormal, with a coefficient of variation of ``variation``."""

    variation: float = 1.5

    def draw(self, rng: np.random.Generator, services_s: Floats) -> None:
        sigma2 = np.log1p(self.variation**2)
        rng.standard_normal(out=services_s)
        np.exp(services_s * np.sqrt(sigma2) - sigma2 / 2, out=services_s)
        services_s *= self.service_s / self.speed


@dataclass(frozen=True)
class Stalling(Queue):
    """Once in ``every_s`` it does nothing for ``stall_s``, and then goes on where it was.

    ``phase_s`` (one of each trial, or of all) tells when the first stall begins.
    """

    every_s: float = 60.0
    stall_s: float = 0.2
    phase_s: Floats | float = 0.0

    def worked(self, now_s: Floats) -> Floats:
        cycles, into_s = np.divmod(now_s - self.phase_s, self.every_s)
        return cycles * (self.every_s - self.stall_s) + np.maximum(0.0, into_s - self.stall_s)

    def clock(self, worked_s: Floats) -> Floats:
        cycles, into_s = np.divmod(worked_s, self.every_s - self.stall_s)
        return self.phase_s + cycles * self.every_s + into_s + self.stall_s


@dataclass(frozen=True)
class Seen:
    """What windows of a second saw, trials x windows.

    ``slower`` has, for each level, what ended after more than that. ``late`` requests had not ended
    with the last window; ``late_slower`` of them exceeded the highest level in the end.
    """

    ended: Ints
    slower: list[Ints]
    in_flight: Ints
    late: Ints
    late_slower: Ints


def closed_loop(rng: np.random.Generator, queue: Queue, users: int, seconds: float) -> int:
    """How many answers ``users`` get who each send when the last answer came.

    As many servers as there are users, at most all, are busy without a pause, each with one service
    after the other: the answers of each are a Poisson process.
    """
    busy = min(users, queue.servers)
    return int(rng.poisson(seconds / queue.service_s, size=busy).sum())


class Servers:
    """When each server will be free, in seconds, ascending; one column a trial."""

    def __init__(self, servers: int, free_s: Floats) -> None:
        self._free_s = [free_s.copy() for _ in range(servers)]
        self._rest_s = [np.empty_like(free_s) for _ in range(servers)]

    def serve(self, due_s: Floats, service_s: Floats, ended_s: Floats) -> None:
        """Give each trial's next request to its first free server, and tell when it ended."""
        free_s, rest_s = self._free_s, ended_s
        np.maximum(due_s, free_s[0], out=ended_s)
        ended_s += service_s
        for i in range(1, len(free_s)):
            np.minimum(rest_s, free_s[i], out=free_s[i - 1])
            rest_s = np.maximum(rest_s, free_s[i], out=self._rest_s[i])
        free_s[-1][:] = rest_s


def open_loop(
    rng: np.random.Generator,
    queue: Queue,
    rates_rps: Floats,
    settle_s: float,
    windows: int,
    levels_s: list[float],
) -> Seen:
    """Poisson arrivals at a rate of each trial's own, from an empty queue on; levels ascend.

    Nothing is counted while it settles, but what began then and ended later is.
    """
    now_s = np.full(len(rates_rps), -float(settle_s))
    servers = Servers(queue.servers, queue.worked(now_s))
    counts = _Counts(len(rates_rps), windows, levels_s)
    due_s, services_s, ended_s = (np.empty((STEPS, len(rates_rps))) for _ in range(3))
    while now_s.min() < windows:
        rng.standard_exponential(out=due_s)
        due_s /= rates_rps
        due_s[0] += now_s
        np.cumsum(due_s, axis=0, out=due_s)
        queue.draw(rng, services_s)
        arrived_s = queue.worked(due_s)
        for step in range(STEPS):
            servers.serve(arrived_s[step], services_s[step], ended_s[step])
        counts.add(due_s, queue.clock(ended_s))
        now_s = due_s[-1].copy()
    return counts.seen()


class _Counts:
    """Of each trial, by window: the first counts what came before, the last what came after."""

    def __init__(self, trials: int, windows: int, levels_s: list[float]) -> None:
        self._windows, self._levels_s = windows, levels_s
        self._due = np.zeros((trials, windows + 2), dtype=np.int64)
        self._ended = np.zeros_like(self._due)
        self._slower = [np.zeros_like(self._due) for _ in levels_s]

    def add(self, due_s: Floats, ended_s: Floats) -> None:
        due_in, ended_in = self._cells(due_s), self._cells(ended_s)
        self._count(self._due, due_in)
        counted = due_s < self._windows
        self._count(self._ended, ended_in if counted.all() else ended_in[counted])
        slow = np.flatnonzero(counted & (ended_s - due_s > self._levels_s[0]))
        response_s, ended_in = (ended_s - due_s).flat[slow], ended_in.flat[slow]
        for level_s, total in zip(self._levels_s, self._slower, strict=True):
            self._count(total, ended_in[response_s > level_s])

    def _cells(self, times_s: Floats) -> Ints:
        window = np.clip(times_s, -1, self._windows)
        window += 1
        return window.astype(np.int64) + np.arange(times_s.shape[1]) * (self._windows + 2)

    @staticmethod
    def _count(total: Ints, cells: Ints) -> None:
        total += np.bincount(cells.ravel(), minlength=total.size).reshape(total.shape)

    def seen(self) -> Seen:
        pending = (self._due[:, :-1] - self._ended[:, :-1]).cumsum(axis=1)
        return Seen(
            ended=self._ended[:, 1:-1],
            slower=[total[:, 1:-1] for total in self._slower],
            in_flight=pending[:, 1:],
            late=self._ended[:, -1],
            late_slower=self._slower[-1][:, -1],
        )
