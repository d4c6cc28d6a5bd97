"""In every Locust process that has users: counts what ends, and sends it to the master by windows.

What the engine sends comes in the engine's own windows, cut by its clock; what Python clients send,
from Locust's own ``request`` event, so that any other user class is seen too. Locust's reports come
every 3 s from workers and never from a single process; these windows are cut each second, or
as often as the master says, and exactly where a phase begins or ends.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import gevent
from gevent.lock import RLock
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.runners import MasterRunner, Runner

from loadtests.engine.lanes import lanes_of
from loadtests.measure.window import Span, Times, Window, to_message
from loadtests.plugin.engine_part import EnginePart, together, window_of
from loadtests.users.engines import Fallen, engines_of
from loadtests.users.pacer import TURN, Due
from loadtests.users.shared_engine import SharedEngine

POLL_S = 0.02
PHASE_MESSAGE = "redline_phase"
WINDOW_MESSAGE = "redline_window"


@dataclass(slots=True)
class _Tally:
    """What Python clients were answered, by Locust's event."""

    times: Times = field(default_factory=Times)
    wrong: Counter[str] = field(default_factory=Counter)
    right: int = 0

    @property
    def ended(self) -> int:
        """Requests, right or wrong."""
        return self.right + sum(self.wrong.values())


def kind_of(exception: Exception) -> str:
    """The name under which a failed request is counted."""
    if isinstance(exception, CatchResponseError):
        return str(exception.args[0]) if exception.args else "failure"
    return type(exception).__name__


