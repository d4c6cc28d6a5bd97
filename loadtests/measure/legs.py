"""The legs of a scenario: what one load of its course gave, as a whole and window by window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hdrh.histogram import HdrHistogram

from loadtests.measure.levels import value_at
from loadtests.measure.window import ANSWERS_BEYOND, Span, Window, across_time, across_workers

MIXED = "mixed"
"""The step of all parts of a mix together."""


@dataclass(frozen=True, slots=True)
class Point:
    """A window, or some that follow each other, without their histograms: a day has too many.

    ``at_s`` is the time of its beginning, in seconds since the epoch; the latencies are response
    latencies in microseconds, None with fewer than ten answers beyond them.
    """

    at_s: float
    duration_s: float
    due: int
    right: int
    wrong: int
    unsent: int
    in_flight: int
    p50_us: int | None
    p99_us: int | None

    @property
    def end_s(self) -> float:
        """The time of its end."""
        return self.at_s + self.duration_s

    @property
    def goodput_rps(self) -> float:
        """Right answers a second."""
        return self.right / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def error_ratio(self) -> float:
        """The share of failures, the unsent ones among them, in all that ended."""
        ended = self.right + self.wrong + self.unsent
        return (self.wrong + self.unsent) / ended if ended else 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """One load of a course: its windows, and all of them as one."""

    windows: tuple[Window, ...]
    whole: Window

    @property
    def step(self) -> str:
        """The course's word for it."""
        return self.whole.span.step

    @property
    def end_s(self) -> float:
        """The time of its end, in seconds since the epoch."""
        return self.windows[-1].start_s + self.windows[-1].duration_s

    def points(self, most: int | None = None) -> list[Point]:
        """Its windows, or with ``most`` so many groups of them at most."""
        together = -(-len(self.windows) // most) if most else 1
        starts = range(0, len(self.windows), together)
        return [point_of(self.windows[i : i + together]) for i in starts]


def legs_of(windows: Sequence[Window]) -> list[Leg]:
    """The legs of one probe, in their order; those of a mix go on at the same time."""
    groups: dict[Span, list[Window]] = {}
    for window in windows:
        groups.setdefault(window.span, []).append(window)
    return [Leg(tuple(group), across_time(group)) for group in groups.values()]


def at_once(windows: Sequence[Window]) -> list[Window]:
    """The windows of a mix's parts as those of one load, which they went on as."""
    groups: dict[tuple[str, int], list[Window]] = {}
    for window in windows:
        groups.setdefault((window.span.phase, window.number), []).append(window)
    return [_as_one(group) for group in groups.values()]


def _as_one(parts: Sequence[Window]) -> Window:
    whole = across_workers(parts, len(parts))
    span = replace(whole.span, step=MIXED)
    return replace(whole, span=span, workers=min(part.workers for part in parts))


def point_of(windows: Sequence[Window]) -> Point:
    """Windows that follow each other as one point."""
    whole = windows[0] if len(windows) == 1 else across_time(windows)
    response = whole.times.response
    return Point(
        at_s=whole.start_s,
        duration_s=whole.duration_s,
        due=whole.due,
        right=whole.right,
        wrong=sum(whole.wrong.values()),
        unsent=whole.unsent,
        in_flight=whole.in_flight,
        p50_us=_known(response, 0.5),
        p99_us=_known(response, 0.99),
    )


def _known(histogram: HdrHistogram, share: float) -> int | None:
    enough = histogram.get_total_count() * (1 - share) >= ANSWERS_BEYOND - 1e-9
    return value_at(histogram, share) if enough else None
