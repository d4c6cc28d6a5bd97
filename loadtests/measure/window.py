"""One window of one target: what ended in a span of time, the same fields for every protocol."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any, Literal

from hdrh.histogram import HdrHistogram

from loadtests.measure import wire as wires
from loadtests.measure.wire import Wire

LOWEST_US = 1
HIGHEST_US = 600_000_000
SIGNIFICANT_DIGITS = 3

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
WRONG_ANSWER = "wrong answer"
"""The kind of a failure whose status was good: the answer was compared, and is not the expected."""

ANSWERS_BEYOND = 10
"""Answers that must lie beyond a quantile before it is given as a number."""

Phase = Literal["warmup", "settle", "measure", "drain"]

TIMES = ("response", "service", "slot_wait", "generator_lag")
"""The four times of a request, in the order of the record."""


def new_histogram() -> HdrHistogram:
    """An empty histogram of microseconds, from 1 us to 10 min, to 3 significant digits."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)


@dataclass(frozen=True, slots=True)
class Times:
    """Histograms of microseconds.

    ``response`` and ``service`` latency are those of right answers; ``slot_wait`` and
    ``generator_lag`` those of every request that was sent and ended. A client that knows only one
    time of a request leaves the others empty.
    """

    response: HdrHistogram = field(default_factory=new_histogram)
    service: HdrHistogram = field(default_factory=new_histogram)
    slot_wait: HdrHistogram = field(default_factory=new_histogram)
    generator_lag: HdrHistogram = field(default_factory=new_histogram)

    def add(self, other: "Times") -> None:
        """Count what ``other`` holds as well."""
        for name in TIMES:
            add_histogram(getattr(self, name), getattr(other, name))


def add_histogram(total: HdrHistogram, other: HdrHistogram) -> None:
    """Add counts; hdrh takes an empty one for one whose smallest value is 0."""
    if other.get_total_count():
        total.add(other)


@dataclass(frozen=True, slots=True)
class Span:
    """What a window belongs to: the same for all windows of one phase of one probe.

    ``step`` is the search's word for the probe (``warmup``, ``grow``, ``refine``, ``hold``, ...).
    Only windows of the phase ``measure`` count towards a result, and no warmup has that phase. The
    phase ``drain`` follows it: nothing new falls due, and what is in flight ends. ``users`` are
    those in closed loop; in open loop ``rate_rps`` is what falls due each second. Probes are
    numbered anew in each ``repeat``, before which the server is restarted.
    """

    target: str
    probe: int
    step: str
    phase: Phase
    users: int
    rate_rps: float | None = None
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """What fell due, was sent and ended within one span of about a second, in all of ``workers``
    generator processes.

    ``right`` and the counts in ``wrong`` (by kind) are apart and add up to all that ended.
    ``unsent`` ended as well, without ever being sent. ``in_flight`` counts, at the window's end,
    the requests that were due and had not ended. ``busy`` is, for each generator thread by name,
    (its CPU time + its run-queue wait) per second. ``said`` has, of each kind of error that a
    worker met for the first time, what the first answer of it said. ``core_waits_us`` tells, where
    the client knows it, how long each thread waited on average for a core when it was ready to run.
    ``connections`` were open at the window's end, by the address they lead to; ``wire`` is what the
    kernel saw of them. Both are None where the client does not know.
    """

    span: Span
    number: int
    start_s: float
    duration_s: float
    due: int
    sent: int
    right: int
    wrong: dict[str, int]
    unsent: int
    in_flight: int
    workers: int
    busy: dict[str, float]
    times: Times = field(compare=False)
    said: dict[str, str] = field(default_factory=dict)
    core_waits_us: dict[str, float] = field(default_factory=dict)
    connections: dict[str, int] | None = None
    wire: Wire | None = None

    @property
    def connected(self) -> int | None:
        """Connections, to all addresses together."""
        return None if self.connections is None else sum(self.connections.values())

    @property
    def ended(self) -> int:
        """Requests that were answered or failed in this window, rightly or wrongly."""
        return self.right + sum(self.wrong.values())

    @property
    def busy_ratio(self) -> float:
        """That of the busiest generator thread; 0 where none is known."""
        return max(self.busy.values(), default=0.0)

    @property
    def core_wait_us(self) -> float | None:
        """That of the thread that waited longest; None where none is known."""
        return max(self.core_waits_us.values(), default=None)

    @property
    def offered_rps(self) -> float:
        """Requests that fell due per second."""
        return self.due / self.duration_s if self.duration_s > 0 else 0.0

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
    in_flight = sum(window.in_flight for window in windows)
    whole = _summed(windows, duration_s, len(windows), in_flight)
    return replace(
        whole,
        busy={name: ratio for window in windows for name, ratio in window.busy.items()},
        core_waits_us={name: us for window in windows for name, us in window.core_waits_us.items()},
        connections=_added([window.connections for window in windows]),
    )


