"""The engines of one Locust process: one for all users of a kind, and the gates of other users."""

import logging
import random
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import gevent
from gevent.lock import BoundedSemaphore
from locust.env import Environment

from loadtests.engine import Window
from loadtests.engine.lanes import Lanes
from loadtests.seed import SEED
from loadtests.users.gate import Gate
from loadtests.users.pacer import Due
from loadtests.users.shared_engine import Listener, Pace, Requests, SharedEngine
from loadtests.users.statistics import merge

POLL_S = 0.05
DRAIN_S = 5.0
"""How long requests in flight may take when a test ends and Locust's ``--stop-timeout`` is 0."""
BOUNDARY_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fallen:
    """Of users with a client of their own, since the beginning: requests that fell due, and those
    of them that were never sent; and how many of them have not ended.
    """

    due: int = 0
    unsent: int = 0
    in_flight: int = 0


class Engines:
    """The engines of one Locust process. Take it from :func:`engines_of`.

    ``listeners`` are called with each engine and each window of it that ended.
    """

    def __init__(self, environment: Environment) -> None:
        self.listeners: list[Listener] = []
        self.running: list[SharedEngine] = []
        """Also those that drain."""
        self._load: tuple[Due, float | None, Lanes] = None, None, Lanes()
        self.paced = False
        """Whether requests fall due whatever becomes of those before."""
        self._gates: dict[str, tuple[Gate, float]] = {}
        """Of users that have a client of their own, by the part of a mix, with its weight."""
        self._held = False
        self._environment = environment
        self._by_kind: dict[Hashable, SharedEngine] = {}
        self._starting = BoundedSemaphore()  # an engine waits for the name service

    def join(self, kind: Hashable, pace: Pace, make: Callable[[], Requests]) -> None:
        """One user more of ``kind``; the first one starts the engine.

        RuntimeError or ValueError when it cannot be started, as ``Engine`` raises them.
        """
        with self._starting:
            if kind not in self._by_kind:
                self._by_kind[kind] = self._start(pace, make())
        shared = self._by_kind[kind]
        shared.set_users(shared.users + 1)

    def _start(self, pace: Pace, requests: Requests) -> SharedEngine:
        seed = self._seed(requests)
        shared = SharedEngine(requests, pace, seed, self._on_window)
        self.running.append(shared)
        if len(self.running) == 1:
            gevent.spawn(self._poll).link_exception(self._give_up)
        if not self._held:  # perhaps only since it began to start
            self._release_engines()
        return shared

    def leave(self, kind: Hashable) -> None:
        """One user less of ``kind``; the last one waits until nothing is in flight."""
        shared = self._by_kind[kind]
        if shared.users > 1:
            shared.set_users(shared.users - 1)
            return
        del self._by_kind[kind]
        # In a greenlet of its own: Locust kills the user's when its stop timeout is over, which is
        # the moment when the drain ends and the last counts come.
        closing = gevent.spawn(self._close, shared)
        try:
            closing.join()
        except gevent.GreenletExit:
            closing.join()
            raise

    def gate_of(self, part: str, weight: float = 1.0) -> Gate:
        """The gate of users with a client of their own, all of them or those of a part of a mix."""
        if part not in self._gates:
            worker = getattr(self._environment.runner, "worker_index", 0)
            gate = Gate(f"{SEED}/{worker}/{part}")
            if self._held:
                gate.close()
            self._gates[part] = gate, weight
        return self._gates[part][0]

    def fallen(self, part: str) -> Fallen:
        """At the gate of a part, or without its name at all of them."""
        gates = [gate for name, (gate, _) in self._gates.items() if part in ("", name)]
        return Fallen(
            due=sum(gate.pacer.due for gate in gates),
            unsent=sum(gate.pacer.unsent for gate in gates),
            in_flight=sum(gate.in_flight for gate in gates),
        )

    def hold(self, drain_s: float) -> None:
        """Let nobody send; return when nothing is in flight any more, or after ``drain_s``."""
        self._held = True
        for gate, _ in self._gates.values():
            gate.close()
        deadline = time.monotonic() + drain_s
        gevent.joinall([gevent.spawn(one.hold, drain_s) for one in self.running], raise_error=True)
        for gate, _ in self._gates.values():
            gate.wait_until_empty(max(0.0, deadline - time.monotonic()))

    def release(
        self, due: Due = None, most_rps: float | None = None, lanes: Lanes | None = None
    ) -> None:
        """Let everybody send, or in open loop so much of all in this process together.

        That is for the engines, or where there is none for the users with a client of their own.
        In closed loop all send no more than ``most_rps`` together. The engines share the
        connections of ``lanes`` out by their users.
        """
        self._held, self.paced = False, due is not None
        self._load = due, most_rps, lanes or Lanes()
        weights = [weight for _, weight in self._gates.values()]
        for number, (gate, _) in enumerate(self._gates.values()):
            its = None if self.running else _part(due, number, weights)
            gate.open(its, _share(most_rps, number, weights))
        self._release_engines()

    def _release_engines(self) -> None:
        due, most_rps, lanes = self._load
        weights = [shared.requests.weight for shared in self.running]
        for number, shared in enumerate(list(self.running)):
            shared.release(
                _part(due, number, weights),
                _share(most_rps, number, weights),
                self._lanes_of(shared, lanes),
            )

    def _lanes_of(self, shared: SharedEngine, lanes: Lanes) -> Lanes:
        if lanes.connections is None:
            return lanes
        users = sum(one.users for one in self.running)
        its = round(lanes.connections * shared.users / max(1, users))
        return replace(lanes, connections=max(1, its))

    def begin_phase(self, tag: str) -> dict[SharedEngine, int]:
        """Make all engines end a window now; when all windows up to then have been handed on.

        Each engine's boundary, in ns of CLOCK_MONOTONIC. TimeoutError when an engine hangs.
        """
        boundaries = {shared: shared.begin_phase(tag) for shared in self.running}
        deadline = time.monotonic() + BOUNDARY_TIMEOUT_S
        while any(one.seen_ns < boundaries.get(one, 0) for one in self.running):
            if time.monotonic() > deadline:
                raise TimeoutError("the load engine does not end its window")
            gevent.sleep(0.001)
            self.poll()
        return boundaries

    def poll(self) -> None:
        """Hand on what ended."""
        for shared in list(self.running):
            shared.poll()

    def _poll(self) -> None:
        while self.running:
            self.poll()
            gevent.sleep(POLL_S)

    def _close(self, shared: SharedEngine) -> None:
        try:
            shared.close(self._environment.stop_timeout or DRAIN_S)
        finally:
            self.running.remove(shared)

    def _on_window(self, shared: SharedEngine, window: Window) -> None:
        requests = shared.requests
        merge(self._environment.stats, requests.method, requests.name, window)
        for listener in self.listeners:
            listener(shared, window)

    def _seed(self, requests: Requests) -> int:
        worker = getattr(self._environment.runner, "worker_index", 0)
        return random.Random(f"{SEED}/{worker}/{requests.name}").getrandbits(64)  # noqa: S311

    def _give_up(self, greenlet: gevent.Greenlet) -> None:
        logger.error("the engine's windows cannot be read: %s", greenlet.exception)
        if self._environment.runner is not None:
            self._environment.runner.quit()


_engines: WeakKeyDictionary[Environment, Engines] = WeakKeyDictionary()


def engines_of(environment: Environment) -> Engines:
    """The engines of this process."""
    if environment not in _engines:
        _engines[environment] = Engines(environment)
    return _engines[environment]


def _part(due: Due, number: int, weights: Sequence[float]) -> Due:
    """A rate by weight; a schedule is dealt out in turn."""
    if isinstance(due, tuple):
        return due[number :: len(weights)]
    return _share(due, number, weights)


def _share(rate_rps: float | None, number: int, weights: Sequence[float]) -> float | None:
    return None if rate_rps is None else rate_rps * weights[number] / sum(weights)
