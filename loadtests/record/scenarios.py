"""The verdict on each scenario of a target, from its one recorded probe."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from loadtests.measure.coldness import Met, cold_outcome
from loadtests.measure.disturbances import overload_outcome, spike_outcome
from loadtests.measure.evidence import evidence
from loadtests.measure.facts import ProbeFacts
from loadtests.measure.gate import check_outcome, check_reasons
from loadtests.measure.legs import Leg, at_once, legs_of
from loadtests.measure.levels import value_at
from loadtests.measure.mixture import mixed_outcome
from loadtests.measure.outcome import Outcome
from loadtests.measure.ramping import ramp_outcome
from loadtests.measure.replaying import replay_outcome
from loadtests.measure.slo import Slo, default_slo, parse_slo
from loadtests.measure.soaking import soak_outcome
from loadtests.measure.verdicts import course_reasons
from loadtests.measure.window import Window, quantiles_ms
from loadtests.record.answers import ScenarioAsked, VersionLoaded
from loadtests.record.probes import RecordedProbe, facts_of
from loadtests.record.run import TargetRun
from loadtests.record.summary import (
    Latency,
    Reason,
    Reconciliation,
    Scenario,
    ScenarioFigure,
    ScenarioLeg,
)
from loadtests.search.mix import parse_mix
from serving.errors import RecordError


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is of a scenario when it is judged."""

    asked: ScenarioAsked
    probe: RecordedProbe
    legs: Sequence[Leg]
    slo: Slo | None
    facts: ProbeFacts
    version: VersionLoaded | None


def _soak(seen: Seen) -> Outcome:
    probe, slo = seen.probe, seen.slo
    shown = evidence(probe.measured, probe.drained, slo) if slo else None
    return soak_outcome(seen.legs, probe.samples, shown)


def _check(seen: Seen) -> Outcome:
    if seen.slo is None:
        return Outcome("not judged", None, ("No objective was given.",))
    return check_outcome(seen.facts)


def _replay(seen: Seen) -> Outcome:
    probe, slo = seen.probe, seen.slo
    shown = evidence(probe.measured, probe.drained, slo) if slo else None
    return replay_outcome(seen.legs, probe.drained, shown)


def _cold(seen: Seen) -> Outcome:
    if (met := seen.version) is None:
        return cold_outcome(seen.legs, None)
    return cold_outcome(seen.legs, Met(met.ready_s, met.asked_at_s, met.took_s, met.why))


def _mixed(seen: Seen) -> Outcome:
    weights = {part.name: part.weight for part in parse_mix(str(seen.asked.settings["mix"]))}
    slo = seen.slo
    shown = {leg.step: evidence(_ended(leg), (), slo) for leg in seen.legs} if slo else {}
    return mixed_outcome(seen.legs, weights, shown)


def _ended(leg: Leg) -> list[Window]:
    """What is in flight at the end ends in the drain, which tells no parts apart."""
    *windows, last = leg.windows
    return [*windows, replace(last, in_flight=0)]


_JUDGES: dict[str, Callable[[Seen], Outcome]] = {
    "ramp": lambda seen: ramp_outcome(seen.legs, seen.asked.capacity_rps or 0.0, seen.slo),
    "spike": lambda seen: spike_outcome(seen.legs),
    "overload": lambda seen: overload_outcome(seen.legs, seen.asked.capacity_rps or 0.0),
    "soak": _soak,
    "check": _check,
    "replay": _replay,
    "cold": _cold,
    "mixed": _mixed,
}


def judge_scenario(
    target: TargetRun,
    asked: ScenarioAsked,
    probe: RecordedProbe,
    searched: Sequence[RecordedProbe],
    versions: Sequence[VersionLoaded] = (),
) -> Scenario:
    """One scenario in ``probe``. A ramp without an SLO of its own gets the default one, from the
    latency of a single user among the probes that were ``searched``. RecordError for a scenario
    that is unknown.
    """
    if asked.scenario not in _JUDGES:
        raise RecordError(f"the record has a scenario {asked.scenario!r}, which nobody here knows")
    legs = legs_of(probe.measured)
    slo = parse_slo(asked.slo) if asked.slo else None
    if slo is None and asked.scenario == "ramp":
        slo = _default_slo(searched)
    whole = replace(probe, measured=at_once(probe.measured)) if _mixes(asked) else probe
    facts = facts_of(target, whole, None, slo=slo)
    doubts = check_reasons if asked.scenario == "check" and slo else course_reasons
    reasons = [Reason(**asdict(reason)) for reason in doubts(facts)]
    if not probe.ended:
        reasons.append(_CUT_SHORT)
    met = (v for v in versions if (v.target, v.repeat) == (asked.target, asked.repeat))
    outcome = _JUDGES[asked.scenario](Seen(asked, probe, legs, slo, facts, next(met, None)))
    return Scenario(
        name=asked.scenario,
        repeat=asked.repeat,
        settings=dict(asked.settings),
        capacity_rps=asked.capacity_rps and round(asked.capacity_rps, 3),
        given=asked.given,
        slo=str(slo) if slo else None,
        valid=not reasons,
        reasons=reasons,
        outcome=outcome.word,
        good=outcome.good,
        says=list(outcome.says),
        figures=[_figure(**asdict(figure)) for figure in outcome.figures],
        legs=[_leg(leg) for leg in legs],
        reconciliation=Reconciliation(**asdict(probe.reconciliation())),
    )


def _mixes(asked: ScenarioAsked) -> bool:
    return "mix" in asked.settings


_CUT_SHORT = Reason(
    rule="whole",
    what="the scenario was cut short",
    remedy="see what ended the run, and run it again",
)


def _default_slo(searched: Sequence[RecordedProbe]) -> Slo | None:
    closed = [probe for probe in searched if probe.span.rate_rps is None and probe.whole.right]
    if not closed:
        return None
    lightest = min(closed, key=lambda probe: probe.span.users)
    return default_slo(value_at(lightest.whole.times.response, 0.99))


def _figure(
    what: str, value: float | None, unit: str, low: float | None, high: float | None
) -> ScenarioFigure:
    value, low, high = (
        None if number is None else float(f"{number:.6g}") for number in (value, low, high)
    )
    return ScenarioFigure(what=what, value=value, unit=unit, low=low, high=high)


def _leg(leg: Leg) -> ScenarioLeg:
    whole = leg.whole
    return ScenarioLeg(
        step=leg.step,
        rate_rps=None if whole.span.rate_rps is None else round(whole.span.rate_rps, 3),
        duration_s=round(whole.duration_s, 3),
        offered_rps=round(whole.offered_rps, 3),
        goodput_rps=round(whole.goodput_rps, 3),
        wrong=whole.wrong,
        unsent=whole.unsent,
        error_ratio=round(whole.error_ratio, 6),
        latency_ms=Latency(**quantiles_ms(whole.times.response)),
        generator_busy_ratio=round(whole.busy_ratio, 4),
    )
