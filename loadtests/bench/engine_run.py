"""The load engine in a process of its own: one run, one line of JSON.

``python -m loadtests.bench.engine_run JOB`` where JOB is the JSON of an `EngineJob`.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from hdrh.histogram import HdrHistogram

from loadtests.bench.outputs import Figures
from loadtests.engine import Engine, Window

_POLL_S = 5.0
_DRAIN_S = 10.0
_HIGHEST_US = 600_000_000
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}


@dataclass(frozen=True, slots=True)
class EngineJob:
    """One run: closed loop with every slot in use, or an open loop at ``rate_rps``, Poisson."""

    url: str
    request: str
    answer: str
    connections: int
    streams: int
    warmup_s: float
    seconds: float
    rate_rps: float | None


def run(job: EngineJob) -> Figures:
    """Load ``job.url`` with all checks and all histograms on."""
    engine = Engine(
        job.url,
        [Path(job.request).read_bytes()],
        expected=[Path(job.answer).read_bytes()],
        connections=job.connections,
        streams_per_connection=job.streams,
        headers={"content-type": "application/json"} if job.url.startswith("http") else None,
    )
    with engine:
        if job.rate_rps is None:
            engine.set_users(job.connections * job.streams)
        else:
            engine.set_rate(job.rate_rps)
        windows = _windows_for(engine, job.warmup_s)
        engine.set_phase("measured")
        windows += _windows_for(engine, job.seconds)
        end_ns = engine.set_phase("after")
        engine.drain(_DRAIN_S)
        windows += engine.poll_windows()
    return figures(windows, end_ns)


def figures(windows: list[Window], end_ns: int) -> Figures:
    """Of the span of the phase "measured" up to ``end_ns``, and of what was due in that phase.

    The rate counts the answers that came in that span, whatever phase they were due in.
    """
    phase = [window for window in windows if window.phase == "measured"]
    span = [window for window in phase if window.end_ns <= end_ns]
    numbers = {window.number for window in span}
    right = sum(window.right for window in windows if window.number in numbers)
    span_s = sum(window.duration_s for window in span)
    extra = {
        "achieved_ratio": sum(w.sent for w in span) / max(1, sum(w.due for w in span)),
        "unsent": float(sum(window.unsent for window in phase)),
        "busy_ratio": max(window.busy_ratio for window in span),
    }
    for name in ("generator_lag", "response"):
        extra |= _percentiles(name, [getattr(window.right_times, name) for window in phase])
    return Figures(right / span_s, sum(sum(w.wrong.values()) for w in windows), extra)


def _percentiles(name: str, encoded: list[bytes]) -> dict[str, float]:
    whole = HdrHistogram(1, _HIGHEST_US, 3)
    for histogram in encoded:
        whole.decode_and_add(histogram)
    found = {
        f"{name}_{key}_us": float(whole.get_value_at_percentile(percentile))
        for key, percentile in _PERCENTILES.items()
    }
    return {**found, f"{name}_max_us": float(whole.get_max_value())}


def _windows_for(engine: Engine, seconds: float) -> list[Window]:
    """Let ``seconds`` pass; the engine keeps only so many windows, hence they are fetched."""
    windows = []
    limit_s = time.monotonic() + seconds
    while (left_s := limit_s - time.monotonic()) > 0:
        time.sleep(min(_POLL_S, left_s))
        windows += engine.poll_windows()
    return windows


if __name__ == "__main__":
    told = run(EngineJob(**json.loads(sys.argv[1])))
    sys.stdout.write(f"{json.dumps(asdict(told))}\n")
