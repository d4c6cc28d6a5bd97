"""The outcome of a replay: whether all arrivals fell due as in the file, and were answered."""

from collections.abc import Sequence

from loadtests.measure.evidence import Evidence
from loadtests.measure.legs import Leg, point_of
from loadtests.measure.outcome import Figure, Outcome, cut_short, ms, share
from loadtests.measure.ramping import keeps_pace
from loadtests.measure.window import Window


def replay_outcome(
    legs: Sequence[Leg], drained: Sequence[Window], shown: Evidence | None
) -> Outcome:
    """Of the one leg ``replay``; ``shown`` is what it says of an SLO, None where there is none."""
    if cut := cut_short(("replay",), legs):
        return cut
    (leg,) = legs
    whole = leg.whole
    failed = sum(whole.wrong.values()) + whole.unsent
    right = whole.right + sum(window.right for window in drained)
    word, good = _word(leg, shown)
    busiest = max(point.due / point.duration_s for point in leg.points() if point.duration_s)
    return Outcome(
        word,
        good,
        (
            f"{whole.due:,} requests fell due, {whole.offered_rps:,.0f}/s on average and "
            f"{busiest:,.0f}/s in the busiest window; {right:,} were answered rightly.",
            *((f"{shown.why[:1].upper()}{shown.why[1:]}.",) if shown else ()),
        ),
        (
            Figure("answered rightly", share(right, whole.due), "%"),
            Figure("failed", share(failed, whole.due), "%"),
            Figure("busiest window", busiest, "/s"),
            Figure("p99", ms(point_of(leg.windows).p99_us), "ms"),
        ),
    )


def _word(leg: Leg, shown: Evidence | None) -> tuple[str, bool | None]:
    if shown is None:
        return ("kept pace", True) if keeps_pace(leg) else ("fell behind", False)
    if shown.outcome == "pass":
        return "objective held", True
    if shown.outcome == "fail":
        return "objective broken", False
    return "objective not shown", None
