"""The outcome of a cold start: how long it took, and who noticed when a version was loaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.measure.legs import Leg, point_of
from loadtests.measure.outcome import Figure, Outcome, cut_short, ms, recovered, share
from loadtests.measure.slo import DEFAULT_MAX_ERROR_RATIO


@dataclass(frozen=True, slots=True)
class Met:
    """What the server did: its first right answer ``ready_s`` after its start, and the next
    version ``took_s`` after ``asked_at_s``; ``why`` not, or why the last one was not unloaded.
    """

    ready_s: float
    asked_at_s: float
    took_s: float | None
    why: str | None


def cold_outcome(legs: Sequence[Leg], met: Met | None) -> Outcome:
    """Of ``before``, ``loading`` and ``after``; ``met`` is None where nobody saw to a version."""
    if cut := cut_short(("before", "loading", "after"), legs):
        return cut
    before, loading, after = legs
    calm_us, busy_us = point_of(before.windows).p99_us, point_of(loading.windows).p99_us
    lost = _lost(loading) + _lost(after)
    failed = share(lost, loading.whole.due + after.whole.due)
    figures = (
        Figure("first right answer after", met.ready_s if met else None, "s"),
        Figure("next version served after", met.took_s if met else None, "s"),
        Figure("p99 before", ms(calm_us), "ms"),
        Figure("p99 while loading", ms(busy_us), "ms"),
        Figure("failed while loading and after", failed, "%"),
    )
    word, good = _word(met, failed)
    _, sentence = recovered(before, after, loading.end_s)
    noticed = f"{lost:,} requests failed meanwhile and after ({failed:.2g} %)"
    slower = (
        f"; p99 went from {calm_us / 1000:.3g} ms to {busy_us / 1000:.3g} ms"
        if (calm_us and busy_us)
        else ""
    )
    return Outcome(word, good, (*_start(met), f"{noticed}{slower}.", sentence), figures)


def _word(met: Met | None, failed: float) -> tuple[str, bool | None]:
    if met is None:
        return "no version seen", None
    if met.took_s is None:
        return "not loaded", False
    if failed > 100 * DEFAULT_MAX_ERROR_RATIO:
        return "requests failed", False
    return "loaded under load", True


def _start(met: Met | None) -> list[str]:
    if met is None:
        return ["Nobody had a version loaded: redline run does that, a locustfile alone does not."]
    if met.took_s is None:
        served = f"the next version was not loaded: {met.why}"
    else:
        served = f"the next version was served {met.took_s:.1f} s after it was asked for"
        served += f"; the last one was not unloaded: {met.why}" if met.why else ""
    return [f"The first right answer came {met.ready_s:.1f} s after the start; {served}."]


def _lost(leg: Leg) -> int:
    return sum(leg.whole.wrong.values()) + leg.whole.unsent
