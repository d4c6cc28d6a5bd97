"""Summaries and details written by hand, in every state a run can end in."""

import math
from typing import Any

from loadtests.record.details import Details, Moment, Spectrum
from loadtests.record.run import Calibration, Host, Parity
from loadtests.record.summary import (
    Capacity,
    Ceiling,
    ErrorKind,
    Latency,
    Probe,
    Reason,
    Reconciliation,
    Summary,
    TargetSummary,
    Verdict,
)

UNKNOWN = Latency(p50=None, p90=None, p99=None, p999=None, max=None)
BODY = '{"code": 503, "type": "ServiceUnavailableException", "message": "queue is full"}'


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
    times = latency(users / goodput_rps * 1000)
    values: dict[str, Any] = {
        "number": number,
        "repeat": 0,
        "phase": "grow",
        "users": users,
        "rate_rps": None,
        "duration_s": duration_s,
        "sent": sent,
        "right": sent,
        "wrong": {},
        "unsent": 0,
        "offered_rps": goodput_rps,
        "goodput_rps": goodput_rps,
        "goodput_ci95_rps": (goodput_rps * 0.97, goodput_rps * 1.03),
        "error_ratio": 0.0,
        "latency_ms": times,
        "p99_ci95_ms": (times.p99 * 0.9, times.p99 * 1.15) if times.p99 else None,
        "service_ms": latency(users / goodput_rps * 990),
        "slot_wait_ms": latency(0.001),
        "generator_lag_ms": latency(0.02),
        "generator_busy_ratio": 0.05 + 0.4 * goodput_rps / best_rps,
        "server_cores_used": min(1.0, goodput_rps / best_rps * 1.02),
        "reconciliation": Reconciliation(
            state="reconciled", client=sent, server=float(sent), why="they agree"
        ),
    }
    return Probe(**(values | changes))


def open_probe(number: int, rate_rps: float, best_rps: float, **changes: Any) -> Probe:
    """A probe in open loop of a queue that can take ``best_rps``."""
    load = min(rate_rps / best_rps, 0.995)
    times = latency(1000 / best_rps / (1 - load))
    goodput_rps = min(rate_rps, best_rps)
    values = {
        "phase": "bisect",
        "users": 0,
        "rate_rps": rate_rps,
        "offered_rps": rate_rps,
        "goodput_rps": goodput_rps,
        "goodput_ci95_rps": (goodput_rps * 0.99, goodput_rps * 1.01),
        "latency_ms": times,
        "p99_ci95_ms": (times.p99 * 0.9, times.p99 * 1.15) if times.p99 else None,
        "unsent": int(max(rate_rps - best_rps, 0)),
    }
    return probe(number, 16, best_rps).model_copy(update=values | changes)


def make_verdict(*reasons: Reason, **changes: Any) -> Verdict:
    values: dict[str, Any] = {
        "valid": not reasons,
        "reasons": list(reasons),
        "bottleneck": "server",
        "evidence": {
            "generator_busy_ratio": 0.443,
            "harder_goodput_ratio": 1.012,
            "harder_service_ratio": 1.98,
            "server_cores_used": 0.996,
            "why": "twice the users: +1.2% goodput, 1.98 times the service latency",
        },
    }
    return Verdict(**(values | changes))


def lag_reason() -> Reason:
    return Reason(
        rule="lag",
        what="the generator was late: p99 of its lag was 4.1 ms, above 1 ms",
        remedy="give the generator more cores",
    )


def make_calibration() -> Calibration:
    return Calibration(
        rate_rps=81_240.0,
        floor_us=41.0,
        lag_p99_us=63.0,
        jitter_us=88.0,
        clock_ns=25,
        protocol="grpc",
        request_bytes=311,
        answer_bytes=96,
        made="2031-03-05T12:12:51+00:00",
    )


def make_target(best_rps: float = 10_243.7, **changes: Any) -> TargetSummary:
    """TorchServe over gRPC, whole and right, unless ``changes`` say otherwise."""
    loads = [(1, "grow"), (4, "grow"), (16, "grow"), (64, "grow"), (256, "grow")]
    loads += [(24, "refine"), (40, "refine"), (32, "refine"), (32, "hold"), (64, "double")]
    probes = [
        probe(number, users, best_rps, phase=phase)
        for number, (users, phase) in enumerate(loads, start=1)
    ]
    values: dict[str, Any] = {
        "name": f"torchserve-grpc-{best_rps:.0f}",
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
        "model_key": "6f1d2ac09b3e",
        "server_command": ["torchserve", "--start", "--ts-config", "config.properties"],
        "generator_commands": [["locust", "-f", "ceiling.py", "--headless"]],
        "settings": "job_queue_size=1000\ndefault_workers_per_model=1\n",
        "parity": Parity(requests=359, max_difference=3.1e-7, tolerance=1e-4, accuracy=0.9749),
        "verdict": make_verdict(),
        "ceiling": make_ceiling(probes[-2]),
        "capacity": None,
        "calibration": make_calibration(),
        "probes": probes,
        "errors": {},
        "failure": None,
    }
    return TargetSummary(**(values | changes))


def make_ceiling(held: Probe, **changes: Any) -> Ceiling:
    values: dict[str, Any] = {
        "goodput_rps": held.goodput_rps,
        "ci95_rps": (held.goodput_rps - 120, held.goodput_rps + 120),
        "predictions_per_s": held.goodput_rps,
        "repeats_rps": [held.goodput_rps],
        "users": held.users,
        "latency_ms": held.latency_ms,
        "error_ratio": held.error_ratio,
        "duration_s": 10.0,
        "generator_busy_ratio": held.generator_busy_ratio,
        "at_least": False,
    }
    return Ceiling(**(values | changes))


