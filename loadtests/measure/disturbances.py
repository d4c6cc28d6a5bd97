"""The outcomes of the scenarios that disturb a server and look how it comes back."""

from collections import Counter
from collections.abc import Mapping, Sequence

from loadtests.measure.intervals import goodput_interval
from loadtests.measure.legs import Leg, point_of
from loadtests.measure.outcome import (
    Figure,
    Outcome,
    cut_short,
    ms,
    recovered,
    recovery_figure,
    share,
)
from loadtests.measure.reconcile import TOLD

KEPT = 0.9
"""Of the capacity, so much goodput must be left in an overload."""


def spike_outcome(legs: Sequence[Leg]) -> Outcome:
    """Of ``before``, ``peak`` and ``after``: whether all came to be as before, and when."""
    if cut := cut_short(("before", "peak", "after"), legs):
        return cut
    before, peak, after = legs
    found, sentence = recovered(before, after, peak.end_s)
    lost = _lost(peak)
    good = found.time_s is not None
    return Outcome(
        "recovered" if good else "not recovered",
        good,
        (
            f"The rate went from {before.whole.offered_rps:,.0f}/s to "
            f"{peak.whole.offered_rps:,.0f}/s and back.",
            _rest(peak, "the peak"),
            sentence,
        ),
        (
            recovery_figure(found),
            Figure("p99 before", ms(point_of(before.windows).p99_us), "ms"),
            Figure("p99 in the peak", ms(point_of(peak.windows).p99_us), "ms"),
            Figure("failed in the peak", lost, "%"),
        ),
    )


def overload_outcome(legs: Sequence[Leg], capacity_rps: float) -> Outcome:
    """Of ``before``, ``overload`` and ``after``: the goodput kept, the rejections, the recovery."""
    if cut := cut_short(("before", "overload", "after"), legs):
        return cut
    before, over, after = legs
    found, sentence = recovered(before, after, over.end_s)
    kept = over.whole.goodput_rps / capacity_rps
    interval = goodput_interval(over.windows)
    low, high = (share(end, capacity_rps) for end in interval) if interval else (None, None)
    stood = kept >= KEPT
    word = "withstood" if stood and found.time_s is not None else "not recovered"
    return Outcome(
        word if stood else "goodput lost",
        stood and found.time_s is not None,
        (
            f"Offered {over.whole.offered_rps:,.0f}/s, "
            f"{share(over.whole.offered_rps, capacity_rps):.0f} % of its capacity, the server gave "
            f"{over.whole.goodput_rps:,.0f} right answers a second: {100 * kept:.0f} % of it.",
            _rest(over, "the overload"),
            sentence,
        ),
        (
            Figure("goodput kept, of the capacity", 100 * kept, "%", low, high),
            recovery_figure(found),
            Figure("p99 in the overload", ms(point_of(over.windows).p99_us), "ms"),
            *_rejections(over),
        ),
    )


def _rest(leg: Leg, when: str) -> str:
    """What became of the requests that were not answered rightly."""
    lost = _lost(leg)
    if not lost:
        late = leg.whole.in_flight
        waited = f"; {late:,} still waited at its end" if late else ""
        return f"No request failed in {when}{waited}."
    told = sum(count for kind, count in leg.whole.wrong.items() if TOLD.match(kind))
    how = ", ".join(f"{name}: {100 * part:.1f} %" for name, part in _kinds(leg).items())
    quietly = "" if told else ", none of them with a word from the server"
    return f"{lost:.1f} % of what ended in {when} failed ({how}){quietly}."


def _rejections(leg: Leg) -> list[Figure]:
    return [Figure(f"ended as {name}", 100 * part, "%") for name, part in _kinds(leg).items()]


def _kinds(leg: Leg) -> Mapping[str, float]:
    """The kinds of failures, the most frequent first, as parts of all that ended."""
    kinds = Counter(leg.whole.wrong)
    if leg.whole.unsent:
        kinds["never sent"] += leg.whole.unsent
    ended = leg.whole.ended + leg.whole.unsent
    return {kind: count / ended for kind, count in kinds.most_common() if count}


def _lost(leg: Leg) -> float:
    """In percent of all that ended."""
    return 100 * sum(_kinds(leg).values())
