"""In every Locust process that has users: counts what ends, and sends it to the master by windows.

It listens to Locust's own ``request`` event, so it sees whatever any user class reports. Locust's
reports come every 3 s from workers and never from a single process; these windows are cut each
second, and exactly where a phase begins or ends.
"""

import time
from collections import Counter
from typing import Any

import gevent
from hdrh.histogram import HdrHistogram
from locust.env import Environment
from locust.exception import CatchResponseError
from locust.runners import MasterRunner, Runner

from loadtests.measure.window import Span, Window, new_histogram, to_message

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
        self._reset()
        self._span_began_s = self._began_s
        runner.register_message(PHASE_MESSAGE, self._on_phase)
        runner.environment.events.request.add_listener(self._on_request)
        gevent.spawn(self._cut_each_second).link_exception(lambda _: runner.quit())

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
        self._cut(last=True)
        if msg.data is None:
            self._span = None
        else:
            *fields, self._planned = msg.data
            self._span = Span(*fields)
        self._number = 0
        self._reset()
        self._span_began_s = self._began_s

    def _cut_each_second(self) -> None:
        """All but a span's last window, which ends with the span: so all workers cut alike."""
        while True:
            gevent.sleep(POLL_S)
            due_s = self._span_began_s + (self._number + 1) * WINDOW_S
            if self._number < self._planned - 1 and time.perf_counter() >= due_s:
                self._cut(last=False)

    def _cut(self, *, last: bool) -> None:
        if self._span is None:
            return
        duration_s = time.perf_counter() - self._began_s
        window = Window(
            span=self._span,
            number=self._number,
            start_s=time.time() - duration_s,
            duration_s=duration_s,
            right=self._right,
            wrong=dict(self._wrong),
            workers=1,
            busy_ratio=(time.process_time() - self._began_cpu_s) / duration_s,
            latency=self._latency,
        )
        self._number += 1
        self._reset()
        self._runner.send_message(WINDOW_MESSAGE, to_message(window, last=last))


def install(environment: Environment) -> None:
    """Collect in this process, unless it is a master, which has no users of its own."""
    runner = environment.runner
    if runner is not None and not isinstance(runner, MasterRunner):
        Collector(runner)
