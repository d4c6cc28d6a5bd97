"""What the generator itself can do on this machine: measured on servers that answer at once."""

import hashlib
import importlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from loadtests import engine, host
from loadtests.drive import Drive, Load
from loadtests.measure.drive_totals import DriveResult
from loadtests.record.files import write_whole
from loadtests.record.keeper import utc_now
from loadtests.record.run import Calibration
from loadtests.seed import SEED
from serving.errors import EngineError
from serving.paths import BUILD
from serving.reference.launch import Behaviour, ReferenceServer, run
from serving.reference.program import find_program

CACHE = BUILD / "calibration"
KEPT_S = 24 * 3600.0
BUSY_S = 0.5
BUSY_TRIES = 4
AGREE = 0.05
"""Tries go on until two agree within this share; steady work beside all of them is not seen."""
LIGHT_S = 1.0
LIGHT_ANSWERS = 1200
"""So many the light load lasts for at least: ten of a thousand are beyond the p99."""
FEWEST_ANSWERS = 30
"""Where bodies are so large that the light load would have fewer, it is less light."""
LONGEST_LIGHT_S = 10.0
WARMUP_S = 0.3
WINDOW_S = 0.1
"""A load's end is known with the window after it."""
LIGHT_RPS = 2000.0
LIGHT_SHARE = 0.1
"""Of its ceiling, the generator's light load is at most so much."""
STREAMS_PER_CONNECTION = 32
"""As many as Locust's users share one connection."""
GRPC_USERS = 256
HTTP_USERS = 64
IN_FLIGHT_BYTES = 16 << 20
"""Large bodies are sent by fewer users: the loopback device would be what is measured."""
_CLOCK_READINGS = 1000


@dataclass(frozen=True, slots=True)
class Payload:
    """The size of the messages, and how they travel."""

    protocol: Literal["grpc", "rest"]
    request_bytes: int
    answer_bytes: int


def why_impossible() -> str | None:
    """Why nothing can be calibrated on this machine, None where it can."""
    if not engine.available():
        return engine.why_unavailable()
    return None if find_program() else "the reference server was not built"


def calibrated(
    payload: Payload, server_cores: Sequence[int], generator_cores: Sequence[int], work: Path
) -> Calibration:
    """As :func:`calibrate`, or what it found within a day, undisturbed, since the last boot."""
    path = CACHE / f"{_key(payload, server_cores, generator_cores)}.json"
    try:
        kept = Calibration.model_validate_json(path.read_bytes())
        young = time.time() - path.stat().st_mtime < KEPT_S
        if young and kept.tries_apart is not None and kept.tries_apart <= AGREE:
            return kept
    except (OSError, ValidationError):
        pass
    found = calibrate(payload, server_cores, generator_cores, work)
    CACHE.mkdir(parents=True, exist_ok=True)
    write_whole(path, found.model_dump_json(indent=2) + "\n")
    return found


def calibrate(
    payload: Payload,
    server_cores: Sequence[int],
    generator_cores: Sequence[int],
    work: Path,
    users: int | None = None,
) -> Calibration:
    """Drive null servers with all of ``generator_cores``, one engine thread and server for each.

    With so many ``users`` in all, who share connections as Locust's do; by default with as many as
    reach the most. This process must run on ``generator_cores`` and nowhere else. Some 5 s.
    EngineError when the null servers do not answer rightly.
    """
    cores = [server_cores[n % len(server_cores)] for n in range(len(generator_cores))]
    each = _most_users(payload) if users is None else max(1, round(users / len(cores)))
    with ExitStack() as stack:
        started = [_null_server(stack, payload, core, work) for core in cores]
        rate_rps, apart = _agreed(lambda: _busiest_rps(payload, started, each))
        if not rate_rps:
            raise _wrong("no answer")
        fewest_rps = min(FEWEST_ANSWERS / LONGEST_LIGHT_S, rate_rps / 2)
        light_rps = max(min(LIGHT_RPS, LIGHT_SHARE * rate_rps), fewest_rps)
        (light,) = _drive([_light(payload, started[0], light_rps)])
    return _calibration(payload, each * len(cores), rate_rps, apart, light)


def _null_server(stack: ExitStack, payload: Payload, core: int, work: Path) -> ReferenceServer:
    folder = Path(tempfile.mkdtemp(prefix="null-", dir=work))
    answer = folder / "answer"
    answer.write_bytes(bytes(payload.answer_bytes))
    return stack.enter_context(run(Behaviour(answer=answer), [core], folder))


