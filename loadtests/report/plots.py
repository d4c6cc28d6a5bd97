"""A target's plots: readable without colour, by symbols, dashes and labels."""

from collections.abc import Callable

import plotly.graph_objects as go

from loadtests.record.summary import Ceiling, Probe, TargetSummary
from loadtests.report import words
from loadtests.report.figure import (
    BLUE,
    INK,
    ORANGE,
    RED,
    Plot,
    finished,
    latency_axis,
    new_figure,
    rate_axis,
    users_axis,
)

Reader = Callable[[Probe], float | None]

QUANTILES = (
    ("p50", BLUE, "solid", "circle"),
    ("p90", ORANGE, "dash", "square"),
    ("p99", INK, "dot", "triangle-up"),
)


def target_plots(target: TargetSummary) -> list[Plot]:
    """Plot goodput and latency against users; none for a target without probes."""
    return [_goodput_plot(target), _latency_plot(target)] if target.probes else []


def _goodput_plot(target: TargetSummary) -> Plot:
    figure = new_figure()
    search, held = _split(target.probes)
    _add_search(figure, "search", search, _goodput, (BLUE, "solid", "circle"))
    _add_held(figure, "held", held, _goodput, (BLUE, "star"))
    _add_errors(figure, target.probes, _goodput)
    top = max(probe.goodput_rps for probe in target.probes)
    if target.ceiling:
        top = max(top, target.ceiling.goodput_rps)
        _mark_ceiling(figure, target.ceiling)
    figure.update_xaxes(users_axis([probe.users for probe in target.probes]))
    figure.update_yaxes(title={"text": "goodput (right answers/s)"}, **rate_axis(top, 1.24))
    return finished(figure, "Goodput against users", _goodput_in_words(target))


def _latency_plot(target: TargetSummary) -> Plot:
    figure = new_figure()
    search, held = _split(target.probes)
    for name, colour, dash, symbol in QUANTILES:
        _add_search(figure, name, search, _quantile(name), (colour, dash, symbol))
        _add_held(figure, f"{name} held", held, _quantile(name), (colour, symbol))
    _add_errors(figure, target.probes, _quantile("p99"))
    readers = [_quantile(name) for name, *_ in QUANTILES]
    values = [read(probe) or 0.0 for probe in target.probes for read in readers]
    figure.update_xaxes(users_axis([probe.users for probe in target.probes]))
    figure.update_yaxes(latency_axis(values))
    return finished(figure, "Response latency against users", _latency_in_words(target))


def _split(probes: list[Probe]) -> tuple[list[Probe], list[Probe]]:
    """Part the search's probes from the held ones, each by users so that a line can join them."""
    by_users = sorted(probes, key=lambda probe: (probe.users, probe.number))
    held = [probe for probe in by_users if probe.phase == "hold"]
    return [probe for probe in by_users if probe.phase != "hold"], held


def _add_search(
    figure: go.Figure, name: str, probes: list[Probe], read: Reader, look: tuple[str, str, str]
) -> None:
    colour, dash, symbol = look
    marker = {"symbol": f"{symbol}-open", "size": 8, "color": colour, "line": {"width": 2}}
    line = {"color": colour, "width": 1.5, "dash": dash}
    figure.add_scatter(
        name=name, mode="lines+markers", marker=marker, line=line, **_points(probes, read)
    )


def _add_held(
    figure: go.Figure, name: str, probes: list[Probe], read: Reader, look: tuple[str, str]
) -> None:
    colour, symbol = look
    edge = {"color": "white", "width": 1}
    marker = {"symbol": symbol, "size": 15, "color": colour, "line": edge}
    figure.add_scatter(name=name, mode="markers", marker=marker, **_points(probes, read))


def _add_errors(figure: go.Figure, probes: list[Probe], read: Reader) -> None:
    erring = [probe for probe in probes if probe.error_ratio > 0]
    if erring:
        edge = {"color": RED, "width": 2.5}
        marker = {"symbol": "x-thin", "size": 17, "color": RED, "line": edge}
        figure.add_scatter(
            name="had errors", mode="markers", marker=marker, **_points(erring, read)
        )


def _mark_ceiling(figure: go.Figure, ceiling: Ceiling) -> None:
    goodput = words.bounded(words.rate(ceiling.goodput_rps), at_least=ceiling.at_least)
    figure.add_hline(ceiling.goodput_rps, line={"color": INK, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        text=f"<b>ceiling: {goodput}/s at {words.plural(ceiling.users, 'user')}</b>",
        x=0.01,
        xref="x domain",
        xanchor="left",
        y=ceiling.goodput_rps,
        yanchor="bottom",
        yshift=7,
        showarrow=False,
    )


def _points(probes: list[Probe], read: Reader) -> dict[str, object]:
    return {
        "x": [probe.users for probe in probes],
        "y": [read(probe) for probe in probes],
        "hovertext": [_hover(probe) for probe in probes],
        "hoverinfo": "text",
    }


def _hover(probe: Probe) -> str:
    return (
        f"probe {probe.number} ({probe.phase}), {words.plural(probe.users, 'user')}<br>"
        f"{words.rate(probe.goodput_rps)} right answers/s, "
        f"{words.percent(probe.error_ratio)} % errors<br>"
        f"p50 {words.latency(probe.latency_ms.p50)} ms, p90 {words.latency(probe.latency_ms.p90)}"
        f" ms, p99 {words.latency(probe.latency_ms.p99)} ms"
    )


def _goodput(probe: Probe) -> float | None:
    return probe.goodput_rps


def _quantile(name: str) -> Reader:
    def read(probe: Probe) -> float | None:
        # A logarithmic axis has no place for 0, nor for what was not measured.
        return getattr(probe.latency_ms, name) or None

    return read


def _goodput_in_words(target: TargetSummary) -> str:
    most = max(target.probes, key=lambda probe: probe.goodput_rps)
    erring = sum(probe.error_ratio > 0 for probe in target.probes)
    return (
        f"{words.label(target)}: the most right answers per second in any probe were "
        f"{words.rate(most.goodput_rps)}, at {words.plural(most.users, 'user')}; "
        f"{erring} of {words.plural(len(target.probes), 'probe')} had errors."
    )


def _latency_in_words(target: TargetSummary) -> str:
    lightest = min(target.probes, key=lambda probe: probe.users)
    heaviest = max(target.probes, key=lambda probe: probe.users)
    ends = "; ".join(
        f"at {words.plural(probe.users, 'user')} p50 {words.latency(probe.latency_ms.p50)} ms, "
        f"p99 {words.latency(probe.latency_ms.p99)} ms"
        for probe in (lightest, heaviest)
    )
    return f"{words.label(target)}: {ends}."
