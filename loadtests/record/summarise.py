"""From the record alone (``run.json``, the windows, the server's samples) to the summary."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from loadtests.measure.intervals import goodput_interval, latency_interval
from loadtests.measure.server_sample import ServerSample
from loadtests.measure.window import Window, quantiles_ms
from loadtests.record.answers import CapacityFound, ScenarioAsked, VersionLoaded
from loadtests.record.claims import judge_claims
from loadtests.record.judge import judge_ceiling
from loadtests.record.judge_capacity import judge_capacity, slo_outcome_of
from loadtests.record.probes import RecordedProbe, recorded_probes
from loadtests.record.run import RunInfo, TargetIdentity, TargetRun
from loadtests.record.scenarios import judge_scenario
from loadtests.record.summary import (
    ErrorKind,
    Interval,
    Latency,
    Outcome,
    Probe,
    Reconciliation,
    Scenario,
    Summary,
    TargetSummary,
    WireRates,
)


def summarise(
    run: RunInfo,
    windows: Iterable[Window],
    samples: Iterable[ServerSample] = (),
    capacities: Sequence[CapacityFound] = (),
    scenarios: Sequence[ScenarioAsked] = (),
    versions: Sequence[VersionLoaded] = (),
) -> Summary:
    """The summary of ``run``; complete only if it finished and every target has a result."""
    probes = recorded_probes(windows, samples)
    targets = [
        _target(
            run,
            target,
            probes.get(target.name, []),
            [found for found in capacities if found.target == target.name],
            [asked for asked in scenarios if asked.target == target.name],
            versions,
        )
        for target in run.targets
    ]
    summary = Summary(
        complete=run.finished is not None and all(t.ceiling or t.scenarios for t in targets),
        failure=run.failure,
        name=run.name,
        started=run.started,
        finished=run.finished,
        profile=run.profile,
        command=run.command,
        redline=run.redline,
        versions=run.versions,
        seed=run.seed,
        host=run.host,
        targets=targets,
        demand=run.demand,
    )
    return summary.model_copy(update={"claims": judge_claims(run.claims, [summary])})


def _target(
    run: RunInfo,
    target: TargetRun,
    probes: Sequence[RecordedProbe],
    capacities: Sequence[CapacityFound],
    asked: Sequence[ScenarioAsked],
    versions: Sequence[VersionLoaded],
) -> TargetSummary:
    probes, scenarios = _apart(target, probes, asked, versions)
    identity = target.model_dump(include=set(TargetIdentity.model_fields))
    judged = judge_ceiling(target, probes, run.profile, run.precision)
    identity["failure"] = target.failure or judged.failure
    return TargetSummary(
        **identity,
        name=target.name,
        verdict=judged.verdict,
        ceiling=None if identity["failure"] else judged.ceiling,
        capacity=judge_capacity(target, probes, capacities),
        calibration=target.calibration,
        scenarios=scenarios,
        probes=[
            _probe(number, probe, slo_outcome_of(target, probe, capacities))
            for number, probe in enumerate(probes, start=1)
        ],
        errors=_errors(probes),
    )


def _apart(
    target: TargetRun,
    probes: Sequence[RecordedProbe],
    asked: Sequence[ScenarioAsked],
    versions: Sequence[VersionLoaded],
) -> tuple[list[RecordedProbe], list[Scenario]]:
    """The probes of the searches, and the scenarios, each judged from the probe that it is."""
    of_scenario = {(one.repeat, one.probe): one for one in asked}
    searched = [p for p in probes if (p.span.repeat, p.span.probe) not in of_scenario]
    return searched, [
        judge_scenario(
            target, of_scenario[probe.span.repeat, probe.span.probe], probe, searched, versions
        )
        for probe in probes
        if (probe.span.repeat, probe.span.probe) in of_scenario
    ]


def _probe(number: int, probe: RecordedProbe, slo_outcome: Outcome | None) -> Probe:
    window, span = probe.whole, probe.span
    times = window.times
    p99_us = latency_interval(probe.measured, 0.99)
    cores = probe.server_cores_used()
    return Probe(
        number=number,
        repeat=span.repeat,
        phase=span.step,  # type: ignore[arg-type]  # pydantic checks it
        users=span.users,
        rate_rps=span.rate_rps,
        connections=window.connections,
        duration_s=round(window.duration_s, 3),
        sent=window.ended,
        right=window.right,
        wrong=window.wrong,
        unsent=window.unsent + sum(drained.unsent for drained in probe.drained),
        offered_rps=round(window.offered_rps, 3),
        goodput_rps=round(window.goodput_rps, 3),
        goodput_ci95_rps=_rounded(goodput_interval(probe.measured)),
        error_ratio=round(window.error_ratio, 6),
        latency_ms=Latency(**quantiles_ms(times.response)),
        p99_ci95_ms=_rounded(p99_us and (p99_us[0] / 1000, p99_us[1] / 1000)),
        service_ms=Latency(**quantiles_ms(times.service)),
        slot_wait_ms=Latency(**quantiles_ms(times.slot_wait)),
        generator_lag_ms=Latency(**quantiles_ms(times.generator_lag)),
        generator_busy_ratio=round(window.busy_ratio, 4),
        server_cores_used=None if cores is None else round(cores, 3),
        wire=_wire(window),
        slo_outcome=slo_outcome,
        reconciliation=Reconciliation(**asdict(probe.reconciliation())),
    )


def _wire(window: Window) -> WireRates | None:
    wire, duration_s = window.wire, window.duration_s
    if wire is None or duration_s <= 0:
        return None
    return WireRates(
        sent_bytes_per_s=round(wire.sent_bytes / duration_s, 1),
        received_bytes_per_s=round(wire.received_bytes / duration_s, 1),
        retransmitted_ratio=round(wire.retransmitted_ratio, 6),
        rwnd_limited_ratio=round(wire.rwnd_limited_ratio, 4),
        sndbuf_limited_ratio=round(wire.sndbuf_limited_ratio, 4),
        rtt_ms=round(wire.rtt_us / 1000, 4),
    )


def _rounded(interval: Interval | None) -> Interval | None:
    return interval and (round(interval[0], 3), round(interval[1], 3))


def _errors(probes: Sequence[RecordedProbe]) -> dict[str, ErrorKind]:
    """By kind, most frequent first."""
    every: Counter[str] = Counter()
    held: Counter[str] = Counter()
    said: dict[str, str] = {}
    for probe in probes:
        wrong = probe.whole.wrong
        every.update(wrong)
        held.update(wrong if probe.span.step == "hold" else {})
        for window in (*probe.settled, *probe.measured, *probe.drained):
            said = window.said | said
    return {
        kind: ErrorKind(requests=count, held=held[kind], said=said.get(kind))
        for kind, count in sorted(every.items(), key=lambda item: (-item[1], item[0]))
    }