def with_ceiling(target: TargetSummary, **changes: Any) -> TargetSummary:
    """The target with another ceiling, whose interval and goodput go with its predictions."""
    assert target.ceiling
    if "predictions_per_s" in changes:
        rps = changes["predictions_per_s"] / target.batch
        interval = (rps - 120, rps + 120)
        changes = {"goodput_rps": rps, "ci95_rps": interval, "repeats_rps": [rps]} | changes
    return target.model_copy(update={"ceiling": target.ceiling.model_copy(update=changes)})


def judged(target: TargetSummary, *reasons: Reason, **changes: Any) -> TargetSummary:
    """The target with another verdict; its ceiling is a lower bound unless the server set it."""
    verdict = make_verdict(*reasons, **changes)
    bounded = with_ceiling(target, at_least=verdict.bottleneck != "server")
    return bounded.model_copy(update={"verdict": verdict})


def with_capacity(target: TargetSummary, **changes: Any) -> TargetSummary:
    """The target as a full run leaves it: searched in open loop too, at 8,200 requests/s."""
    first = len(target.probes) + 1
    rates = [1_000.0, 5_100.0, 10_300.0, 7_700.0, 9_000.0, 8_350.0, 8_200.0]
    probes = [open_probe(first + n, rate, 10_243.7) for n, rate in enumerate(rates)]
    probes.append(open_probe(first + len(rates), 8_200.0, 10_243.7, phase="confirm"))
    values: dict[str, Any] = {
        "slo": "p99=1.5ms,errors=0.1%",
        "rate_rps": 8_200.0,
        "ci95_rps": (8_060.0, 8_340.0),
        "repeats_rps": [8_150.0, 8_250.0],
        "at_least": False,
        "why": None,
        "verdict": make_verdict(),
    }
    capacity = Capacity(**(values | changes))
    return target.model_copy(update={"probes": [*target.probes, *probes], "capacity": capacity})


def make_details(target: TargetSummary) -> Details:
    """What windows of a second would tell of the target's probes."""
    timeline, at_s = [], 0.0
    for one in target.probes:
        for second in range(1 + int(one.duration_s)):
            timeline.append(_moment(one, at_s, second))
            at_s += 1
        at_s += 0.5
    held = next((one for one in target.probes if one.phase == "hold"), None)
    return Details(timeline, _spectrum(held) if held else None)


def _moment(one: Probe, at_s: float, second: int) -> Moment:
    wave = 1 + 0.02 * math.sin(at_s)
    return Moment(
        at_s=at_s,
        probe=one.number,
        repeat=one.repeat,
        step=one.phase,
        phase="measure" if second else "settle",
        users=one.users,
        rate_rps=one.rate_rps,
        offered_rps=one.offered_rps,
        goodput_rps=one.goodput_rps * wave * (1 if second else 0.9),
        wrong_rps=one.error_ratio * one.goodput_rps,
        p50_ms=(one.latency_ms.p50 or 0) * wave or None,
        p99_ms=(one.latency_ms.p99 or 0) * wave or None,
        busy_ratio=one.generator_busy_ratio,
    )


def _spectrum(held: Probe) -> Spectrum:
    at = [100 * (1 - 10 ** (-step / 10)) for step in range(36)]
    response = [(percent, 2.1 + 0.4 * step) for step, percent in enumerate(at)]
    return Spectrum(response, [(percent, value * 0.97) for percent, value in response])


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
        "versions": {"locust": "2.47.0", "torchserve": "0.12.0"},
        "seed": 20_310_305,
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


def make_all_details(summary: Summary) -> dict[str, Details]:
    return {target.name: make_details(target) for target in summary.targets if target.probes}


def varied_targets() -> list[TargetSummary]:
    """One run's worth: capacity, errors, a lower bound, INVALID figures, a stand-in, a failure."""
    rejected = probe(
        5, 256, 2_900, wrong={"503 ServiceUnavailableException": 310, "timeout": 4},
        error_ratio=314 / 14_500,
        reconciliation=Reconciliation(
            state="mismatch", client=14_500, server=14_812.0, why="312 more than were sent"
        ),
    )  # fmt: skip
    rest = make_target(3_120.4, protocol="rest", body="json", name="rest")
    errors = {
        "503 ServiceUnavailableException": ErrorKind(requests=310, held=0, said=BODY),
        "timeout": ErrorKind(requests=4, held=0, said=None),
    }
    probes = [*rest.probes[:4], rejected, *rest.probes[5:]]
    rest = rest.model_copy(update={"probes": probes, "errors": errors})
    busy = make_target(9_020.0, batch=8, configuration="vendor", name="busy")
    busy = with_ceiling(busy, generator_busy_ratio=0.97, predictions_per_s=8 * 8_855.0)
    busy = judged(busy, bottleneck="generator", evidence={"generator_busy_ratio": 0.97})
    late = make_target(12_700.0, batch=8, name="late", calibration=None)
    late = with_ceiling(late, predictions_per_s=8 * 12_467.0)
    late = judged(late, lag_reason(), bottleneck="generator")
    stand_in = make_target(
        14_300.0, server="tfserving", deployment="embedded", server_version="stand-in 0.1.0",
        name="stand-in",
    )  # fmt: skip
    assert stand_in.ceiling
    scarce = stand_in.ceiling.latency_ms.model_copy(update={"p999": None})
    stand_in = with_ceiling(stand_in, latency_ms=scarce)
    dead = make_target(
        server="tfserving", protocol="rest", deployment="embedded", body="json", probes=[],
        ceiling=None, verdict=None, parity=None, name="dead",
        failure="the server died during parity (signal 9)",
    )  # fmt: skip
    return [with_capacity(make_target(name="whole")), rest, busy, late, stand_in, dead]
