"""In the master (or a single process): names the phases, gathers the windows, writes the record."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, Runner

from loadtests.measure.window import (
    TIMES,
    Phase,
    Span,
    Times,
    Window,
    across_workers,
    from_message,
)
from loadtests.plugin.board import Board
from loadtests.plugin.collector import PHASE_MESSAGE, WINDOW_MESSAGE
from loadtests.plugin.server_watch import ServerWatch
from loadtests.record.writer import RecordWriter
from loadtests.search.load import Load
from serving.external.guard import check_rate

GATHER_TIMEOUT_S = 5.0
USERS_TIMEOUT_S = 60.0
LOOK_S = 1.0
_NO_TIMES = Times()


class DataLostError(Exception):
    """A worker's windows did not arrive: what was measured is not whole."""


_newest: "dict[Runner, Conductor]" = {}


@dataclass(frozen=True, slots=True)
class Probed:
    """What one load gave: the windows of its measured span, and the drain after it."""

    measured: tuple[Window, ...]
    drained: tuple[Window, ...]


class Conductor:
    """Probes one load at a time for ``target``; writes every window, if there is a writer.

    What is in flight at a probe's end may take ``drain_s`` to end, so that it does not weigh on the
    next probe. ``watch`` looks at the server, ``board`` shows what comes in, ``repeat``
    says how often the server was restarted before, ``first_probe`` which number the first probe
    gets. No more than ``most_rps`` requests are sent a second: users are held back, a rate above it
    is refused.
    """

    def __init__(
        self,
        runner: Runner,
        target: str,
        writer: RecordWriter | None = None,
        watch: ServerWatch | None = None,
        board: Board | None = None,
        *,
        drain_s: float,
        repeat: int = 0,
        first_probe: int = 0,
        most_rps: float | None = None,
    ) -> None:
        self._runner = runner
        self._target = target
        self._repeat = repeat
        self._writer = writer
        self._watch = watch
        self._board = board
        self._drain_s = drain_s
        self._most_rps = most_rps
        self.may_end: Callable[[Sequence[Window]], bool] | None = None
        """Whether a probe whose measured windows so far are these can be stopped."""
        self.kept_times: Sequence[str] = TIMES
        """Of which times a probe gives the histograms: all those of an hour are gigabytes."""
        self._probe = first_probe - 1
        self._parts: dict[tuple[Span, int], list[Window]] = defaultdict(list)
        self._ended_workers: dict[Span, int] = defaultdict(int)
        self._merged: list[Window] = []
        self._expected = 1
        self._failure: Exception | None = None
        self._listen()

    def _listen(self) -> None:
        """Locust keeps the one listener that it once got for a message: tell the newest of us."""
        runner = self._runner
        if runner not in _newest:

            def tell(environment: Environment, msg: object) -> None:
                _newest[runner].on_window(environment, msg)

            runner.register_message(WINDOW_MESSAGE, tell)
        _newest[runner] = self

    @property
    def next_probe(self) -> int:
        """The number that the next probe gets."""
        return self._probe + 1

    def probe(self, load: Load) -> Probed:
        """Wait for the users, let the load settle, measure, and wait until nothing is in flight.

        What follows a load without a pause is measured in spans of its own.
        DataLostError when a worker's windows are missing, RecordError when they cannot be written,
        UsageError for a rate above the most that may be sent.
        """
        for one in (load, *load.then):
            check_rate(one.peak_rps, self._most_rps)
        self._probe += 1
        self._merged = []
        gc.collect()  # the last probe's histograms: some hundred cycles of 170 kB each
        self._expected = _workers(self._runner)
        if self._board is not None:
            self._board.begin()
        self._wait_for_users(self.users_of(load))
        loads = (load, *load.then)
        spans = [self._span(one, "warmup" if one.step == "warmup" else "measure") for one in loads]
        recorded = [each for span in spans for each in _parted(span, load.parts)]
        drain = self._span(load, "drain")
        with self._watched(spans[0], load.window_s):
            if load.settle_s:
                settle = self._span(load, "settle")
                self._begin(settle, max(1, round(load.settle_s)), connections=load.connections)
                self._wait(load.settle_s)
            for one, span in zip(loads, spans, strict=True):
                windows = max(1, round(one.measure_s / load.window_s))
                self._begin(
                    *(span, windows, load.window_s, one.schedule_s, load.parts),
                    connections=load.connections,
                )
                self._wait(one.measure_s, span)
            self._begin(drain, windows=1)
            for span in recorded:
                self._gather(span, GATHER_TIMEOUT_S)
            self._gather(drain, GATHER_TIMEOUT_S + self._drain_s)
        if self._board is not None:
            self._board.judge()
        measured = [window for span in recorded for window in self._merged_of(span)]
        return Probed(tuple(measured), self._merged_of(drain))

    def users_of(self, load: Load) -> int:
        """The users that stand for a load: in open loop so many in each worker, to any rate."""
        return load.users * (1 if load.rate_rps is None else _workers(self._runner))

    def wait_until_ready(self) -> None:
        """Workers that were stopped are ready again only after Locust's stop timeout.

        A test started before that would not start at all, and Locust would only log it.
        """
        if isinstance(self._runner, MasterRunner):
            deadline = time.monotonic() + USERS_TIMEOUT_S
            while len(self._runner.clients.ready) < len(self._runner.clients.all):
                if time.monotonic() > deadline:
                    raise DataLostError("not every worker became ready")
                gevent.sleep(0.1)

    def forget(self) -> None:
        """Begin anew, as when a test is started again in the web UI.

        Probes are numbered on: a late window of the old test must not pass for one of the new.
        """
        self._runner.send_message(PHASE_MESSAGE, None)  # nothing is sent until the next probe
        self._parts.clear()
        self._ended_workers.clear()
        self._merged.clear()

    def _span(self, load: Load, phase: Phase) -> Span:
        return Span(
            target=self._target,
            probe=self._probe,
            step=load.step,
            phase=phase,
            users=self.users_of(load),
            rate_rps=load.rate_rps,
            repeat=self._repeat,
        )

    @contextmanager
    def _watched(self, span: Span, period_s: float) -> Iterator[None]:
        """Look at the server before, during and after, all while nothing else is asked of it."""
        if self._watch is None:
            yield
            return
        self._watch.look(span, "before")
        looking = self._watch.keep_looking(span, period_s)
        try:
            yield
        finally:
            looking.kill()
        self._watch.look(span, "after")

    def _begin(
        self,
        span: Span,
        windows: int,
        window_s: float = 1.0,
        schedule_s: Sequence[float] = (),
        parts: Sequence[str] = (),
        connections: int | None = None,
    ) -> None:
        message = {
            "span": astuple(span),
            "windows": windows,
            "window_s": window_s,
            "schedule_s": schedule_s,
            "parts": parts,
            "connections": connections,
            "workers": self._expected,
            "most_rps": self._most_rps,
        }
        self._runner.send_message(PHASE_MESSAGE, message)

    def _wait(self, seconds: float, span: Span | None = None) -> None:
        """Until the end of a span, or until what is measured of it is enough."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            gevent.sleep(min(left_s, LOOK_S))
            self._raise_failure()
            if span and self.may_end is not None and self.may_end(self._merged_of(span)):
                break

    def _wait_for_users(self, users: int) -> None:
        deadline = time.monotonic() + USERS_TIMEOUT_S
        while self._runner.user_count != users:
            if time.monotonic() > deadline:
                raise DataLostError(f"{self._runner.user_count} of {users} users run")
            gevent.sleep(0.02)

    def _merged_of(self, span: Span) -> tuple[Window, ...]:
        return tuple(window for window in self._merged if window.span == span)

    def _gather(self, span: Span, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self._ended_workers[span] < self._expected:
            self._raise_failure()
            if time.monotonic() > deadline:
                raise DataLostError(
                    f"windows of {self._ended_workers[span]} of {self._expected} workers arrived"
                )
            gevent.sleep(0.01)
        for key in list(self._parts):  # of a worker that was too busy to cut one
            if key[0] == span:
                self._accept(self._parts.pop(key))
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if _workers(self._runner) != self._expected:
            raise DataLostError(f"{_workers(self._runner)} of {self._expected} workers are left")

    def on_window(self, environment: Environment, msg: object) -> None:
        """Of one worker."""
        del environment
        window, last = from_message(msg.data)  # type: ignore[attr-defined]
        key = window.span, window.number
        self._parts[key].append(window)
        self._ended_workers[window.span] += last
        if len(self._parts[key]) == self._expected:
            self._accept(self._parts.pop(key))

    def _accept(self, parts: list[Window]) -> None:
        window = across_workers(parts, self._expected)
        kept = {name: getattr(window.times, name) for name in self.kept_times}
        self._merged.append(replace(window, times=replace(_NO_TIMES, **kept)))
        if self._board is not None:
            self._board.add(window, self._expected)
        if self._writer is None or self._failure is not None:
            return
        try:
            self._writer.write(window)
        except Exception as error:
            self._failure = error


def _parted(span: Span, parts: Sequence[str]) -> list[Span]:
    """Those that its windows are recorded under."""
    return [replace(span, step=part) for part in parts] or [span]


def _workers(runner: Runner) -> int:
    return runner.worker_count if isinstance(runner, MasterRunner) else 1
