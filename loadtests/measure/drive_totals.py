"""What one drive came to: the engine's windows added up, counts with counts, then read off."""

from collections import Counter
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

from loadtests.engine.window import Times, Window
from loadtests.measure.window import new_histogram, quantiles

WARMUP = "warmup"
MEASURE = "measure"
DRAIN = "drain"
"""The phases of a drive; a request belongs to the one in which it fell due."""

TIMES = ("response", "service", "slot_wait", "generator_lag")


@dataclass(frozen=True, slots=True)
class DriveResult:
    """The result of a drive; its fields in this order are those of ``redline drive --json``.

    ``due == ok + sum(errors.values()) + unsent``: each request that fell due in the measured span
    is followed to its end, beyond the span too. The rates are of the span alone.
    """

    due: int
    sent: int
    ok: int
    unsent: int
    errors: dict[str, int]
    """By kind, as the engine names them."""
    offered_rps: float
    achieved_ratio: float | None
    """Of the requests due in the span, the share sent in it; None when none was due."""
    goodput_rps: float
    """Right answers per second that came in the span, those due in the warm-up included."""
    latency_us: dict[str, dict[str, float | None]]
    """Of right answers: TIMES x p50, p90, p99, p999, max, mean; None without enough answers."""
    engine_busy_ratio: float
    """(CPU time + run-queue wait) / wall of the busiest thread, over the span."""
    duration_s: float

    @property
    def all_right(self) -> bool:
        """Whether requests fell due, and each of them was answered rightly."""
        return 0 < self.ok == self.due


class DriveTotals:
    """Adds windows of the engine up, as they come. Set ``end_ns`` when the span's end is known."""

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns
        self.end_ns: int | None = None
        self.due = self.sent = self.right = self.unsent = 0
        self.wrong: Counter[str] = Counter()
        self.sent_in_span = self.right_in_span = 0.0
        self._times = {name: new_histogram() for name in TIMES}
        self._busy_s: dict[int, float] = {}

    def add(self, window: Window) -> None:
        """Count ``window``: of the measured phase all of it, of others what came in the span."""
        in_span = self._share_in_span(window)
        if in_span:
            self.right_in_span += in_span * window.right
            # Windows of two phases may share a number: they are one span of the same threads.
            self._busy_s[window.number] = in_span * window.busy_ratio * window.duration_s
        if window.phase != MEASURE:
            return
        self.due += window.due
        self.sent += window.sent
        self.sent_in_span += in_span * window.sent
        self.right += window.right
        self.unsent += window.unsent
        self.wrong.update(window.wrong)
        for name, total in self._times.items():
            total.add(histogram_of(window.right_times, name))

    def result(self) -> DriveResult:
        """What it all came to; ``end_ns`` must be known."""
        if self.end_ns is None:
            raise ValueError("the span has no end yet")
        duration_s = (self.end_ns - self.start_ns) / 1e9
        return DriveResult(
            due=self.due,
            sent=self.sent,
            ok=self.right,
            unsent=self.unsent,
            errors=dict(self.wrong.most_common()),
            offered_rps=round(self.due / duration_s, 3),
            achieved_ratio=round(self.sent_in_span / self.due, 6) if self.due else None,
            goodput_rps=round(self.right_in_span / duration_s, 3),
            latency_us={name: _figures(total) for name, total in self._times.items()},
            engine_busy_ratio=round(sum(self._busy_s.values()) / duration_s, 4),
            duration_s=round(duration_s, 6),
        )

    def _share_in_span(self, window: Window) -> float:
        """A thread that had no core when the span began or ended cuts there a little later."""
        end_ns = window.end_ns if self.end_ns is None else min(window.end_ns, self.end_ns)
        within_ns = end_ns - max(window.start_ns, self.start_ns)
        return max(0.0, within_ns / max(1, window.end_ns - window.start_ns))


def histogram_of(times: Times, name: str) -> HdrHistogram:
    """The histogram of one of TIMES, in microseconds."""
    return HdrHistogram.decode(getattr(times, name))


def _figures(histogram: HdrHistogram) -> dict[str, float | None]:
    count = histogram.get_total_count()
    return {**quantiles(histogram), "mean": round(histogram.get_mean_value(), 3) if count else None}
