"""What one look at a server told: its counters, its queue, and what its processes used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Moment = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class ServerSample:
    """Taken ``before`` a probe, with nothing in flight, ``during`` it, and ``after`` its drain.

    ``requests`` are the inference requests that the server counted since it started, by outcome
    (``ok``, or its own word; ``any`` where it does not tell them apart). ``queued`` requests wait
    in it. ``cpu_s`` is the CPU time of all its processes since they started, ``cores_busy_s`` the
    time that the cores it was given were busy, for whomever, since the machine started. What the
    source did not tell is None, and ``trouble`` says why.
    """

    target: str
    repeat: int
    probe: int
    moment: Moment
    at_s: float
    cpu_s: float | None = None
    cores_busy_s: float | None = None
    resident_bytes: int | None = None
    requests: dict[str, float] | None = None
    queued: int | None = None
    trouble: str | None = None


def counted(before: ServerSample, after: ServerSample) -> dict[str, float] | None:
    """What the server counted from ``before`` to ``after``, by outcome; None where it has no count.

    None as well where a counter fell: it was reset, for the server was restarted.
    """
    if before.requests is None or after.requests is None:
        return None
    outcomes = before.requests.keys() | after.requests.keys()
    grown = {
        outcome: after.requests.get(outcome, 0.0) - before.requests.get(outcome, 0.0)
        for outcome in sorted(outcomes)
    }
    return None if any(count < 0 for count in grown.values()) else grown


def cores_used(samples: Sequence[ServerSample]) -> float | None:
    """CPU seconds of the server per second, from the first to the last sample that has them."""
    return _rate([(sample.at_s, sample.cpu_s) for sample in samples])


def cores_taken(samples: Sequence[ServerSample]) -> float | None:
    """What others took of the server's cores: CPU seconds per second, a hypervisor's among them."""
    busy = _rate([(sample.at_s, sample.cores_busy_s) for sample in samples])
    used = cores_used(samples)
    return None if busy is None or used is None else max(0.0, busy - used)


def _rate(readings: Sequence[tuple[float, float | None]]) -> float | None:
    known = [(at_s, value_s) for at_s, value_s in readings if value_s is not None]
    if len(known) < 2 or known[-1][0] <= known[0][0]:
        return None
    return (known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0])
