"""The Locust user that has no client of its own: the process's native engine sends for it."""

import functools
import sys
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar, Literal

import gevent
from gevent.event import Event
from locust import User, constant, task
from locust.env import Environment
from locust.exception import StopTest
from locust.user.task import LOCUST_STATE_STOPPING

from loadtests import engine
from loadtests.users.engines import engines_of
from loadtests.users.gate import Gate
from loadtests.users.pacer import TURN, Turn
from loadtests.users.shared_engine import Pace, Requests


class EngineUser(User):
    """One virtual user of the engine that all users of its kind in a process share.

    In closed loop each sends when its last answer came. With ``user_rate`` the users' rates add up
    to one arrival process of the whole process, in open loop. The user itself only waits until it
    is stopped. The last to stop waits until nothing is in flight, for up to Locust's
    ``--stop-timeout``, or 5 s where that is 0; what is in flight then counts as ``unfinished``.

    Counts and latencies reach Locust's statistics every half second. **Locust's event ``request``
    does not fire** for what the engine sends.

    Where the engine was not built, or with ``client = "python"``, the user sends its requests
    itself, one at a time, as :meth:`send_next` does it.
    """

    abstract = True
    wait_time = constant(0)

    client: Literal["engine", "python"] = "engine"
    user_rate: ClassVar[float | None] = None
    """Requests a second; None is closed loop. Needs the engine."""
    arrivals: ClassVar[Literal["constant", "poisson"]] = "poisson"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not self.host:  # here, not in on_start: there StopTest would only end this user
            raise StopTest("no host: give the server's address with --host")
        self._engine_sends = self._has_engine()
        self._stopping = Event()
        self._kind: Hashable = None
        self.turn = Turn()
        """Of the request that is being sent by a client in Python."""

    def kind(self) -> Hashable:
        """What users of this class must agree in to share an engine."""
        return self.host

    def requests(self) -> Requests:
        """What the engine sends; asked of the first user of a kind."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Called before the first :meth:`send_next`."""

    def send_next(self) -> None:
        """Send one request by a client in Python, and :meth:`report` it to Locust."""
        raise NotImplementedError

    def gate(self) -> Gate:
        """Where a client in Python waits for its turn."""
        return engines_of(self.environment).gate_of("")

    def report(self, *, response_time: float, context: Mapping[str, Any], **more: Any) -> None:
        """Fire Locust's ``request`` event for what a client in Python sent.

        ``response_time`` in ms is from the sending to the answer; what it tells is from the moment
        the request was due.
        """
        self.environment.events.request.fire(
            response_time=response_time + 1000 * self.turn.waited_s,
            context={**context, TURN: self.turn},
            **more,
        )

    def on_start(self) -> None:
        """Join the engine, or prepare the client in Python. Without an engine there is no test."""
        if not self._engine_sends:
            self.prepare()
            return
        kind = type(self), self.kind()
        pace = Pace(self.user_rate, self.arrivals)
        try:
            engines_of(self.environment).join(kind, pace, self.requests)
        except RuntimeError as error:
            _say_once(f"redline: {error}\n")
            self.environment.process_exit_code = 1
            if self.environment.runner is not None:
                gevent.spawn(self.environment.runner.quit)  # not here: it waits for this user
            raise gevent.GreenletExit from None  # Locust logs anything else with its traceback
        self._kind = kind

    def on_stop(self) -> None:
        """Leave the engine."""
        if self._kind is not None:
            kind, self._kind = self._kind, None
            engines_of(self.environment).leave(kind)

    @task
    def predict(self) -> None:
        """Wait while the engine sends, or send the next request."""
        if self._engine_sends:
            self._stopping.wait()
            return
        with self.gate().passed(self._stopping) as turn:
            if turn is not None:
                self.turn = turn
                self.send_next()

    def stop(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - Locust's signature
        """End the wait as well: Locust itself only sets a flag, which nobody would look at."""
        if self._state == LOCUST_STATE_STOPPING and not force:
            return False  # asked again while the engine drains: Locust would raise
        stopped: bool = super().stop(force)
        self._stopping.set()
        return stopped

    def _has_engine(self) -> bool:
        if self.client == "engine" and engine.available():
            return True
        if self.user_rate is not None:
            raise StopTest(f"user_rate needs the engine: {_why_python(self.client)}")
        if self.client == "engine":
            _say_once(f"redline: {engine.why_unavailable()}; the Python clients send instead\n")
        return False


def _why_python(client: str) -> str:
    return engine.why_unavailable() if client == "engine" else f'client = "{client}"'


@functools.cache
def _say_once(line: str) -> None:
    sys.stderr.write(line)
