"""The verdict on a target's ceiling, from its recorded probes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from loadtests.measure import verdicts
from loadtests.measure.intervals import goodput_interval, mean_interval
from loadtests.measure.window import Window, quantiles_ms
from loadtests.record.probes import RecordedProbe, facts_of, last_of
from loadtests.record.run import TargetRun
from loadtests.record.summary import Ceiling, Interval, Latency, Reason, Verdict
from loadtests.search.ceiling import MAX_ERROR_RATIO, PROFILES

SERVER = "server"


@dataclass(frozen=True, slots=True)
class JudgedCeiling:
    """A ceiling with its verdict, or why there is none; all None before anything was held."""

    ceiling: Ceiling | None = None
    verdict: Verdict | None = None
    failure: str | None = None


def judge_ceiling(
    target: TargetRun, probes: Sequence[RecordedProbe], profile: str
) -> JudgedCeiling:
    """Over all repeats: VALID when each is, the server's when each shows it."""
    repeats = sorted({probe.span.repeat for probe in probes})
    held = [probe for repeat in repeats if (probe := last_of(probes, "hold", repeat))]
    if not held:
        return JudgedCeiling()
    if faults := [fault for probe in held if (fault := _fault(probe.whole))]:
        return JudgedCeiling(failure=faults[0])
    max_users = PROFILES[profile].max_users
    each = [
        verdicts.verdict(
            facts_of(
                target,
                probe,
                last_of(probes, "double", probe.span.repeat),
                capped=probe.span.users >= max_users,
            )
        )
        for probe in held
    ]
    verdict = together(target, each)
    return JudgedCeiling(_ceiling(target, held, verdict), verdict)


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


def _ceiling(target: TargetRun, held: Sequence[RecordedProbe], verdict: Verdict) -> Ceiling:
    first = held[0].whole
    goodputs = [probe.whole.goodput_rps for probe in held]
    goodput_rps = fmean(goodputs)
    return Ceiling(
        goodput_rps=round(goodput_rps, 3),
        ci95_rps=_interval(held, goodputs),
        predictions_per_s=round(goodput_rps * target.batch, 3),
        repeats_rps=[round(goodput, 3) for goodput in goodputs],
        users=first.span.users,
        latency_ms=Latency(**quantiles_ms(first.times.response)),
        error_ratio=round(first.error_ratio, 6),
        duration_s=round(first.duration_s, 3),
        generator_busy_ratio=round(first.busy_ratio, 4),
        at_least=verdict.bottleneck != SERVER,
    )


def _interval(held: Sequence[RecordedProbe], goodputs: Sequence[float]) -> Interval | None:
    several = len(held) > 1
    found = mean_interval(goodputs) if several else goodput_interval(held[0].measured)
    return _rounded(found)


def _rounded(interval: Interval | None) -> Interval | None:
    return interval and (round(max(0.0, interval[0]), 3), round(interval[1], 3))
