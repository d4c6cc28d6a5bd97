"""What one look at a server told: its counters, its queue, and what its processes used."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

Moment = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class ServerSample:
    """Taken ``before`` a probe, with nothing in flight, ``during`` it, and ``after`` its drain.

    ``requests`` are the inference requests that the server counted since it started, by outcome
    (``ok``, or its own word; ``any`` where it does not tell them apart). ``queued`` requests wait
    in it. ``latency_s`` is what they took by its own clock, all in all, and ``timed`` how many of
    them it says that of. ``cpu_s`` is the CPU time of all its processes since they started,
    ``thread_cores`` what its busiest thread used since the last look, in CPU seconds per second,
    ``quota_cores`` what its control group lets it use. ``cores_busy_s`` is the time that the cores
    it was given were busy, for whomever, since the machine started. ``handshake_us`` is the round
    trip of a connection that was made and closed, as the kernel saw it: the path, without the
    server's programs. What the source did not tell is None, and ``trouble`` says why.
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
    latency_s: float | None = None
    timed: float | None = None
    thread_cores: float | None = None
    quota_cores: float | None = None
    handshake_us: float | None = None
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


def cores_busy(samples: Sequence[ServerSample]) -> float | None:
    """How busy the cores it was given were, for whomever: CPU seconds per second."""
    return _rate([(sample.at_s, sample.cores_busy_s) for sample in samples])


def cores_taken(samples: Sequence[ServerSample]) -> float | None:
    """What others took of the server's cores: CPU seconds per second, a hypervisor's among them."""
    busy, used = cores_busy(samples), cores_used(samples)
    return None if busy is None or used is None else max(0.0, busy - used)


def thread_cores(samples: Sequence[ServerSample]) -> float | None:
    """What the busiest thread used, on average over looks: where threads take turns, little."""
    return _mean([sample.thread_cores for sample in samples])


def handshake_us(samples: Sequence[ServerSample]) -> float | None:
    """The median: a handshake that lost a packet takes a second more."""
    known = [sample.handshake_us for sample in samples if sample.handshake_us is not None]
    return median(known) if known else None


def latency_us(before: ServerSample, after: ServerSample) -> float | None:
    """The mean latency, by the server's own clock, of what it answered in between."""
    if None in (before.latency_s, before.timed, after.latency_s, after.timed):
        return None
    took_s, timed = after.latency_s - before.latency_s, after.timed - before.timed  # type: ignore[operator]
    return 1e6 * took_s / timed if timed > 0 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _rate(readings: Sequence[tuple[float, float | None]]) -> float | None:
    known = [(at_s, value_s) for at_s, value_s in readings if value_s is not None]
    if len(known) < 2 or known[-1][0] <= known[0][0]:
        return None
    return (known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0])
