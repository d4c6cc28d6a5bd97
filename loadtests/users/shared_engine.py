"""The engines of one Locust process: one for all users of a kind, from the first to the last."""

import gc
import logging
import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from weakref import WeakKeyDictionary

import gevent
from gevent.lock import BoundedSemaphore
from locust.env import Environment

from loadtests.engine import Engine, Sample, Spread, Tls, Window
from loadtests.seed import SEED
from loadtests.users.connections import (
    MAX_GRPC_CONNECTIONS,
    MAX_HTTP_CONNECTIONS,
    USERS_A_CONNECTION,
    Lanes,
    spread_of,
)
from loadtests.users.gate import Gate
from loadtests.users.pacer import Due
from loadtests.users.statistics import merge
from serving.access import OPEN, Access

WINDOW_S = 0.5
POLL_S = 0.05
SAMPLES_PER_WINDOW = 16
DRAIN_S = 5.0
"""How long requests in flight may take when a test ends and Locust's ``--stop-timeout`` is 0."""
BOUNDARY_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Requests:
    """What an engine sends, where to, how its answers are judged, and how Locust shows it.

    ``fault_in`` says what is wrong with the answer to a body, None if nothing was found.
    """

    url: str
    bodies: Sequence[bytes]
    method: str
    name: str
    timeout_s: float
    fault_in: Callable[[int, bytes], str | None]
    headers: Mapping[str, str] = field(default_factory=dict)
    access: Access = OPEN
    weight: float = 1.0
    """Of what falls due in the process, for the weights of its other requests."""


