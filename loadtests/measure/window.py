"""One window of one target: what ended in a span of time, the same fields for every protocol."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any, Literal

from hdrh.histogram import HdrHistogram

LOWEST_US = 1
HIGHEST_US = 600_000_000
SIGNIFICANT_DIGITS = 3

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
WRONG_ANSWER = "wrong answer"
"""The kind of a failure whose status was good: the answer was compared, and is not the expected."""

ANSWERS_BEYOND = 10
"""Answers that must lie beyond a quantile before it is given as a number."""

Phase = Literal["warmup", "settle", "measure"]


def new_histogram() -> HdrHistogram:
    """An empty histogram of microseconds, from 1 us to 10 min, to 3 significant digits."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


@dataclass(frozen=True, slots=True)
class Span:
    """What a window belongs to: the same for all windows of one phase of one probe.

    ``step`` is the search's word for the probe (``warmup``, ``grow``, ``refine``, ``hold``). Only
    windows of the phase ``measure`` count towards a result, and no warmup has that phase.
    """

    target: str
    probe: int
    step: str
    phase: Phase
    users: int


@dataclass(frozen=True, slots=True)
class Window:
    """What ended within one span of about a second, in all of ``workers`` generator processes.

    ``right`` and the counts in ``wrong`` (by kind) are apart and add up to all that ended.
    ``busy_ratio`` is the busiest worker's CPU seconds per second. ``latency`` holds the response
    latencies of the right answers, in microseconds.
    """

    span: Span
    number: int
    start_s: float
    duration_s: float
    right: int
    wrong: dict[str, int]
    workers: int
    busy_ratio: float
    latency: HdrHistogram = field(compare=False)

    @property
    def ended(self) -> int:
        """Requests that ended in this window, rightly or wrongly."""
        return self.right + sum(self.wrong.values())

    @property
    def goodput_rps(self) -> float:
        """Right answers per second."""
        return self.right / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def error_ratio(self) -> float:
        """The share of wrong answers in all that ended; 0 when nothing did.

        Only a sample of answers is compared with the expected ones: one wrong among them stands
        for many, and makes all of the window's answers doubtful: 1.
        """
        if WRONG_ANSWER in self.wrong:
            return 1.0
        return 1 - self.right / self.ended if self.ended else 0.0


def across_workers(windows: Sequence[Window], workers: int) -> Window:
    """The same span of time seen by several of ``workers`` workers, as one window.

    Its duration is the mean over all workers: a worker that was too busy to cut one of its windows
    has a longer one elsewhere, and over a probe the durations add up to its length.
    """
    duration_s = sum(window.duration_s for window in windows) / workers
    return _summed(windows, duration_s=duration_s, workers=len(windows))


def across_time(windows: Sequence[Window]) -> Window:
    """Windows that followed each other, as one."""
    duration_s = sum(window.duration_s for window in windows)
    return _summed(
        windows, duration_s=duration_s, workers=min(window.workers for window in windows)
    )


def _summed(windows: Sequence[Window], *, duration_s: float, workers: int) -> Window:
    latency = new_histogram()
    wrong: Counter[str] = Counter()
    for window in windows:
        latency.add(window.latency)
        wrong.update(window.wrong)
    return replace(
        windows[0],
        duration_s=duration_s,
        right=sum(window.right for window in windows),
        wrong=dict(wrong),
        workers=workers,
        busy_ratio=max(window.busy_ratio for window in windows),
        latency=latency,
    )


def quantiles(histogram: HdrHistogram) -> dict[str, int | None]:
    """p50, p90, p99, p999 and max in microseconds, as the histogram holds them.

    A quantile with fewer than ten answers beyond it is None, as is the maximum of none.
    """
    count = histogram.get_total_count()
    values: dict[str, int | None] = {}
    for name, share in QUANTILES.items():
        enough = count * (1 - share) >= ANSWERS_BEYOND - 1e-9
        values[name] = histogram.get_value_at_percentile(100 * share) if enough else None
    values["max"] = histogram.get_max_value() if count else None
    return values


def quantiles_ms(histogram: HdrHistogram) -> dict[str, float | None]:
    """The same in milliseconds."""
    values = quantiles(histogram)
    return {name: None if value is None else value / 1000 for name, value in values.items()}


def to_message(window: Window, *, last: bool) -> dict[str, Any]:
    """``window`` as a message from a worker to its master; ``last`` of its span or not."""
    return {
        "span": astuple(window.span),
        "number": window.number,
        "start_s": window.start_s,
        "duration_s": window.duration_s,
        "right": window.right,
        "wrong": window.wrong,
        "busy_ratio": window.busy_ratio,
        "latency": window.latency.encode(),
        "last": last,
    }


def from_message(message: dict[str, Any]) -> tuple[Window, bool]:
    """The window of one worker and whether it was the last of its span."""
    return Window(
        span=Span(*message["span"]),
        number=message["number"],
        start_s=message["start_s"],
        duration_s=message["duration_s"],
        right=message["right"],
        wrong=message["wrong"],
        workers=1,
        busy_ratio=message["busy_ratio"],
        latency=HdrHistogram.decode(message["latency"]),
    ), message["last"]