def _added(counts: Sequence[dict[str, int] | None]) -> dict[str, int] | None:
    known = [count for count in counts if count is not None]
    return dict(sum(map(Counter, known), Counter[str]())) if known else None


def across_time(windows: Sequence[Window]) -> Window:
    """Windows that followed each other, as one; what each thread tells is its mean over them.

    The connections are those of the window that had the most.
    """
    duration_s = sum(window.duration_s for window in windows)
    workers = min(window.workers for window in windows)
    whole = _summed(windows, duration_s, workers, windows[-1].in_flight)
    return replace(
        whole,
        busy=_mean_of_each([(window.busy, window.duration_s) for window in windows]),
        core_waits_us=_mean_of_each(
            [(window.core_waits_us, window.duration_s) for window in windows]
        ),
        connections=max(windows, key=lambda window: window.connected or 0).connections,
    )


def _mean_of_each(values: Sequence[tuple[dict[str, float], float]]) -> dict[str, float]:
    """By name, over all that was told for so many seconds; a name that is missing was 0."""
    duration_s = sum(seconds for _, seconds in values)
    names = dict.fromkeys(name for told, _ in values for name in told)
    if not duration_s:
        return {}
    return {
        name: sum(told.get(name, 0.0) * seconds for told, seconds in values) / duration_s
        for name in names
    }


def _summed(
    windows: Sequence[Window],
    duration_s: float,
    workers: int,
    in_flight: int,
) -> Window:
    times = Times()
    wrong: Counter[str] = Counter()
    said: dict[str, str] = {}
    for window in windows:
        times.add(window.times)
        wrong.update(window.wrong)
        said = window.said | said
    return replace(
        windows[0],
        duration_s=duration_s,
        due=sum(window.due for window in windows),
        sent=sum(window.sent for window in windows),
        right=sum(window.right for window in windows),
        wrong=dict(wrong),
        unsent=sum(window.unsent for window in windows),
        in_flight=in_flight,
        workers=workers,
        times=times,
        said=said,
        wire=wires.together(window.wire for window in windows),
    )


COUNTS = (
    *("number", "start_s", "duration_s", "due", "sent", "right"),
    *("wrong", "unsent", "in_flight", "busy", "core_waits_us", "said"),
)
"""The fields of a window that one worker knows, apart from its span and its times, its
connections and their wire."""


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
        **{name: getattr(window, name) for name in COUNTS},
        "span": astuple(window.span),
        "times": [getattr(window.times, name).encode() for name in TIMES],
        "connections": window.connections,
        "wire": window.wire and astuple(window.wire),
        "last": last,
    }


def from_message(message: dict[str, Any]) -> tuple[Window, bool]:
    """The window of one worker and whether it was the last of its span."""
    return Window(
        **{name: message[name] for name in COUNTS},
        span=Span(*message["span"]),
        workers=1,
        times=Times(*map(HdrHistogram.decode, message["times"])),
        connections=message["connections"],
        wire=message["wire"] and Wire(*message["wire"]),
    ), message["last"]
