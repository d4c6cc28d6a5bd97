"""The outcome of a soak: whether memory, latency, errors or goodput creep in its hours."""

from collections.abc import Callable, Sequence

from loadtests.measure.drift import Drift, drift
from loadtests.measure.evidence import Evidence
from loadtests.measure.legs import Leg, Point
from loadtests.measure.outcome import Figure, Outcome, Unit, cut_short, ms
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.slo import DEFAULT_MAX_ERROR_RATIO

GROUPS = 60
"""Neighbouring windows are taken together: so many groups tell a slope as well as thousands."""
ALLOWED = 0.05
"""Of its mean, so much may latency rise, or goodput fall, in the whole soak."""
ALLOWED_MEMORY = 0.02
MIB = 2**20

_Reader = Callable[[Point], float | None]


def soak_outcome(
    legs: Sequence[Leg], samples: Sequence[ServerSample], shown: Evidence | None
) -> Outcome:
    """Of the one leg ``soak``: slopes with their intervals; ``shown`` is what it says of an SLO."""
    if cut := cut_short(("soak",), legs):
        return cut
    (soak,) = legs
    points = soak.points(GROUPS)
    slopes = {
        "memory": _memory(soak, samples),
        "median latency": _of(points, lambda p: ms(p.p50_us), ALLOWED, "ms/h"),
        "p99 latency": _of(points, lambda p: ms(p.p99_us), ALLOWED, "ms/h"),
        "errors": _errors(points),
        "goodput": _of(points, lambda p: p.goodput_rps, ALLOWED, "/s/h", falling=True),
    }
    known = {name: slope for name, slope in slopes.items() if slope is not None}
    word, good = _word([found for found, _ in known.values()], shown)
    return Outcome(
        word,
        good,
        (*_sentences({name: found for name, (found, _) in known.items()}), *_of_slo(shown)),
        tuple(_figure(name, found, unit) for name, (found, unit) in known.items()),
    )


def _word(found: Sequence[Drift], shown: Evidence | None) -> tuple[str, bool | None]:
    if shown is not None and shown.outcome == "fail":
        return "SLO broken", False
    states = {one.state for one in found}
    if "creeps" in states:
        return "creeps", False
    return ("undecided", None) if "undecided" in states else ("steady", True)


def _sentences(found: dict[str, Drift]) -> list[str]:
    words = {
        "creeps": "Crept the wrong way, by more than is allowed: {}.",
        "undecided": "Undecided, since the interval is too wide (soak for longer): {}.",
        "steady": "Steady: {}.",
    }
    return [
        words[state].format(names)
        for state in ("creeps", "undecided", "steady")
        if (names := ", ".join(name for name, one in found.items() if one.state == state))
    ]


def _of_slo(shown: Evidence | None) -> list[str]:
    if shown is None:
        return []
    held = {"pass": "held", "likely": "seemed to hold", "unlikely": "seemed not to hold"}
    return [f"The objective {held.get(shown.outcome, 'did not hold')}: {shown.why}."]


def _memory(soak: Leg, samples: Sequence[ServerSample]) -> tuple[Drift, Unit] | None:
    """Of the server's processes together; None where nobody could look."""
    within = [
        (one.at_s, one.resident_bytes / MIB)
        for one in samples
        if one.resident_bytes is not None and soak.windows[0].start_s <= one.at_s <= soak.end_s
    ]
    if len(within) < 2:
        return None
    values = _thinned([value for _, value in within])
    mean = sum(values) / len(values)
    return drift(values, within[-1][0] - within[0][0], ALLOWED_MEMORY * mean), "MiB/h"


def _of(
    points: Sequence[Point], read: _Reader, allowed: float, unit: Unit, *, falling: bool = False
) -> tuple[Drift, Unit] | None:
    """None where too few points have the value."""
    values = [value for point in points if (value := read(point)) is not None]
    if len(values) < len(points):
        return None
    mean = sum(values) / len(values)
    return drift(values, points[-1].at_s - points[0].at_s, allowed * mean, falling=falling), unit


def _errors(points: Sequence[Point]) -> tuple[Drift, Unit]:
    values = [100 * point.error_ratio for point in points]
    span_s = points[-1].at_s - points[0].at_s
    return drift(values, span_s, 100 * DEFAULT_MAX_ERROR_RATIO), "%/h"


def _thinned(values: Sequence[float]) -> list[float]:
    """Means of neighbours, at most GROUPS of them."""
    together = -(-len(values) // GROUPS)
    parts = [values[i : i + together] for i in range(0, len(values), together)]
    return [sum(part) / len(part) for part in parts]


def _figure(name: str, found: Drift, unit: Unit) -> Figure:
    low, high = found.interval or (None, None)
    return Figure(f"{name}, slope", found.per_hour, unit, low, high)
