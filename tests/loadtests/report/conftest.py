"""Summaries written by hand, in every state a run can end in."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.record.summary import (
    Ceiling,
    Host,
    Latency,
    Parity,
    Probe,
    Summary,
    TargetSummary,
)

Builder = Callable[..., Any]


def latency(p50_ms: float, tail: float = 1.0) -> Latency:
    return Latency(
        p50=p50_ms,
        p90=p50_ms * 1.6,
        p99=p50_ms * 2.7 * tail,
        p999=p50_ms * 4.1 * tail,
        max=p50_ms * 9.3 * tail,
    )


def probe(number: int, users: int, best_rps: float, **changes: Any) -> Probe:
    """A probe of a server that saturates at ``best_rps``, at about eight users."""
    goodput_rps = best_rps * (1 - math.exp(-users / 8))
    duration_s = 5.0
    sent = int(goodput_rps * duration_s)
    values: dict[str, Any] = {
        "number": number,
        "phase": "grow",
        "users": users,
        "duration_s": duration_s,
        "sent": sent,
        "right": sent,
        "wrong": {},
        "goodput_rps": goodput_rps,
        "error_ratio": 0.0,
        "latency_ms": latency(users / goodput_rps * 1000),
        "generator_busy_ratio": 0.05 + 0.4 * goodput_rps / best_rps,
    }
    return Probe(**(values | changes))


def make_target(best_rps: float = 10_243.7, **changes: Any) -> TargetSummary:
    """TorchServe over gRPC, whole and right, unless ``changes`` say otherwise."""
    loads = [(1, "grow"), (4, "grow"), (16, "grow"), (64, "grow"), (256, "grow")]
    loads += [(24, "refine"), (40, "refine"), (32, "refine"), (32, "hold")]
    probes = [
        probe(number, users, best_rps, phase=phase)
        for number, (users, phase) in enumerate(loads, start=1)
    ]
    held = probes[-1]
    values: dict[str, Any] = {
        "server": "torchserve",
        "protocol": "grpc",
        "model": "digits",
        "batch": 1,
        "body": "tensor",
        "configuration": "tuned",
        "deployment": "native",
        "server_version": "0.12.0",
        "server_cores": [1],
        "generator_cores": [0],
        "parity": Parity(requests=359, max_difference=3.1e-7, tolerance=1e-4, accuracy=0.9749),
        "ceiling": make_ceiling(held),
        "probes": probes,
        "failure": None,
    }
    return TargetSummary(**(values | changes))


def make_ceiling(held: Probe, **changes: Any) -> Ceiling:
    values: dict[str, Any] = {
        "goodput_rps": held.goodput_rps,
        "predictions_per_s": held.goodput_rps,
        "users": held.users,
        "latency_ms": held.latency_ms,
        "error_ratio": held.error_ratio,
        "duration_s": 10.0,
        "generator_busy_ratio": held.generator_busy_ratio,
        "at_least": False,
        "limited_by": None,
    }
    return Ceiling(**(values | changes))


def make_summary(*targets: TargetSummary, **changes: Any) -> Summary:
    values: dict[str, Any] = {
        "schema_": 1,
        "complete": True,
        "failure": None,
        "name": "quick",
        "started": "2031-03-05T12:13:07+00:00",
        "finished": "2031-03-05T12:19:41+00:00",
        "profile": "quick",
        "command": ["redline", "run", "--profile", "quick", "--model", "digits"],
        "redline": "0.1.0",
        "host": Host(
            hostname="bench-7",
            cpu="Some CPU @ 2.60 GHz",
            cores=2,
            memory_gib=7.76,
            system="Linux 6.1, x86_64",
            python="3.11.2",
        ),
        "targets": list(targets),
    }
    return Summary(**(values | changes))


def varied_targets() -> list[TargetSummary]:
    """One run's worth: errors, a busy generator, missing quantiles, a stand-in, a failure."""
    rejected = probe(
        5, 256, 2_900, wrong={"503 ServiceUnavailableException": 310, "timeout": 4},
        error_ratio=314 / 14_500,
    )  # fmt: skip
    rest = make_target(3_120.4, protocol="rest", body="json")
    rest = rest.model_copy(update={"probes": [*rest.probes[:4], rejected, *rest.probes[5:]]})
    busy = make_target(9_020.0, batch=8, configuration="vendor")
    assert busy.ceiling
    lower = {"at_least": True, "limited_by": "generator", "generator_busy_ratio": 0.97}
    busy = busy.model_copy(update={"ceiling": busy.ceiling.model_copy(update=lower)})
    stand_in = make_target(
        14_300.0, server="tfserving", deployment="embedded", server_version="stand-in 0.1.0"
    )
    assert stand_in.ceiling
    scarce = stand_in.ceiling.latency_ms.model_copy(update={"p999": None})
    stand_in = stand_in.model_copy(
        update={"ceiling": stand_in.ceiling.model_copy(update={"latency_ms": scarce})}
    )
    dead = make_target(
        server="tfserving", protocol="rest", deployment="embedded", body="json", probes=[],
        ceiling=None, parity=None, failure="the server died during parity (signal 9)",
    )  # fmt: skip
    return [make_target(), rest, busy, stand_in, dead]


@pytest.fixture
def target() -> Builder:
    return make_target


@pytest.fixture
def summary() -> Builder:
    return make_summary


@pytest.fixture
def varied() -> Summary:
    return make_summary(*varied_targets())
