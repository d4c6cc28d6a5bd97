"""The verdict on a target's capacity at an SLO, from its recorded probes."""

from collections.abc import Sequence
from dataclasses import replace

from loadtests.measure import verdicts
from loadtests.measure.capacity_fit import Crossing, FitPoint, capacity_of, point_of
from loadtests.measure.evidence import counts_of
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.slo import Slo, parse_slo
from loadtests.record.answers import CapacityFound
from loadtests.record.judge import together
from loadtests.record.probes import RecordedProbe, facts_of, last_of
from loadtests.record.run import TargetRun
from loadtests.record.summary import Capacity, CapacityFit, CapacityPoint, Outcome, Reason, Verdict


def judge_capacity(
    target: TargetRun, probes: Sequence[RecordedProbe], found: Sequence[CapacityFound]
) -> Capacity | None:
    """Over all valid probes of all repeats; None where no capacity was searched for.

    A repeat that found none makes it INVALID: the others alone would be too good.
    """
    if not found:
        return None
    slo = parse_slo(found[0].slo)
    points = fit_points(target, probes, slo)
    at_least = [one.rate_rps for one in found if one.at_least and one.rate_rps is not None]
    any_found = any(one.rate_rps is not None for one in found)
    fit = fit_of(points, slo) if any_found and not at_least else None
    rate_rps = min(at_least, default=fit.rate_rps if fit else None)
    confirmed = [one.confirmed_rps for one in found if one.confirmed_rps is not None]
    return Capacity(
        slo=found[0].slo,
        rate_rps=None if rate_rps is None else round(rate_rps, 3),
        ci95_rps=(round(fit.low_rps, 3), round(fit.high_rps, 3)) if fit else None,
        repeats_rps=[round(each, 3) for each in (fit.starts_rps if fit else at_least)],
        at_least=bool(at_least),
        why=next((one.why for one in found if one.why), None),
        verdict=_verdict(target, probes, found, slo) if rate_rps is not None else None,
        confirmed_rps=round(max(confirmed), 3) if confirmed else None,
        confirmed_repeats=len(confirmed),
        fit=_recorded(fit, points) if fit else None,
    )


def fit_points(target: TargetRun, probes: Sequence[RecordedProbe], slo: Slo) -> list[FitPoint]:
    """Of each probe at a rate that was measured to its end and broke no rule but the SLO's."""
    return [
        point_of(
            probe.span.repeat, probe.span.rate_rps, counts_of(probe.measured, probe.drained, slo)
        )
        for probe in probes
        if probe.ended
        and probe.span.rate_rps is not None
        and verdicts.sound(facts_of(target, probe, None, slo=slo))
    ]


def fit_of(points: Sequence[FitPoint], slo: Slo) -> Crossing | None:
    """Where the share crosses what ``slo`` allows."""
    return capacity_of(points, 1 - slo.quantile, slo.max_error_ratio)


def slo_outcome_of(
    target: TargetRun, probe: RecordedProbe, found: Sequence[CapacityFound]
) -> Outcome | None:
    """Whether the SLO held in one probe of a search for a capacity; None for any other probe."""
    if not found or probe.span.rate_rps is None:
        return None
    return verdicts.slo_outcome(facts_of(target, probe, None, slo=parse_slo(found[0].slo)))


def _recorded(fit: Crossing, points: Sequence[FitPoint]) -> CapacityFit:
    return CapacityFit(
        allowed=fit.allowed,
        steepness=round(fit.steepness, 3),
        dispersion=round(fit.dispersion, 3),
        covers=_covers(len(fit.starts_rps)),
        points=[
            CapacityPoint(
                repeat=point.start,
                rate_rps=point.rate_rps,
                requests=point.requests,
                missed=point.missed,
                failed=point.failed,
                dispersion=round(point.dispersion, 3),
                near=any(
                    (each.start, each.rate_rps) == (point.start, point.rate_rps)
                    for each in fit.near
                ),
            )
            for point in points
        ],
    )


def _covers(starts: int) -> str:
    return "this start of the server" if starts == 1 else f"{starts} starts of the server"


def _verdict(
    target: TargetRun, probes: Sequence[RecordedProbe], found: Sequence[CapacityFound], slo: Slo
) -> Verdict | None:
    """Of the confirmations; how precise the fit is tells its interval, not this."""
    each = [
        verdicts.verdict(facts)
        for one in found
        if (facts := _confirmed(target, probes, one.repeat, slo))
    ]
    if not each:
        return None
    verdict = together(target, [_without_precision(one) for one in each])
    none = [
        Reason(
            rule="repeats",
            what=f"repeat {one.repeat + 1} found no capacity: {one.why}",
            remedy="look what differed in that start of the server, and run again",
        )
        for one in found
        if one.rate_rps is None
    ]
    reasons = [*verdict.reasons, *none]
    return verdict.model_copy(update={"valid": not reasons, "reasons": reasons})


def _without_precision(verdict: verdicts.Verdict) -> verdicts.Verdict:
    """Too few answers to confirm a rate make no fit wrong: what was confirmed stands beside it."""
    kept = tuple(reason for reason in verdict.reasons if reason.rule != "evidence")
    return replace(verdict, valid=not kept, reasons=kept)


def _confirmed(
    target: TargetRun, probes: Sequence[RecordedProbe], repeat: int, slo: Slo
) -> ProbeFacts | None:
    """The last confirmation of a repeat, beside the lowest rate above it that was probed."""
    confirmed = last_of(probes, "confirm", repeat)
    if confirmed is None:
        return None
    rate_rps = confirmed.span.rate_rps or 0
    above = [
        probe
        for probe in probes
        if probe.ended and probe.span.repeat == repeat and (probe.span.rate_rps or 0) > rate_rps
    ]
    harder = min(above, key=lambda probe: probe.span.rate_rps or 0, default=None)
    return facts_of(target, confirmed, harder, slo=slo)
