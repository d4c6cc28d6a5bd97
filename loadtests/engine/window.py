"""What the engine counted in one span of its own clock, and the times it took."""

import base64
import struct
import zlib
from dataclasses import dataclass

_COMPRESSED_COOKIE = 0x1C849304 | 0x10
"""HdrHistogram's V2 compressed encoding (Tene, HdrHistogram's AbstractHistogram.java)."""


@dataclass(frozen=True, slots=True)
class Times:
    """Four spans of the life of each request that ended in a window, as histograms.

    Each is HdrHistogram's V2 compressed encoding in base64, of microseconds from 1 us to 10 min
    with 3 significant digits: what ``hdrh.histogram.HdrHistogram.decode`` reads.

    A request that ended before it could be sent (``connect``) has no times.
    """

    slot_wait: bytes
    generator_lag: bytes
    service: bytes
    response: bytes


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """What one engine thread spent in one window."""

    cpu_s: float
    run_queue_s: float
    """Seconds in which it was ready to run and had no core."""
    turns: int
    """How often it was given a core."""


@dataclass(frozen=True, slots=True)
class Window:
    """One span of one phase: what fell due, was sent and ended in it, in all threads.

    A request belongs to the phase in which it was due. When answers come after a change of phase,
    their window has the same ``number`` as the window of the new phase. Numbers without a gap show
    that none is missing. Over a run that was drained,
    ``due == right + sum(wrong.values()) + unsent``, exactly.
    """

    number: int
    phase: str
    phase_number: int
    start_ns: int
    """CLOCK_MONOTONIC, as ``time.monotonic_ns`` gives it."""
    end_ns: int
    due: int
    sent: int
    right: int
    wrong: dict[str, int]
    """By kind: ``connect``, ``reset``, ``timeout``, ``http 503``, ``grpc 14 UNAVAILABLE``, ..."""
    unsent: int
    answer_bytes: int
    in_flight: int
    """At the window's end, of all phases."""
    queued: int
    """Due and without a slot, at the window's end, of all phases."""
    threads: tuple[ThreadTime, ...]
    """In the order of their numbers, the same in every window."""
    connections: dict[str, int]
    """That are open at the window's end, by the address they lead to."""
    wire: dict[str, int]
    """What the kernel counted meanwhile, over all connections, in bytes, segments and microseconds:
    ``sent_bytes``, ``received_bytes``, ``segments_out``, ``retransmitted``, ``busy_us``,
    ``rwnd_limited_us``, ``sndbuf_limited_us``; and ``rtt_us``, the sum of the smoothed round trips
    of so many ``readings``. Open connections are read once a second, and where a phase or a drain
    ends. All are 0 where none was read."""
    right_times: Times
    wrong_times: Times

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def ended(self) -> int:
        """Requests that ended in this window, rightly or wrongly."""
        return self.right + sum(self.wrong.values())

    @property
    def busy_ratio(self) -> float:
        """The busiest thread's (CPU time + run-queue wait) / wall."""
        if self.duration_s <= 0:
            return 0.0
        return max(thread.cpu_s + thread.run_queue_s for thread in self.threads) / self.duration_s


@dataclass(frozen=True, slots=True)
class Sample:
    """One full answer, for a closer look: ``body`` says which request body it answers."""

    body: int
    phase: str
    whole: bool
    """False where only the first 4 MiB were kept."""
    answer: bytes


def window_from(raw: dict[str, object]) -> Window:
    """The window that the extension describes by ``raw``."""
    fields = dict(raw)
    threads = fields.pop("threads")
    fields["threads"] = tuple(
        ThreadTime(cpu / 1e9, wait / 1e9, turns)
        for cpu, wait, turns in threads  # type: ignore[attr-defined]
    )
    for name in ("right_times", "wrong_times"):
        fields[name] = Times(*(_compressed(payload) for payload in fields[name]))  # type: ignore[attr-defined]
    return Window(**fields)  # type: ignore[arg-type]


def _compressed(payload: bytes) -> bytes:
    body = zlib.compress(payload)
    return base64.b64encode(struct.pack(">II", _COMPRESSED_COOKIE, len(body)) + body)
