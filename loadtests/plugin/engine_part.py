"""The engine's windows of this process, queued until they make up a window of ours."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from hdrh.histogram import HdrHistogram

from loadtests.engine import Window as EngineWindow
from loadtests.engine.window import ThreadTime
from loadtests.measure.window import (
    TIMES,
    Span,
    Times,
    Window,
    across_workers,
    add_histogram,
)
from loadtests.measure.wire import Wire
from loadtests.users.engines import Engines
from loadtests.users.shared_engine import SharedEngine

NS = 1_000_000_000


Taken = tuple[str, list[EngineWindow]]
"""The name of an engine's requests, and windows of it that follow each other."""


class EnginePart:
    """What the engines of this process did since the last cut, by their own clock.

    A window of ours counts what ended in it, as that of any other client does; a request that
    crossed from one phase into the next is counted where it ended.
    """

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._queued: dict[SharedEngine, list[EngineWindow]] = {}
        self._said: set[str] = set()
        engines.listeners.append(self._on_window)

    def _on_window(self, shared: SharedEngine, window: EngineWindow) -> None:
        self._queued.setdefault(shared, []).append(window)

    @property
    def at_work(self) -> bool:
        """Whether there is an engine whose clock decides when a window ends."""
        return any(shared.users for shared in self._engines.running)

    def begin_phase(self, tag: str) -> dict[SharedEngine, int]:
        """End the engines' windows now; the boundaries, for :meth:`take`."""
        return self._engines.begin_phase(tag)

    def holds(self, seconds: float) -> bool:
        """Whether every engine at work has gone on for ``seconds`` since the last cut."""
        return all(
            _length_ns(self._queued.get(shared, [])) >= seconds * NS
            for shared in self._engines.running
            if shared.users
        )

    def take(self, until: dict[SharedEngine, int] | float) -> list[Taken]:
        """Each engine's windows up to ``until``: boundaries, or seconds from its first window.

        Engines of which nothing is queued are left out.
        """
        taken: list[Taken] = []
        for shared, queued in list(self._queued.items()):
            if isinstance(until, dict):
                end_ns = until.get(shared, queued[-1].end_ns)
            else:
                end_ns = queued[0].start_ns + round(until * NS)
            parts = [window for window in queued if window.start_ns < end_ns]
            self._queued[shared] = queued[len(parts) :]
            if not self._queued[shared]:
                del self._queued[shared]
            if parts:
                taken.append((shared.requests.name, parts))
        return taken

    def newly_said(self) -> dict[str, str]:
        """What errors said of which nothing was known at the last call."""
        said = {kind: text for one in self._engines.running for kind, text in one.said.items()}
        new = {kind: text for kind, text in said.items() if kind not in self._said}
        self._said |= new.keys()
        return new

    def drop(self) -> None:
        """Forget what is queued."""
        self._queued.clear()


def together(windows: list[Window]) -> Window:
    """What several clients of one process did in one span of time."""
    duration_s = max(window.duration_s for window in windows)
    return replace(across_workers(windows, len(windows)), duration_s=duration_s, workers=1)


def _length_ns(windows: list[EngineWindow]) -> int:
    return windows[-1].end_ns - windows[0].start_ns if windows else 0


def window_of(span: Span, number: int, thread_name: str, parts: list[EngineWindow]) -> Window:
    """``parts`` follow each other; those that share a number are phases of one window.

    The engine's threads are called ``thread_name`` and their number.
    """
    wrong: Counter[str] = Counter()
    times = Times()
    for part in parts:
        wrong.update(part.wrong)
        times.add(_times_of(part))
    duration_s = _length_ns(parts) / NS
    return Window(
        span=span,
        number=number,
        start_s=time.time() - (time.monotonic_ns() - parts[0].start_ns) / NS,
        duration_s=duration_s,
        due=sum(part.due for part in parts),
        sent=sum(part.sent for part in parts),
        right=sum(part.right for part in parts),
        wrong=dict(wrong),
        unsent=sum(part.unsent for part in parts),
        in_flight=parts[-1].in_flight + parts[-1].queued,
        workers=1,
        busy=_busy(parts, thread_name, duration_s),
        core_waits_us=_core_waits_us(parts, thread_name),
        times=times,
        connections=parts[-1].connections,
        wire=_wire(parts),
    )


def _wire(parts: list[EngineWindow]) -> Wire | None:
    """None where no connection was read: there was none, or the kernel does not tell."""
    total: Counter[str] = Counter()
    for counted in {part.number: part.wire for part in parts}.values():
        total.update(counted)
    if not total["readings"]:
        return None
    return Wire(
        sent_bytes=total["sent_bytes"],
        received_bytes=total["received_bytes"],
        segments_out=total["segments_out"],
        retransmitted=total["retransmitted"],
        busy_s=total["busy_us"] / 1e6,
        rwnd_limited_s=total["rwnd_limited_us"] / 1e6,
        sndbuf_limited_s=total["sndbuf_limited_us"] / 1e6,
        rtt_us=total["rtt_us"] / total["readings"],
        readings=total["readings"],
    )


def _times_of(part: EngineWindow) -> Times:
    right, wrong = part.right_times, part.wrong_times
    times = Times(*(HdrHistogram.decode(getattr(right, name)) for name in TIMES))
    add_histogram(times.slot_wait, HdrHistogram.decode(wrong.slot_wait))
    add_histogram(times.generator_lag, HdrHistogram.decode(wrong.generator_lag))
    return times


def _busy(parts: list[EngineWindow], thread_name: str, duration_s: float) -> dict[str, float]:
    return {
        name: sum(one.cpu_s + one.run_queue_s for one in spent) / duration_s
        for name, spent in _each_thread(parts, thread_name)
    }


def _core_waits_us(parts: list[EngineWindow], thread_name: str) -> dict[str, float]:
    return {
        name: 1e6 * sum(one.run_queue_s for one in spent) / max(1, sum(one.turns for one in spent))
        for name, spent in _each_thread(parts, thread_name)
    }


def _each_thread(
    parts: list[EngineWindow], thread_name: str
) -> Iterator[tuple[str, tuple[ThreadTime, ...]]]:
    """The name of each thread, and what it spent in each span of time."""
    threads = {part.number: part.threads for part in parts}.values()
    for index, spent in enumerate(zip(*threads, strict=True)):
        yield f"{thread_name}{index}", spent
