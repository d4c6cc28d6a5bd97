"""What is compared: a null server, a payload, and the generators that take turns on it.

To add a case is to add an entry; to add a generator to one is to add it there. The first generator
of a case is ours, and ratios are its rate over each other's.
"""

from collections.abc import Callable
from dataclasses import dataclass

from loadtests.bench.compare import Goal
from loadtests.bench.generators import (
    K6,
    Generator,
    H2load,
    LoadEngine,
    Locust,
    LocustEngine,
    Wrk,
)
from loadtests.bench.payload import Payload, digits_json, digits_tensor, image_tensor
from loadtests.bench.servers import NullGrpc, NullHttp, NullServer

GRPC_CONNECTIONS = 8
GRPC_STREAMS = 32
HTTP_CONNECTIONS = 64
SOAK_USERS = 50
SOAK_RATE_RPS = 5_000
SOAK_S = 600
IMAGE_STREAMS = 4
"""In flight on each connection where a request has 602 kB."""


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison; ``goals`` are of the first generator's medians."""

    name: str
    title: str
    server: NullServer
    payload: Callable[[], Payload]
    generators: tuple[Generator, ...]
    goals: tuple[Goal, ...] = ()
    rounds: int | None = None
    """Instead of what was asked for."""
    seconds: int | None = None
    """Instead of what was asked for."""


def _open_loop(name: str, rate_rps: int, *goals: Goal) -> Case:
    generator = LoadEngine("engine", GRPC_CONNECTIONS, streams=GRPC_STREAMS, rate_rps=rate_rps)
    title = f"gRPC, open loop at {rate_rps:,}/s, Poisson"
    return Case(name, title, NullGrpc(), digits_tensor, (generator,), goals)


_SMALL = Goal("resident_peak_mb", at_most=120)

CASES = (
    Case(
        "grpc",
        "gRPC unary, 8 connections x 32 streams",
        NullGrpc(),
        digits_tensor,
        (
            LoadEngine("engine", GRPC_CONNECTIONS, streams=GRPC_STREAMS),
            H2load("h2load", GRPC_CONNECTIONS, streams=GRPC_STREAMS),
            Locust("Locust + grpcio", GRPC_CONNECTIONS, script="locust_grpc.py", users=64),
        ),
        (Goal(over="h2load", at_least=0.9),),
    ),
    Case(
        "grpc-600k",
        "gRPC unary, bodies of 602 kB, 8 connections x 4 streams",
        NullGrpc(),
        image_tensor,
        (
            LoadEngine("engine", GRPC_CONNECTIONS, streams=IMAGE_STREAMS),
            H2load("h2load", GRPC_CONNECTIONS, streams=IMAGE_STREAMS),
        ),
        (Goal(over="h2load", at_least=1.0),),
    ),
    Case(
        "http",
        "HTTP/1.1 POST, 64 connections",
        NullHttp(),
        digits_json,
        (
            LoadEngine("engine", HTTP_CONNECTIONS),
            Wrk("wrk", HTTP_CONNECTIONS),
            H2load("h2load --h1", HTTP_CONNECTIONS),
            K6("k6", HTTP_CONNECTIONS),
            Locust("FastHttpUser", HTTP_CONNECTIONS, script="locust_http.py", users=64),
        ),
        (Goal(over="wrk", at_least=0.9),),
    ),
    Case(
        "grpc-worker",
        "gRPC through a Locust worker",
        NullGrpc(),
        digits_tensor,
        (
            LocustEngine("Locust worker", GRPC_CONNECTIONS, users=GRPC_CONNECTIONS * GRPC_STREAMS),
            LoadEngine("engine", GRPC_CONNECTIONS, streams=GRPC_STREAMS),
        ),
        (Goal(over="engine", at_least=0.9), _SMALL),
    ),
    Case(
        "http-worker",
        "HTTP/1.1 through a Locust worker",
        NullHttp(),
        digits_json,
        (
            LocustEngine("Locust worker", HTTP_CONNECTIONS, users=HTTP_CONNECTIONS),
            LoadEngine("engine", HTTP_CONNECTIONS),
        ),
        (Goal(over="engine", at_least=0.9), _SMALL),
    ),
    _open_loop("open-10k", 10_000),
    _open_loop(
        "open-50k",
        50_000,
        Goal("achieved_ratio", at_least=0.999),
        Goal("generator_lag_p99_us", at_most=250),
    ),
    _open_loop("open-100k", 100_000, Goal("achieved_ratio", at_least=0.995)),
)

SOAK = Case(
    "soak",
    f"a Locust worker for {SOAK_S // 60} minutes, gRPC, open loop at {SOAK_RATE_RPS:,}/s",
    NullGrpc(),
    digits_tensor,
    (
        LocustEngine(
            "Locust worker",
            GRPC_CONNECTIONS,
            users=SOAK_USERS,
            user_rate=SOAK_RATE_RPS / SOAK_USERS,
        ),
    ),
    (_SMALL, Goal("resident_growth_high_mb_per_h", at_most=6)),
    rounds=1,
    seconds=SOAK_S,
)
"""Only run when it is asked for by name. Its bound on growth is 1 MB in ten minutes."""
