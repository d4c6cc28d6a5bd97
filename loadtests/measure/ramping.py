"""The outcome of a ramp: up to which step a server kept pace, and its SLO held."""

from collections.abc import Sequence
from dataclasses import replace

from loadtests.measure.evidence import evidence
from loadtests.measure.legs import Leg
from loadtests.measure.outcome import Figure, Outcome, share
from loadtests.measure.slo import DEFAULT_MAX_ERROR_RATIO, Slo

PACE = 0.95
"""A server keeps pace that answers so much of what falls due rightly."""


def ramp_outcome(legs: Sequence[Leg], capacity_rps: float, slo: Slo | None) -> Outcome:
    """The last step, of those that follow each other from the first, at which all was well."""
    paced = _first_failing([keeps_pace(leg) for leg in legs])
    held = _first_failing([_holds(leg, slo) for leg in legs]) if slo else None
    says = [_pace_sentence(legs, paced, capacity_rps)]
    figures = [_figure("kept pace up to", legs, paced)]
    if held is not None and slo is not None:
        says.append(_slo_sentence(legs, held, slo))
        figures.append(_figure("objective held up to", legs, held))
    last = min(paced, len(legs) if held is None else held)
    word = "held throughout" if last == len(legs) else f"gave way at {legs[last].step}"
    return Outcome(word, True if last == len(legs) else None, tuple(says), tuple(figures))


def keeps_pace(leg: Leg) -> bool:
    """Whether the right answers follow what falls due, nearly without failures."""
    whole = leg.whole
    return (
        whole.right >= PACE * whole.due
        and sum(whole.wrong.values()) + whole.unsent <= DEFAULT_MAX_ERROR_RATIO * whole.due
    )


def _holds(leg: Leg, slo: Slo) -> bool:
    """What is in flight at its end is counted in the next step, where it ends."""
    *windows, last = leg.windows
    ended = (*windows, replace(last, in_flight=0))
    return evidence(ended, (), slo).outcome in ("pass", "likely")


def _first_failing(well: Sequence[bool]) -> int:
    return next((index for index, each in enumerate(well) if not each), len(well))


def _pace_sentence(legs: Sequence[Leg], failing: int, capacity_rps: float) -> str:
    if failing == len(legs):
        return f"The server kept pace up to the last step, {_rate(legs[-1], capacity_rps)}."
    kept = (
        f"kept pace up to {_rate(legs[failing - 1], capacity_rps)}" if failing else "kept no pace"
    )
    return f"The server {kept}, and no more at {_rate(legs[failing], capacity_rps)}."


def _slo_sentence(legs: Sequence[Leg], failing: int, slo: Slo) -> str:
    if failing == len(legs):
        return f"The objective {slo} held at every step."
    upto = f"up to {_offered(legs[failing - 1])}" if failing else "at no step"
    return f"The objective {slo} held {upto}; it broke at {_offered(legs[failing])}."


def _figure(what: str, legs: Sequence[Leg], failing: int) -> Figure:
    return Figure(what, legs[failing - 1].whole.offered_rps if failing else None, "/s")


def _offered(leg: Leg) -> str:
    return f"{leg.whole.offered_rps:,.0f}/s"


def _rate(leg: Leg, capacity_rps: float) -> str:
    return f"{_offered(leg)} ({share(leg.whole.offered_rps, capacity_rps):.0f} % of the capacity)"