@dataclass(frozen=True, slots=True)
class Fallen:
    """Of users with a client of their own, since the beginning: requests that fell due, and those
    of them that were never sent; and how many of them have not ended.
    """

    due: int = 0
    unsent: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Closed loop, or with ``user_rate`` so many requests a second for each user, in open loop."""

    user_rate: float | None = None
    arrivals: Literal["constant", "poisson"] = "poisson"


Listener = Callable[["SharedEngine", Window], None]


class SharedEngine:
    """One engine and the users that it stands for. Its threads run from the constructor on.

    Until it is released, and while it is held, nothing falls due, whatever the users are.
    Connections follow the users, unless a load says how many it has; what a heavier load needed is
    closed before the next one.
    """

    def __init__(self, requests: Requests, pace: Pace, seed: int, listener: Listener) -> None:
        self._grpc = requests.url.startswith("grpc")
        ca_file = requests.access.ca_file
        self._engine = Engine(
            requests.url,
            requests.bodies,
            headers={**requests.access.headers, **requests.headers},
            connections=MAX_GRPC_CONNECTIONS if self._grpc else MAX_HTTP_CONNECTIONS,
            streams_per_connection=USERS_A_CONNECTION,
            pack=True,
            timeout_s=requests.timeout_s,
            tls=Tls(ca_file=str(ca_file) if ca_file else None),
            seed=seed,
            window_s=WINDOW_S,
            samples_per_window=SAMPLES_PER_WINDOW,
        )
        self.requests = replace(requests, bodies=())  # the engine has a copy
        self.users = 0
        self.seen_ns = 0
        """The end of the last window that was handed on."""
        self._held = True
        self._pace = pace
        self._due: Due = None
        self._most_rps: float | None = None
        self._lanes = Lanes()
        self._addresses = 1
        self._listener = listener
        self._explained: set[str] = set()
        self.said: dict[str, str] = {}
        """Of each kind of error, what the first one said."""
        self._engine.start()

    def set_users(self, users: int) -> None:
        """From now on so many; they send unless the engine is held."""
        self.users = users
        if not self._held and self._due is None:
            self._apply()

    def release(
        self, due: Due = None, most_rps: float | None = None, lanes: Lanes | None = None
    ) -> None:
        """Send for the users, no more than ``most_rps``, or what is ``due`` instead.

        When it was held, the server's name is looked up anew, and the connections are those that
        this load has, whatever was before.
        """
        anew = self._held
        self._held, self._due, self._most_rps = False, due, most_rps
        self._lanes = lanes or Lanes()
        if anew:
            self._look_up()
        if not self._held:  # it may be again: the name service takes its time
            self._apply(anew=anew)

    def _look_up(self) -> None:
        try:
            self._addresses = self._engine.resolve(self._lanes.number, self._lanes.workers)
        except RuntimeError as error:
            logger.warning("%s; the addresses of before are used on", error)

    def hold(self, drain_s: float) -> None:
        """No new requests; wait for those in flight without holding up other greenlets."""
        self._held = True
        gevent.get_hub().threadpool.apply(self._engine.drain, (drain_s,))
        self.poll()

    def _apply(self, *, anew: bool = False) -> None:
        """In open loop connections are left as they are but for a load that begins ``anew``."""
        of_rate = self._spread(0) if anew else None
        if isinstance(self._due, tuple):
            self._engine.follow(self._due, spread=of_rate)
        elif self._due is not None:
            self._engine.set_rate(self._due, self._pace.arrivals, spread=of_rate)
        elif self._pace.user_rate is not None:
            rate_rps = self.users * self._pace.user_rate
            self._engine.set_rate(rate_rps, self._pace.arrivals, spread=of_rate)
        else:
            spread = self._spread(self.users)
            self._engine.set_users(self.users, most_rps=self._most_rps, spread=spread)

    def _spread(self, users: int) -> Spread:
        return spread_of(users, self._lanes, self._addresses, grpc=self._grpc)

    def begin_phase(self, tag: str) -> int:
        """A window ends now; the boundary in ns of CLOCK_MONOTONIC."""
        return self._engine.set_phase(tag)

    def poll(self) -> None:
        """Hand on the windows that ended, with the wrong answers among the samples taken out."""
        windows = self._engine.poll_windows()
        faults = [fault for sample in self._engine.poll_samples() if (fault := self._fault(sample))]
        for window in windows:
            self._explain(window)
            found, faults = faults[: window.right], faults[window.right :]
            self._listener(self, _with_faults(window, found))
            self.seen_ns = max(self.seen_ns, window.end_ns)
        if windows:
            # hdrh's histograms are cycles of 170 kB, too few to wake the collector. Not 0: what
            # survived that once would then stay for ever.
            gc.collect(1)

    def _fault(self, sample: Sample) -> str | None:
        return self.requests.fault_in(sample.body, sample.answer) if sample.whole else None

    def _explain(self, window: Window) -> None:
        """Log what the first answer of each kind of error said, once."""
        for kind in window.wrong.keys() - self._explained:
            self._explained.add(kind)
            said = self._engine.error_details().get(kind, b"").decode(errors="replace").strip()
            said = self.requests.access.hide(said)
            if said:
                logger.warning("%s: %s, first: %s", self.requests.name, kind, said)
                self.said[kind] = said

    def close(self, drain_s: float) -> None:
        """Wait for what is in flight, hand on the rest, end the threads."""
        self.users = 0
        self.hold(drain_s)
        self._engine.stop()


def _part(due: Due, number: int, weights: Sequence[float]) -> Due:
    """A rate by weight; a schedule is dealt out in turn."""
    if isinstance(due, tuple):
        return due[number :: len(weights)]
    return _share(due, number, weights)


def _share(rate_rps: float | None, number: int, weights: Sequence[float]) -> float | None:
    return None if rate_rps is None else rate_rps * weights[number] / sum(weights)


def _with_faults(window: Window, faults: Sequence[str]) -> Window:
    if not faults:
        return window
    wrong = dict(window.wrong)
    for fault in faults:
        wrong[fault] = wrong.get(fault, 0) + 1
    return replace(window, right=window.right - len(faults), wrong=wrong)


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
