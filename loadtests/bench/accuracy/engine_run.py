"""The engine in a process of its own, on the reference server: one run, one line of JSON.

``python -m loadtests.bench.accuracy.engine_run JOB`` where JOB is the JSON of an `AccuracyJob`.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from loadtests.bench.accuracy.truth import QUANTILES
from loadtests.engine import Engine, Window
from loadtests.measure.replicates import Hold
from loadtests.measure.window import new_histogram
from loadtests.search.ceiling import CeilingSearch
from loadtests.search.load import Load
from loadtests.search.profiles import Profile

TIMES = ("service", "response", "slot_wait", "generator_lag")
PROFILE = Profile(
    warmup_s=1,
    warmups=1,
    settle_s=0.3,
    probe_s=1.5,
    longest_s=4,
    hold_s=4,
    holds=(1, 1),
    window_s=1,
    refinements=3,
    max_users=256,
    repeats=1,
    capacity=False,
)
"""Of a search that knows its server: each probe sees thousands of answers."""
_WARM_USERS = 64
_WARM_S = 0.3
_DRAIN_S = 20.0
_POLL_S = 0.5
_WINDOW_S = 0.25


@dataclass(frozen=True, slots=True)
class AccuracyJob:
    """An open loop at ``rate_rps`` for ``seconds``, or a search for the ceiling."""

    url: str
    request: str
    answer: str
    connections: int
    streams: int
    load: Literal["poisson", "constant", "ceiling"]
    rate_rps: float
    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class OpenRun:
    """What the engine tells of an open loop. Times are CLOCK_MONOTONIC; ``times_us`` by quantile.

    Nothing was in flight at ``start_ns``, and all that fell due was waited for. ``right`` is of the
    span up to ``end_ns``, ``wrong`` of all.
    """

    start_ns: int
    end_ns: int
    due: int
    unsent: int
    right: int
    wrong: dict[str, int]
    times_us: dict[str, dict[str, float]]
    busy_ratio: float


@dataclass(frozen=True, slots=True)
class CeilingRun:
    """The ceiling that a search found, and when it held it."""

    start_ns: int
    end_ns: int
    users: int
    goodput_rps: float


def run(job: AccuracyJob) -> OpenRun | CeilingRun:
    """Carry ``job`` out, with all checks and all histograms on."""
    engine = Engine(
        job.url,
        [job.request.encode()],
        expected=[job.answer.encode()],
        connections=job.connections,
        streams_per_connection=job.streams,
        window_s=_WINDOW_S,
        seed=job.seed,
    )
    with engine:
        engine.set_users(_WARM_USERS)
        _watch(engine, _WARM_S)
        engine.drain(_DRAIN_S)
        return _search(engine) if job.load == "ceiling" else _open(engine, job)


def _open(engine: Engine, job: AccuracyJob) -> OpenRun:
    start_ns = engine.set_phase("measured")
    _pass(start_ns)
    engine.set_rate(job.rate_rps, "constant" if job.load == "constant" else "poisson")
    windows = _watch(engine, job.seconds)
    end_ns = engine.set_phase("after")
    engine.drain(_DRAIN_S)
    windows += engine.poll_windows()
    return _open_run([window for window in windows if window.end_ns > start_ns], start_ns, end_ns)


def _open_run(windows: Sequence[Window], start_ns: int, end_ns: int) -> OpenRun:
    """Of all that fell due from ``start_ns`` on, whichever phase it belongs to."""
    wrong: Counter[str] = Counter()
    times_us = {}
    for window in windows:
        wrong.update(window.wrong)
    for name in TIMES:
        whole = new_histogram()
        for window in windows:
            whole.decode_and_add(getattr(window.right_times, name))
        times_us[name] = {
            quantile: float(whole.get_value_at_percentile(100 * share))
            for quantile, share in QUANTILES.items()
        }
    return OpenRun(
        start_ns,
        end_ns,
        due=sum(window.due for window in windows),
        unsent=sum(window.unsent for window in windows),
        right=sum(window.right for window in windows if window.end_ns <= end_ns),
        wrong=dict(wrong),
        times_us=times_us,
        busy_ratio=_busy_ratio([window for window in windows if window.end_ns <= end_ns]),
    )


def _busy_ratio(windows: Sequence[Window]) -> float:
    """(CPU time + run-queue wait) / wall of the one thread, over all of ``windows``."""
    spans = {window.number: window for window in windows}.values()  # a number is one span of time
    busy_s = sum(thread.cpu_s + thread.run_queue_s for w in spans for thread in w.threads)
    return busy_s / sum(window.duration_s for window in spans)


def _search(engine: Engine) -> CeilingRun:
    search = CeilingSearch(PROFILE)
    held: CeilingRun | None = None
    while load := search.next_load():
        probe, error_ratio = _probe(engine, load)
        if load.step == "hold":
            held = probe
        search.feed(
            Hold((probe.start_ns / 1e9,), (probe.goodput_rps,), probe.goodput_rps), error_ratio
        )
    if held is None:
        raise ValueError("the search held no load")
    return held


def _probe(engine: Engine, load: Load) -> tuple[CeilingRun, float]:
    engine.set_users(load.users)
    _watch(engine, load.settle_s)
    start_ns = engine.set_phase("measured")
    windows = _watch(engine, load.measure_s)
    end_ns = engine.set_phase("between")
    _pass(end_ns)
    windows += _watch(engine, 2 * _WINDOW_S)
    within = [w for w in windows if w.start_ns >= start_ns and w.end_ns <= end_ns]
    right, ended = sum(w.right for w in within), sum(w.ended for w in within)
    goodput_rps = right * 1e9 / (end_ns - start_ns)
    return CeilingRun(start_ns, end_ns, load.users, goodput_rps), 1 - right / max(1, ended)


def _pass(moment_ns: int) -> None:
    """A phase begins some milliseconds after it is asked for."""
    time.sleep(max(0, moment_ns - time.monotonic_ns()) / 1e9)


def _watch(engine: Engine, seconds: float) -> list[Window]:
    """Let ``seconds`` pass; the engine keeps only so many windows, hence they are fetched."""
    windows = []
    limit_s = time.monotonic() + seconds
    while (left_s := limit_s - time.monotonic()) > 0:
        time.sleep(min(_POLL_S, left_s))
        windows += engine.poll_windows()
    return windows


if __name__ == "__main__":
    told = run(AccuracyJob(**json.loads(sys.argv[1])))
    sys.stdout.write(f"{json.dumps(asdict(told))}\n")
