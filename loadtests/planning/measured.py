"""From summaries to what a plan is made of."""

from collections.abc import Sequence

from loadtests.measure.slo import parse_slo
from loadtests.planning.closed import ClosedProbe
from loadtests.planning.curve import OpenProbe
from loadtests.planning.law import Law, law_of
from loadtests.planning.replica import Doubt, Excluded, Figure, Replica
from loadtests.record.summary import Latency, Probe, Summary, TargetSummary
from loadtests.search.ceiling import MAX_ERROR_RATIO

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


def replicas_of(
    summaries: Sequence[Summary], told_cores: int | None = None
) -> tuple[list[Replica], list[Excluded]]:
    """Every target of the runs that has what a plan needs, and the others with why not.

    ``told_cores`` are each server's of which that is not known.
    """
    found: list[Replica] = []
    missing: list[Excluded] = []
    for summary in summaries:
        for target in summary.targets:
            one = _replica(summary, target, told_cores)
            if isinstance(one, str):
                missing.append(Excluded(summary.name, target.name, one))
            else:
                found.append(one)
    return found, missing


def _replica(summary: Summary, target: TargetSummary, told_cores: int | None) -> Replica | str:
    closed = _closed(target.probes)
    if target.ceiling is None:
        return target.failure or "it was never measured: it has no ceiling"
    if not closed or target.ceiling.goodput_rps <= 0:
        return "none of its probes has answers enough for a latency"
    cores = len(target.server_cores) or told_cores
    if not cores:
        return "the server's cores are not known: --server-cores tells their number"
    capacity = _capacity(target)
    return Replica(
        run=summary.name,
        name=target.name,
        server=target.server,
        protocol=target.protocol,
        model=target.model,
        batch=target.batch,
        body=target.body,
        configuration=target.configuration,
        deployment=target.deployment,
        cores=cores,
        cpu=summary.host.cpu,
        doubts=tuple(_doubts(summary, target)),
        ceiling=_ceiling(target),
        capacity=capacity,
        capacity_slo=parse_slo(target.capacity.slo) if capacity and target.capacity else None,
        closed=closed,
        open=_open(target.probes),
        cores_told=not target.server_cores,
    )


def _doubts(summary: Summary, target: TargetSummary) -> list[Doubt]:
    doubts = []
    if target.deployment == "embedded":
        what = "a stand-in was measured in place of the server; --allow-embedded takes it"
        doubts.append(Doubt("embedded", what))
    if not summary.complete:
        what = "its run is incomplete; --allow-invalid takes it"
        doubts.append(Doubt("invalid", what))
    judged = [("ceiling", target.verdict)]
    if target.capacity and target.capacity.rate_rps is not None:
        judged.append(("capacity", target.capacity.verdict))
    for name, verdict in judged:
        if verdict is None or not verdict.valid:
            why = f" ({verdict.reasons[0].what})" if verdict and verdict.reasons else ""
            doubts.append(Doubt("invalid", f"its {name} is INVALID{why}; --allow-invalid takes it"))
    return doubts


def _ceiling(target: TargetSummary) -> Figure:
    found = target.ceiling
    assert found  # noqa: S101 - the caller has looked
    low, high = found.ci95_rps or (found.goodput_rps, found.goodput_rps)
    repeats = len(found.repeats_rps)
    return Figure(found.goodput_rps, low, high, found.at_least, repeats)


def _capacity(target: TargetSummary) -> Figure | None:
    found = target.capacity
    if found is None or found.rate_rps is None:
        return None
    low, high = found.ci95_rps or (found.rate_rps, found.rate_rps)
    return Figure(found.rate_rps, low, high, found.at_least, len(found.repeats_rps))


def _closed(probes: Sequence[Probe]) -> tuple[ClosedProbe, ...]:
    """Little's law gives the mean latency, of all users together."""
    found = []
    for probe in probes:
        fit = probe.rate_rps is None and probe.error_ratio <= MAX_ERROR_RATIO
        if fit and probe.goodput_rps > 0 and probe.users > 0:
            law = _law(probe.latency_ms, probe.users / probe.goodput_rps)
            found += [ClosedProbe(probe.users, probe.goodput_rps, law)] if law else []
    return tuple(found)


def _open(probes: Sequence[Probe]) -> tuple[OpenProbe, ...]:
    found = []
    for probe in probes:
        law = _law(probe.latency_ms) if probe.rate_rps else None
        if law and probe.rate_rps:
            errors = max(probe.error_ratio, _unsent_share(probe))
            found.append(OpenProbe(probe.rate_rps, errors, law, _p99_ratio(probe)))
    return tuple(found)


def _unsent_share(probe: Probe) -> float:
    return probe.unsent / max(1, probe.sent + probe.unsent)


def _p99_ratio(probe: Probe) -> tuple[float, float]:
    p99_ms, ends_ms = probe.latency_ms.p99, probe.p99_ci95_ms
    if not p99_ms or ends_ms is None:
        return 1.0, 1.0
    return ends_ms[0] / p99_ms, ends_ms[1] / p99_ms


def _law(latency: Latency, mean_s: float | None = None) -> Law | None:
    quantiles = {
        share: None if (ms := getattr(latency, name)) is None else ms / 1000
        for name, share in QUANTILES.items()
    }
    return law_of(quantiles, mean_s)