class Collector:
    """Cuts this process's requests into windows; nothing is sent until the master names a span.

    ``drain_s`` is how long what is in flight may take to end.
    """

    def __init__(self, runner: Runner, drain_s: float) -> None:
        self._runner = runner
        self._drain_s = drain_s
        self._span: Span | None = None
        self._number = self._planned = 0
        self._window_s = 1.0
        self._parts: tuple[str, ...] = ()
        self._before = {"": Fallen()}
        self._lock = RLock()  # a cut waits: for the engine, and for the network
        self._senders = engines_of(runner.environment)
        self._senders.hold(0)
        self._engines = EnginePart(self._senders)
        self._reset()
        self._span_began_s = self._began_s
        runner.register_message(PHASE_MESSAGE, self._on_phase)
        runner.environment.events.request.add_listener(self._on_request)
        gevent.spawn(self._cut_on_time).link_exception(self._give_up)

    def _reset(self) -> None:
        self._tallies: dict[str, _Tally] = defaultdict(_Tally)
        self._began_s = time.perf_counter()
        self._began_cpu_s = time.process_time()

    def _on_request(
        self,
        *,
        name: str,
        response_time: float,
        exception: Exception | None = None,
        context: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        tally = self._tallies[name if name in self._parts else ""]
        turn = (context or {}).get(TURN) if self._senders.paced else None
        if turn is not None:
            tally.times.slot_wait.record_value(_us(turn.slot_wait_s))
            tally.times.generator_lag.record_value(_us(turn.lag_s))
        if exception is not None:
            tally.wrong[kind_of(exception)] += 1
            return
        tally.right += 1
        tally.times.response.record_value(_us(response_time / 1000))
        if turn is not None:
            tally.times.service.record_value(_us(response_time / 1000 - turn.waited_s))

    def _on_phase(self, environment: Environment, msg: Any) -> None:
        """Begin the span of the message; with no span, or at its end a drain, nothing is sent."""
        del environment
        span = Span(*msg.data["span"]) if msg.data else None
        self._window_s = msg.data["window_s"] if msg.data else 1.0
        parts = tuple(msg.data["parts"]) if msg.data else ()
        self._begin(span, msg.data["windows"] if msg.data else 0, parts)
        if span is None or span.phase == "drain":
            gevent.spawn(self._drain, span).link_exception(self._give_up)
        else:
            workers, most_rps = msg.data["workers"], msg.data["most_rps"]
            due = self._part_of(span, msg.data["schedule_s"], workers)
            lanes = lanes_of(msg.data["connections"], self._worker, workers)
            self._senders.release(due, most_rps and most_rps / workers, lanes)

    def _part_of(self, span: Span, schedule_s: Sequence[float], workers: int) -> Due:
        """This worker's part of what falls due."""
        if schedule_s:
            return tuple(schedule_s[self._worker :: workers])
        return None if span.rate_rps is None else span.rate_rps / workers

    def _begin(self, span: Span | None, planned: int, parts: tuple[str, ...] = ()) -> None:
        with self._lock:
            tag = "/".join(map(str, astuple(span))) if span else "between"
            self._cut(self._engines.begin_phase(tag), last=True)
            self._span, self._planned, self._number = span, planned, 0
            self._parts = parts
            self._before = {part: self._senders.fallen(part) for part in parts or ("",)}
            self._reset()
            self._span_began_s = self._began_s

    def _drain(self, span: Span | None) -> None:
        self._senders.hold(self._drain_s)
        if span is not None and self._span == span:
            self._begin(None, 0)

    def _cut_on_time(self) -> None:
        """All but a span's last window, which ends with the span: so all workers cut alike."""
        while True:
            gevent.sleep(POLL_S)
            with self._lock:
                if self._span is None:
                    self._engines.drop()
                elif self._over() and self._number < self._planned - 1:
                    self._cut(self._window_s, last=False)

    def _over(self) -> bool:
        if self._engines.at_work:
            return self._engines.holds(self._window_s)
        return time.perf_counter() >= self._span_began_s + (self._number + 1) * self._window_s

    def _cut(self, until: dict[SharedEngine, int] | float, *, last: bool) -> None:
        """``until`` is what EnginePart.take takes."""
        taken = self._engines.take(until)
        if self._span is None:
            return
        named = [
            (name, window_of(self._span, self._number, f"{self._name}.{number}.", windows))
            for number, (name, windows) in enumerate(taken)
        ]
        said = self._engines.newly_said()
        for part in self._parts or ("",):
            windows = [window for name, window in named if not part or name == part]
            if not windows or self._tallies[part].ended:
                windows.append(self._own(self._span, part))
            span = replace(self._span, step=part) if part else self._span
            window = replace(together(windows), span=span, said=said)
            self._runner.send_message(WINDOW_MESSAGE, to_message(window, last=last))
        self._number += 1
        self._reset()

    def _own(self, span: Span, part: str) -> Window:
        """What Python clients did since the last cut. In closed loop they tell of a request only
        when it ended.
        """
        duration_s = time.perf_counter() - self._began_s
        tally, before = self._tallies[part], self._before[part]
        fallen = self._before[part] = self._senders.fallen(part)
        return Window(
            span=span,
            number=self._number,
            start_s=time.time() - duration_s,
            duration_s=duration_s,
            due=fallen.due - before.due if self._senders.paced else tally.ended,
            sent=tally.ended,
            right=tally.right,
            wrong=dict(tally.wrong),
            unsent=fallen.unsent - before.unsent,
            in_flight=fallen.in_flight,
            workers=1,
            busy={self._name: (time.process_time() - self._began_cpu_s) / duration_s},
            times=tally.times,
        )

    @property
    def _worker(self) -> int:
        """Of this process, among the workers: Locust's number of it."""
        return getattr(self._runner, "worker_index", 0)

    @property
    def _name(self) -> str:
        return f"worker {self._worker}"

    def _give_up(self, greenlet: gevent.Greenlet) -> None:
        sys.stderr.write(f"redline: windows cannot be cut: {greenlet.exception}\n")
        self._runner.quit()


def _us(seconds: float) -> int:
    return max(1, round(seconds * 1e6))


def install(environment: Environment, drain_s: float) -> None:
    """Collect in this process, unless it is a master, which has no users of its own."""
    runner = environment.runner
    if runner is not None and not isinstance(runner, MasterRunner):
        Collector(runner, drain_s)
