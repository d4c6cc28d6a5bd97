"""A locustfile: users on the load engine. The worker itself tells what it came to, as one line.

Locust's own statistics are kept as well, as in any run; their clock is too coarse for a ratio.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.bench.tally import MEASURED, Tally
from loadtests.users import EngineUser
from loadtests.users.engines import engines_of
from loadtests.users.shared_engine import Requests

_URL = os.environ["BENCH_URL"]
_REQUEST = Path(os.environ["BENCH_REQUEST"]).read_bytes()
_ANSWER = Path(os.environ["BENCH_ANSWER"]).read_bytes()
_WARMUP_S = float(os.environ["BENCH_WARMUP_S"])
_SECONDS = float(os.environ["BENCH_SECONDS"])


def _fault_in(body: int, answer: bytes) -> str | None:
    del body
    return None if answer == _ANSWER else "wrong answer"


class BenchUser(EngineUser):
    """One virtual user, or with a rate a share of it."""

    host = _URL
    user_rate = float(os.environ["BENCH_USER_RATE"]) if "BENCH_USER_RATE" in os.environ else None

    def requests(self) -> Requests:
        """Always the same request."""
        json_type = {"content-type": "application/json"}
        headers = json_type if _URL.startswith("http") else {}
        return Requests(_URL, [_REQUEST], "POST", "bench", 10.0, _fault_in, headers)


@events.test_start.add_listener
def _begin(environment: Environment, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        gevent.spawn(_measure, environment)


def _measure(environment: Environment) -> None:
    tally = Tally()
    engines = engines_of(environment)
    engines.listeners.append(lambda _, window: tally.add(window))
    gevent.sleep(_WARMUP_S)
    engines.begin_phase(MEASURED)
    gevent.sleep(_SECONDS)
    engines.begin_phase("after")
    sys.stdout.write(f"{json.dumps(asdict(tally.figures()))}\n")
    sys.stdout.flush()
