"""In every Locust process that has users: counts what ends, and sends it to the master by windows.

What the engine sends comes in the engine's own windows, cut by its clock; what Python clients send,
from Locust's own ``request`` event, so that any other user class is seen too. Locust's reports come
every 3 s from workers and never from a single process; these windows are cut each second, and
exactly where a phase begins or ends.
"""

import sys
import time
from collections import Counter
from dataclasses import astuple, replace
from typing import Any

import gevent
from gevent.lock import RLock
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.runners import MasterRunner, Runner

from loadtests.measure.window import Span, Times, Window, to_message
from loadtests.plugin.engine_part import EnginePart, together, window_of
from loadtests.users.shared_engine import SharedEngine, engines_of

WINDOW_S = 1.0
POLL_S = 0.02
PHASE_MESSAGE = "redline_phase"
WINDOW_MESSAGE = "redline_window"


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
        self._lock = RLock()  # a cut waits: for the engine, and for the network
        self._senders = engines_of(runner.environment)
        self._senders.hold(0)
        self._engines = EnginePart(self._senders)
        self._reset()
        self._span_began_s = self._began_s
        runner.register_message(PHASE_MESSAGE, self._on_phase)
        runner.environment.events.request.add_listener(self._on_request)
        gevent.spawn(self._cut_each_second).link_exception(self._give_up)

    def _reset(self) -> None:
        self._times = Times()
        self._wrong: Counter[str] = Counter()
        self._right = 0
        self._began_s = time.perf_counter()
        self._began_cpu_s = time.process_time()

    def _on_request(
        self, *, response_time: float, exception: Exception | None = None, **_: Any
    ) -> None:
        if exception is not None:
            self._wrong[kind_of(exception)] += 1
            return
        self._right += 1
        self._times.response.record_value(max(1, round(response_time * 1000)))

    def _on_phase(self, environment: Environment, msg: Any) -> None:
        """Begin the span of the message; with no span, or at its end a drain, nothing is sent."""
        del environment
        span = Span(*msg.data["span"]) if msg.data else None
        self._begin(span, msg.data["windows"] if msg.data else 0)
        if span is None or span.phase == "drain":
            gevent.spawn(self._drain, span).link_exception(self._give_up)
        else:
            workers, most_rps = msg.data["workers"], msg.data["most_rps"]
            rate_rps = span.rate_rps
            self._senders.release(rate_rps and rate_rps / workers, most_rps and most_rps / workers)

    def _begin(self, span: Span | None, planned: int) -> None:
        with self._lock:
            tag = "/".join(map(str, astuple(span))) if span else "between"
            self._cut(self._engines.begin_phase(tag), last=True)
            self._span, self._planned, self._number = span, planned, 0
            self._reset()
            self._span_began_s = self._began_s

    def _drain(self, span: Span | None) -> None:
        self._senders.hold(self._drain_s)
        if span is not None and self._span == span:
            self._begin(None, 0)

    def _cut_each_second(self) -> None:
        """All but a span's last window, which ends with the span: so all workers cut alike."""
        while True:
            gevent.sleep(POLL_S)
            with self._lock:
                if self._span is None:
                    self._engines.drop()
                elif self._over() and self._number < self._planned - 1:
                    self._cut(WINDOW_S, last=False)

    def _over(self) -> bool:
        if self._engines.at_work:
            return self._engines.holds(WINDOW_S)
        return time.perf_counter() >= self._span_began_s + (self._number + 1) * WINDOW_S

    def _cut(self, until: dict[SharedEngine, int] | float, *, last: bool) -> None:
        """``until`` is what EnginePart.take takes."""
        taken = self._engines.take(until)
        if self._span is None:
            return
        names = (f"{self._name}.{number}." for number in range(len(taken)))
        windows = [
            window_of(self._span, self._number, name, parts)
            for name, parts in zip(names, taken, strict=True)
        ]
        if not windows or self._right or self._wrong:
            windows.append(self._own(self._span))
        self._number += 1
        self._reset()
        window = replace(together(windows), said=self._engines.newly_said())
        self._runner.send_message(WINDOW_MESSAGE, to_message(window, last=last))

    def _own(self, span: Span) -> Window:
        """What Python clients did since the last cut: they tell of a request only when it ended."""
        duration_s = time.perf_counter() - self._began_s
        ended = self._right + sum(self._wrong.values())
        return Window(
            span=span,
            number=self._number,
            start_s=time.time() - duration_s,
            duration_s=duration_s,
            due=ended,
            sent=ended,
            right=self._right,
            wrong=dict(self._wrong),
            unsent=0,
            in_flight=self._senders.gate.in_flight,
            workers=1,
            busy={self._name: (time.process_time() - self._began_cpu_s) / duration_s},
            times=self._times,
        )

    @property
    def _name(self) -> str:
        """Of this process, among the workers: Locust's number of it."""
        return f"worker {getattr(self._runner, 'worker_index', 0)}"

    def _give_up(self, greenlet: gevent.Greenlet) -> None:
        sys.stderr.write(f"redline: windows cannot be cut: {greenlet.exception}\n")
        self._runner.quit()


def install(environment: Environment, drain_s: float) -> None:
    """Collect in this process, unless it is a master, which has no users of its own."""
    runner = environment.runner
    if runner is not None and not isinstance(runner, MasterRunner):
        Collector(runner, drain_s)
