"""The verdict on a target's ceiling, from its recorded probes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from loadtests.measure import intervals, verdicts
from loadtests.measure.replicates import Hold, goodput_of, hold_of, holds_interval
from loadtests.measure.window import Window, quantiles_ms
from loadtests.record.probes import RecordedProbe, whole_of
from loadtests.record.run import TargetRun
from loadtests.record.summary import Ceiling, Interval, Latency, Reason, Verdict
from loadtests.record.turns import Turns, facts_of_turns, turns_of
from loadtests.search.ceiling import MAX_ERROR_RATIO, settled
from loadtests.search.profiles import PROFILES

SERVER = "server"


@dataclass(frozen=True, slots=True)
class JudgedCeiling:
    """A ceiling with its verdict, or why there is none; all None before anything was held."""

    ceiling: Ceiling | None = None
    verdict: Verdict | None = None
    failure: str | None = None


def judge_ceiling(
    target: TargetRun,
    probes: Sequence[RecordedProbe],
    profile: str,
    precision: float | None = None,
) -> JudgedCeiling:
    """Over all starts: VALID when each is, the server's when each shows it."""
    repeats = sorted({probe.span.repeat for probe in probes})
    starts = [turns for repeat in repeats if (turns := turns_of(probes, repeat)).holds]
    if not starts:
        return JudgedCeiling()
    every = [hold for start in starts for hold in start.holds]
    if faults := [fault for probe in every if (fault := _fault(probe.whole))]:
        return JudgedCeiling(failure=faults[0])
    max_users = PROFILES[profile].max_users
    each = [
        verdicts.verdict(facts_of_turns(target, start, capped=start.users >= max_users))
        for start in starts
    ]
    verdict = together(target, each)
    return JudgedCeiling(_ceiling(target, starts, verdict, precision), verdict)


def _fault(held: Window) -> str | None:
    """Why a held measurement is no ceiling, None when it is one."""
    if held.error_ratio <= MAX_ERROR_RATIO and held.right:
        return None
    kinds = ", ".join(f"{count} {kind}" for kind, count in held.wrong.items()) or "no answer"
    return f"no ceiling: at {held.span.users} users answers went wrong ({kinds})"


def together(target: TargetRun, each: Sequence[verdicts.Verdict]) -> Verdict:
    """Every reason of every repeat; the bottleneck of the first that was not the server's."""
    decisive = next((one for one in each if one.bottleneck != SERVER), each[0])
    return Verdict(
        valid=all(one.valid for one in each),
        reasons=[
            Reason(**asdict(reason) | {"what": _of_repeat(reason.what, number, len(each))})
            for number, one in enumerate(each, start=1)
            for reason in one.reasons
        ],
        bottleneck=decisive.bottleneck,
        evidence=decisive.evidence,
        unknown=tuple(target.unknown),
    )


def _of_repeat(what: str, number: int, repeats: int) -> str:
    return what if repeats == 1 else f"repeat {number}: {what}"


def _ceiling(
    target: TargetRun, starts: Sequence[Turns], verdict: Verdict, precision: float | None
) -> Ceiling:
    first = whole_of(starts[0].holds)
    holds = [[hold_of(probe.measured) for probe in start.holds] for start in starts]
    goodputs = [goodput_of(held) for held in holds]
    goodput_rps = fmean(goodputs)
    return Ceiling(
        goodput_rps=round(goodput_rps, 3),
        ci95_rps=_rounded(_interval(starts, holds)),
        precision=precision,
        predictions_per_s=round(goodput_rps * target.batch, 3),
        repeats_rps=[round(goodput, 3) for goodput in goodputs],
        holds_rps=[[round(hold.goodput_rps, 3) for hold in held] for held in holds],
        unsettled_rps=next(filter(None, map(_unsettled, starts)), None),
        users=first.span.users,
        latency_ms=Latency(**quantiles_ms(first.times.response)),
        error_ratio=round(first.error_ratio, 6),
        duration_s=round(first.duration_s, 3),
        generator_busy_ratio=round(first.busy_ratio, 4),
        at_least=verdict.bottleneck != SERVER,
    )


def _interval(
    starts: Sequence[Turns], holds: Sequence[Sequence[Hold]]
) -> intervals.Interval | None:
    """Over the starts; of one, over its holds; of one hold, as older records have, within it."""
    if len(starts) > 1:
        return intervals.mean_interval([goodput_of(held) for held in holds])
    if len(holds[0]) > 1:
        return holds_interval(holds[0])
    return intervals.goodput_interval(starts[0].holds[0].measured)


def _unsettled(start: Turns) -> list[float] | None:
    """The goodput of the last three warm-ups, where it was still on its way."""
    warmed = start.warmups_rps
    return None if settled(warmed) else [round(rate, 3) for rate in warmed[-3:]]


def _rounded(interval: Interval | None) -> Interval | None:
    return interval and (round(max(0.0, interval[0]), 3), round(interval[1], 3))
