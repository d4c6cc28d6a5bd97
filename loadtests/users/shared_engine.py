"""One engine for all users of a kind in a Locust process, from the first to the last."""

import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import gevent

from loadtests.engine import Engine, Sample, Spread, Tls, Window
from loadtests.engine.lanes import (
    MAX_GRPC_CONNECTIONS,
    MAX_HTTP_CONNECTIONS,
    USERS_A_CONNECTION,
    Lanes,
    spread_of,
)
from loadtests.users.pacer import Due
from serving.access import OPEN, Access

WINDOW_S = 0.5
SAMPLES_PER_WINDOW = 16

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
        self._spread: Spread | None = None
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
        closed = self._due is None and self._pace.user_rate is None
        spread = self._new_spread(self.users if closed else 0, anew=anew)
        if isinstance(self._due, tuple):
            self._engine.follow(self._due, spread=spread)
        elif closed:
            self._engine.set_users(self.users, most_rps=self._most_rps, spread=spread)
        else:
            of_users = self.users * (self._pace.user_rate or 0.0)
            rate_rps = of_users if self._due is None else self._due
            self._engine.set_rate(rate_rps, self._pace.arrivals, spread=spread)

    def _new_spread(self, users: int, *, anew: bool) -> Spread | None:
        """None while it is the same: more connections than these, which a rate needs or a server
        that allows few streams, would be closed under a load that goes on.
        """
        before = self._spread
        self._spread = spread_of(users, self._lanes, self._addresses, grpc=self._grpc)
        return self._spread if anew or self._spread != before else None

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


def _with_faults(window: Window, faults: Sequence[str]) -> Window:
    if not faults:
        return window
    wrong = dict(window.wrong)
    for fault in faults:
        wrong[fault] = wrong.get(fault, 0) + 1
    return replace(window, right=window.right - len(faults), wrong=wrong)
