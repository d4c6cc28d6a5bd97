"""Goodput and latency against load: users in closed loop, the offered rate in open loop."""

from loadtests.measure.slo import parse_slo
from loadtests.record.summary import Probe, TargetSummary
from loadtests.report import derived, numbers, traces, words
from loadtests.report.figure import (
    MUTED,
    Plot,
    finished,
    latency_axis,
    new_figure,
    offered_axis,
    rate_axis,
    users_axis,
)
from loadtests.report.marks import mark_capacity, mark_ceiling, mark_knee, mark_slo, mark_users


def closed_loop_plots(target: TargetSummary) -> list[Plot]:
    """Plot the search for the ceiling; none for a target without such probes."""
    probes = derived.closed_loop(target)
    return [_goodput_plot(target, probes), _latency_plot(target, probes)] if probes else []


def open_loop_plots(target: TargetSummary) -> list[Plot]:
    """Plot the search for the capacity; none for a target without such probes."""
    probes = derived.open_loop(target)
    return [_offered_plot(target, probes), _slo_plot(target, probes)] if probes else []


def _goodput_plot(target: TargetSummary, probes: list[Probe]) -> Plot:
    figure, curve = new_figure(), traces.goodput(traces.users)
    traces.add_curve(figure, curve, target, probes)
    traces.add_errors(figure, curve, probes)
    mark_knee(figure, probes)
    if target.ceiling:
        mark_ceiling(figure, target.ceiling, target.verdict)
    figure.update_xaxes(users_axis([probe.users for probe in probes]))
    figure.update_yaxes(
        title={"text": "goodput (right answers/s)"}, **rate_axis(_top_rps(target, probes), 1.24)
    )
    return finished(figure, "Goodput against users", _goodput_in_words(target, probes))


def _latency_plot(target: TargetSummary, probes: list[Probe]) -> Plot:
    figure, curves = new_figure(), traces.latencies(traces.users)
    for curve in curves:
        traces.add_curve(figure, curve, target, probes)
    traces.add_errors(figure, curves[-1], probes)
    mark_knee(figure, probes)
    if target.ceiling:
        mark_users(figure, target.ceiling, target.verdict, probes)
    figure.update_xaxes(users_axis([probe.users for probe in probes]))
    figure.update_yaxes(latency_axis(_latencies_ms(probes)))
    return finished(figure, "Response latency against users", _latency_in_words(target, probes))


def _offered_plot(target: TargetSummary, probes: list[Probe]) -> Plot:
    figure, curve = new_figure(), traces.goodput(traces.rate)
    most = max(probe.rate_rps or 0 for probe in probes)
    figure.add_scatter(
        name="goodput = offered",
        mode="lines",
        x=[0, most],
        y=[0, most],
        line={"color": MUTED, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    traces.add_curve(figure, curve, target, probes)
    traces.add_errors(figure, curve, probes)
    if target.capacity:
        mark_capacity(figure, target.capacity)
    figure.update_xaxes(offered_axis([most]))
    figure.update_yaxes(title={"text": "goodput (right answers/s)"}, **rate_axis(most, 1.24))
    return finished(figure, "Goodput against offered rate", _goodput_in_words(target, probes))


def _slo_plot(target: TargetSummary, probes: list[Probe]) -> Plot:
    figure, curves = new_figure(), traces.latencies(traces.rate)
    for curve in curves:
        traces.add_curve(figure, curve, target, probes)
    traces.add_errors(figure, curves[-1], probes)
    values = _latencies_ms(probes)
    if target.capacity:
        mark_capacity(figure, target.capacity)
        slo = parse_slo(target.capacity.slo)
        mark_slo(figure, slo)
        values.append(slo.limit_us / 1000)
    figure.update_xaxes(offered_axis([probe.rate_rps or 0 for probe in probes]))
    figure.update_yaxes(latency_axis(values))
    said = _latency_in_words(target, probes)
    return finished(figure, "Response latency against offered rate", said)


def _top_rps(target: TargetSummary, probes: list[Probe]) -> float:
    ends = [probe.goodput_ci95_rps[1] for probe in probes if probe.goodput_ci95_rps]
    ceiling = [target.ceiling.goodput_rps] if target.ceiling else []
    return max([probe.goodput_rps for probe in probes] + ends + ceiling)


def _latencies_ms(probes: list[Probe]) -> list[float]:
    ends = [end for probe in probes for end in probe.p99_ci95_ms or ()]
    quantiles = ("p50", "p90", "p99")
    return [getattr(p.latency_ms, name) or 0.0 for p in probes for name in quantiles] + ends


def _goodput_in_words(target: TargetSummary, probes: list[Probe]) -> str:
    erring = sum(probe.error_ratio > 0 for probe in probes)
    return (
        f"{words.label(target)}: {_most_in_words(_usable(target, probes))}; "
        f"{erring} of {numbers.plural(len(probes), 'probe')} had errors."
    )


def _most_in_words(probes: list[Probe]) -> str:
    if not probes:
        return "no probe is VALID"
    most = max(probes, key=lambda probe: probe.goodput_rps)
    rate = numbers.rate(most.goodput_rps)
    return f"the most right answers per second in any probe were {rate}, at {numbers.load(most)}"


def _latency_in_words(target: TargetSummary, probes: list[Probe]) -> str:
    by_load = sorted(_usable(target, probes), key=lambda probe: probe.rate_rps or probe.users)
    ends = "; ".join(
        f"at {numbers.load(probe)} p50 {numbers.latency(probe.latency_ms.p50)} ms, "
        f"p99 {numbers.latency(probe.latency_ms.p99)} ms"
        for probe in by_load[:1] + by_load[-1:]
    )
    return f"{words.label(target)}: {ends or 'no probe is VALID'}."


def _usable(target: TargetSummary, probes: list[Probe]) -> list[Probe]:
    return [probe for probe in probes if derived.is_usable(target, probe)]
