"""The load engine in a process of its own: one run, one line of JSON.

``python -m loadtests.bench.engine_run JOB`` where JOB is the JSON of an `EngineJob`.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from loadtests.bench.outputs import Figures
from loadtests.bench.tally import MEASURED, Tally
from loadtests.engine import Engine

_POLL_S = 5.0
_DRAIN_S = 10.0


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
    tally = Tally()
    with engine:
        if job.rate_rps is None:
            engine.set_users(job.connections * job.streams)
        else:
            engine.set_rate(job.rate_rps)
        _count_for(engine, tally, job.warmup_s)
        engine.set_phase(MEASURED)
        _count_for(engine, tally, job.seconds)
        engine.set_phase("after")
        engine.drain(_DRAIN_S)
        _count(engine, tally)
    return tally.figures()


def _count_for(engine: Engine, tally: Tally, seconds: float) -> None:
    """Let ``seconds`` pass; the engine keeps only so many windows, hence they are fetched."""
    limit_s = time.monotonic() + seconds
    while (left_s := limit_s - time.monotonic()) > 0:
        time.sleep(min(_POLL_S, left_s))
        _count(engine, tally)


def _count(engine: Engine, tally: Tally) -> None:
    for window in engine.poll_windows():
        tally.add(window)


if __name__ == "__main__":
    told = run(EngineJob(**json.loads(sys.argv[1])))
    sys.stdout.write(f"{json.dumps(asdict(told))}\n")
