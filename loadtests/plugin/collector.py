"""In every Locust process that has users: counts what ends, and sends it to the master by windows.

What the engine sends comes in the engine's own windows, cut by its clock; what Python clients send,
from Locust's own ``request`` event, so that any other user class is seen too. Locust's reports come
every 3 s from workers and never from a single process; these windows are cut each second, and
exactly where a phase begins or ends.
"""

import sys
import time
from collections import Counter
from dataclasses import astuple
from typing import Any

import gevent
from gevent.lock import RLock
from hdrh.histogram import HdrHistogram
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.runners import MasterRunner, Runner

from loadtests.measure.window import Span, Window, new_histogram, to_message
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
    """Cuts this process's requests into windows; idle until the master names a span."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._span: Span | None = None
        self._number = self._planned = 0
        self._lock = RLock()  # a cut waits: for the engine, and for the network
        self._engines = EnginePart(engines_of(runner.environment))
        self._reset()
        self._span_began_s = self._began_s
        runner.register_message(PHASE_MESSAGE, self._on_phase)
        runner.environment.events.request.add_listener(self._on_request)
        gevent.spawn(self._cut_each_second).link_exception(self._give_up)

    def _reset(self) -> None:
        self._latency: HdrHistogram = new_histogram()
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
        self._latency.record_value(max(1, round(response_time * 1000)))

    def _on_phase(self, environment: Environment, msg: Any) -> None:
        del environment
        span, planned = None, 0
        if msg.data is not None:
            *fields, planned = msg.data
            span = Span(*fields)
        with self._lock:
            tag = "/".join(map(str, astuple(span))) if span else "between"
            self._cut(self._engines.begin_phase(tag), last=True)
            self._span, self._planned, self._number = span, planned, 0
            self._reset()
            self._span_began_s = self._began_s

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
        windows = [window_of(self._span, self._number, parts) for parts in taken]
        if not windows or self._right or self._wrong:
            windows.append(self._own(self._span))
        self._number += 1
        self._reset()
        self._runner.send_message(WINDOW_MESSAGE, to_message(together(windows), last=last))

    def _own(self, span: Span) -> Window:
        """What Python clients did since the last cut."""
        duration_s = time.perf_counter() - self._began_s
        return Window(
            span=span,
            number=self._number,
            start_s=time.time() - duration_s,
            duration_s=duration_s,
            right=self._right,
            wrong=dict(self._wrong),
            workers=1,
            busy_ratio=(time.process_time() - self._began_cpu_s) / duration_s,
            latency=self._latency,
        )

    def _give_up(self, greenlet: gevent.Greenlet) -> None:
        sys.stderr.write(f"redline: windows cannot be cut: {greenlet.exception}\n")
        self._runner.quit()


def install(environment: Environment) -> None:
    """Collect in this process, unless it is a master, which has no users of its own."""
    runner = environment.runner
    if runner is not None and not isinstance(runner, MasterRunner):
        Collector(runner)
