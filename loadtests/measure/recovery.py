"""How long after a disturbance a server is as it was before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from loadtests.measure.legs import Point
from loadtests.measure.slo import DEFAULT_MAX_ERROR_RATIO

LASTING = 3
"""So many windows in a row must be as before: a single one may be so by chance."""
SPREAD = 3.0
"""As before is what lies within so many standard deviations of the mean before."""
SLACK = 1.2
"""Or within 20 % of that mean: a very regular server need not be as regular again."""
FEW = 3
"""So many requests in flight more than before are nothing."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """``time_s`` from the end of the disturbance to the end of the last window that was worse than
    before; None if that did not come within the ``seen_s`` that were looked at. It is told to
    ``resolution_s``, the length of a window. ``lagging`` names what was worse to the last.
    """

    time_s: float | None
    seen_s: float
    resolution_s: float
    lagging: tuple[str, ...] = ()


_Reader = Callable[[Point], float | None]
_READERS: dict[str, _Reader] = {
    "the median latency": lambda point: point.p50_us,
    "the p99": lambda point: point.p99_us,
    "the requests in flight": lambda point: point.in_flight,
    "the error ratio": lambda point: point.error_ratio,
}


def recovery(before: Sequence[Point], after: Sequence[Point], from_s: float) -> Recovery:
    """From the moment ``from_s`` on, which ``after`` follows; both must have a point.

    What was not known before (a p99 of too few answers) is not asked for. A window in which
    something fell due and nothing was answered is worse than before, whatever it was.
    """
    limits = {name: limit for name, read in _READERS.items() if (limit := _limit(name, before))}
    worse = [_worse(point, limits) for point in after]
    resolution_s = max(point.duration_s for point in after)
    for index in range(len(worse) - LASTING + 1):
        if not any(worse[index : index + LASTING]):
            began_s = after[index - 1].end_s if index else from_s
            return Recovery(max(0.0, began_s - from_s), after[-1].end_s - from_s, resolution_s)
    return Recovery(None, after[-1].end_s - from_s, resolution_s, tuple(worse[-1]))


def _limit(name: str, before: Sequence[Point]) -> float | None:
    values = [value for point in before if (value := _READERS[name](point)) is not None]
    if not values:
        return None
    mean, spread = fmean(values), stdev(values) if len(values) > 1 else 0.0
    least = {"the requests in flight": FEW, "the error ratio": DEFAULT_MAX_ERROR_RATIO}
    return max(SLACK * mean, mean + SPREAD * spread, mean + least.get(name, 0.0))


def _worse(point: Point, limits: dict[str, float]) -> list[str]:
    """What is worse than before; nothing where all is as before."""
    found = [
        name
        for name, limit in limits.items()
        if (value := _READERS[name](point)) is not None and value > limit
    ]
    silent = point.due and not point.right
    return [*found, "the goodput"] if silent else found