def _busiest_rps(payload: Payload, servers: Sequence[ReferenceServer], users: int) -> float:
    loads = [_busy(payload, one, users) for one in servers]
    return sum(result.goodput_rps for result in _drive(loads))


def _agreed(measure: Callable[[], float]) -> tuple[float, float]:
    """The higher of the first two values that agree, and their distance as a share of it.

    Of the two nearest, where no two agree in all tries.
    """
    tried: list[float] = []
    while len(tried) < BUSY_TRIES:
        tried = sorted([*tried, measure()])
        pairs = [((high - low) / high if high else 1.0, high) for low, high in pairwise(tried)]
        apart, rate_rps = min(pairs, default=(1.0, 0.0), key=lambda pair: (pair[0], -pair[1]))
        if apart <= AGREE:
            break
    return rate_rps, apart


def _calibration(
    payload: Payload, users: int, rate_rps: float, apart: float, light: DriveResult
) -> Calibration:
    service, lag = light.latency_us["service"], light.latency_us["generator_lag"]
    # Of few answers, as large bodies give, the slowest stands for the p99: that is no less.
    tail_us, lag_us = (of["p99"] if of["p99"] is not None else of["max"] for of in (service, lag))
    floor_us = service["p50"]
    if floor_us is None or tail_us is None or lag_us is None:
        raise EngineError(
            f"calibration: the null server gave {light.ok} answers in {LONGEST_LIGHT_S:.0f} s, too "
            "few to judge by"
        )
    return Calibration(
        rate_rps=round(rate_rps, 3),
        users=users,
        tries_apart=round(apart, 4),
        floor_us=floor_us,
        lag_p99_us=lag_us,
        jitter_us=tail_us - floor_us,
        clock_ns=_clock_step_ns(),
        **asdict(payload),
        made=utc_now(),
    )


def _drive(loads: list[Load]) -> list[DriveResult]:
    with ThreadPoolExecutor(len(loads)) as pool:
        return list(pool.map(_driven, loads))


def _driven(load: Load) -> DriveResult:
    drive = Drive(load)
    drive.run()
    result = drive.result()
    if result is None or result.errors:
        raise _wrong(", ".join(result.errors) if result else "no answer")
    return result


def _wrong(what: str) -> EngineError:
    return EngineError(f"calibration: a null server did not answer rightly ({what})")


def _most_users(payload: Payload) -> int:
    """With so many the generator reaches the most, in each of its threads."""
    largest = max(payload.request_bytes, payload.answer_bytes, 1)
    users = GRPC_USERS if payload.protocol == "grpc" else HTTP_USERS
    return max(1, min(users, IN_FLIGHT_BYTES // largest))


def _busy(payload: Payload, server: ReferenceServer, users: int) -> Load:
    grpc = payload.protocol == "grpc"
    return Load(
        url=f"{server.address(payload.protocol)}/redline.Calibration/Null",
        bodies=(bytes(payload.request_bytes),),
        method="POST",
        headers={},
        connections=-(-users // STREAMS_PER_CONNECTION) if grpc else users,
        streams=STREAMS_PER_CONNECTION,
        users=users,
        rate_rps=0.0,
        arrivals="poisson",
        duration_s=BUSY_S,
        warmup_s=WARMUP_S,
        timeout_s=5.0,
        threads=1,
        seed=SEED,
        ca_file=None,
        window_s=WINDOW_S,
    )


def _light(payload: Payload, server: ReferenceServer, rate_rps: float) -> Load:
    duration_s = min(max(LIGHT_S, LIGHT_ANSWERS / rate_rps), LONGEST_LIGHT_S)
    busy = _busy(payload, server, _most_users(payload))
    return replace(busy, users=None, rate_rps=rate_rps, duration_s=duration_s)


def _clock_step_ns() -> int:
    """The smallest step that the clock of all times makes from one reading to another."""
    readings = [time.monotonic_ns() for _ in range(_CLOCK_READINGS)]
    steps = (later - earlier for earlier, later in pairwise(readings))
    return min((step for step in steps if step > 0), default=1)


def _key(payload: Payload, server_cores: Sequence[int], generator_cores: Sequence[int]) -> str:
    """The same machine since it was started, the same programs, payload, cores and policies."""
    facts = {
        **asdict(payload),
        "host": host.describe_host().model_dump(),
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "governors": host.governors([*server_cores, *generator_cores]),
        "server_cores": list(server_cores),
        "generator_cores": list(generator_cores),
        "programs": [_digest(path) for path in _programs()],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _programs() -> list[Path]:
    extension = importlib.import_module("loadtests.engine._native").__file__
    return [Path(path) for path in (extension, find_program()) if path]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
