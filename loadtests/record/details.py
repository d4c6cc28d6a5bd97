"""What the report shows of a target beyond its summary: drawn from the windows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram

from loadtests.measure.legs import at_once
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import ANSWERS_BEYOND, Window, across_time
from loadtests.record.answers import ScenarioAsked

MOST_POINTS = 600
"""Of a timeline; a longer one is drawn from several windows a point."""
_STEPS_A_DECADE = 10


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of the timeline: ``at_s`` since the target's first window; rates per second."""

    at_s: float
    probe: int
    repeat: int
    step: str
    phase: str
    users: int
    rate_rps: float | None
    offered_rps: float
    goodput_rps: float
    wrong_rps: float
    p50_ms: float | None
    p99_ms: float | None
    busy_ratio: float
    unsent_rps: float = 0.0


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Latencies by percentile: pairs of (percent, milliseconds), up to what the answers support."""

    response: list[tuple[float, float]]
    service: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Trace:
    """A scenario over time; ``memory_mib`` is the server's, with its time on the same clock."""

    moments: list[Moment]
    memory_mib: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Details:
    """The timeline of a target's searches, the latencies of its held measurement, its scenarios."""

    timeline: list[Moment]
    held: Spectrum | None
    scenarios: list[Trace] = field(default_factory=list)


def details_of(
    windows: Iterable[Window],
    scenarios: Sequence[ScenarioAsked] = (),
    samples: Sequence[ServerSample] = (),
) -> dict[str, Details]:
    """By target."""
    by_target: dict[str, list[Window]] = {}
    of_scenario: dict[tuple[str, int, int], list[Window]] = {
        (asked.target, asked.repeat, asked.probe): [] for asked in scenarios
    }
    mixes = {
        (asked.target, asked.repeat, asked.probe) for asked in scenarios if "mix" in asked.settings
    }
    for window in windows:
        span = window.span
        searched = by_target.setdefault(span.target, [])
        of_scenario.get((span.target, span.repeat, span.probe), searched).append(window)
    return {
        name: Details(
            _timeline(each),
            _held(each),
            [
                _trace(
                    at_once(found) if key in mixes else found,
                    [s for s in samples if (s.target, s.repeat, s.probe) == key],
                )
                for key, found in of_scenario.items()
                if key[0] == name and found
            ],
        )
        for name, each in by_target.items()
    }


def _trace(windows: Sequence[Window], samples: Sequence[ServerSample]) -> Trace:
    moments = _timeline(windows)
    known = [
        (sample.at_s - windows[0].start_s, sample.resident_bytes / 2**20)
        for sample in samples
        if sample.resident_bytes is not None and sample.moment == "during"
    ]
    return Trace(moments, known[:: -(-len(known) // MOST_POINTS) or 1])


def _timeline(windows: Sequence[Window]) -> list[Moment]:
    shown = [window for window in windows if window.span.phase != "drain"]
    together = -(-len(shown) // MOST_POINTS)
    groups: list[list[Window]] = []
    for window in shown:
        full = not groups or len(groups[-1]) >= together or groups[-1][0].span != window.span
        if full:
            groups.append([])
        groups[-1].append(window)
    return [_moment(across_time(group), windows[0].start_s) for group in groups]


def _moment(window: Window, began_s: float) -> Moment:
    span, latency = window.span, window.times.response
    return Moment(
        at_s=window.start_s - began_s,
        probe=span.probe,
        repeat=span.repeat,
        step=span.step,
        phase=span.phase,
        users=span.users,
        rate_rps=span.rate_rps,
        offered_rps=window.offered_rps,
        goodput_rps=window.goodput_rps,
        wrong_rps=sum(window.wrong.values()) / window.duration_s,
        p50_ms=_at(latency, 50),
        p99_ms=_at(latency, 99),
        busy_ratio=window.busy_ratio,
        unsent_rps=window.unsent / window.duration_s,
    )


def _held(windows: Sequence[Window]) -> Spectrum | None:
    held = [w for w in windows if w.span.step == "hold" and w.span.phase == "measure"]
    if not held:
        return None
    last = [window for window in held if window.span.users == held[-1].span.users]
    times = across_time(last).times
    return Spectrum(_percentiles(times.response), _percentiles(times.service))


def _percentiles(histogram: HdrHistogram) -> list[tuple[float, float]]:
    """In equal steps of the logarithm of what lies beyond, as HdrHistogram's own plots have it."""
    points, step = [], 0
    while (value := _at(histogram, percent := 100 * (1 - 10 ** (-step / _STEPS_A_DECADE)))) or (
        not step and histogram.get_total_count()
    ):
        points.append((percent, value or 0.0))
        step += 1
    return points


def _at(histogram: HdrHistogram, percent: float) -> float | None:
    """In milliseconds; None with fewer than ten answers beyond."""
    beyond = histogram.get_total_count() * (1 - percent / 100)
    if beyond < ANSWERS_BEYOND - 1e-9:
        return None
    return float(histogram.get_value_at_percentile(percent)) / 1000
