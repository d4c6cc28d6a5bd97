"""What one look at a server told: its counters, its queue, and what its processes used."""

from dataclasses import dataclass
from typing import Literal

Moment = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class ServerSample:
    """Taken ``before`` a probe, with nothing in flight, ``during`` it, and ``after`` its drain.

    ``requests`` are the inference requests that the server counted since it started, by outcome
    (``ok``, or its own word; ``any`` where it does not tell them apart). ``queued`` requests wait
    in it. ``cpu_s`` is the CPU time of all its processes since they started. What the source did
    not tell is None, and ``trouble`` says why.
    """

    target: str
    repeat: int
    probe: int
    moment: Moment
    at_s: float
    cpu_s: float | None = None
    resident_bytes: int | None = None
    requests: dict[str, float] | None = None
    queued: int | None = None
    trouble: str | None = None


def counted(before: ServerSample, after: ServerSample) -> dict[str, float] | None:
    """What the server counted from ``before`` to ``after``, by outcome; None where it has no count.

    A counter that fell was reset: the server was restarted, and nothing can be said.
    """
    if before.requests is None or after.requests is None:
        return None
    outcomes = before.requests.keys() | after.requests.keys()
    grown = {
        outcome: after.requests.get(outcome, 0.0) - before.requests.get(outcome, 0.0)
        for outcome in sorted(outcomes)
    }
    return None if any(count < 0 for count in grown.values()) else grown


def cores_used(samples: list[ServerSample]) -> float | None:
    """CPU seconds per second from the first to the last sample that has them."""
    known = [(sample.at_s, sample.cpu_s) for sample in samples if sample.cpu_s is not None]
    if len(known) < 2 or known[-1][0] <= known[0][0]:
        return None
    return (known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0])
