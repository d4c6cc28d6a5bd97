"""The search as it went: what was asked, what came back, how late and how wrong, over time."""

from collections.abc import Callable, Sequence
from itertools import groupby

import plotly.graph_objects as go

from loadtests.record.details import Moment
from loadtests.report import numbers
from loadtests.report.figure import (
    AXIS,
    BLUE,
    INK,
    MUTED,
    ORANGE,
    RED,
    Plot,
    finished,
    latency_axis,
    new_figure,
    rate_axis,
)

Reader = Callable[[Moment], float | None]
Values = list[float | None]

HEIGHT_PX = 640
_DOMAINS = {
    "yaxis": (0.82, 1.0),
    "yaxis2": (0.49, 0.78),
    "yaxis3": (0.19, 0.45),
    "yaxis4": (0.0, 0.15),
}
"""Four strips, one above the other: probes, rates, latencies, errors."""


def timeline_plot(moments: Sequence[Moment]) -> Plot:
    """Plot a target's moments; there must be one at least."""
    figure = new_figure()
    probes = [list(group) for _, group in groupby(moments, key=lambda m: (m.repeat, m.probe))]
    steps = _steps(probes)
    _add_spans(figure, probes, steps, ("settling", 3, ORANGE), lambda _: True)
    _add_spans(figure, probes, steps, ("measured", 10, BLUE), lambda m: m.phase == "measure")
    _add_line(
        figure, probes, "offered", lambda m: m.offered_rps, "y2", (MUTED, "dot", "circle-open")
    )
    _add_line(figure, probes, "goodput", lambda m: m.goodput_rps, "y2", (BLUE, "solid", "circle"))
    _add_line(figure, probes, "p50", lambda m: m.p50_ms or None, "y3", (BLUE, "solid", "circle"))
    _add_line(figure, probes, "p99", lambda m: m.p99_ms or None, "y3", (INK, "dot", "diamond"))
    _add_line(figure, probes, "errors", lambda m: m.wrong_rps, "y4", (RED, "solid", "x"))
    _mark_repeats(figure, probes)
    _lay_out(figure, moments, steps)
    return finished(figure, "Timeline of the search", _in_words(moments, probes), HEIGHT_PX)


def _add_spans(
    figure: go.Figure,
    probes: list[list[Moment]],
    steps: list[str],
    look: tuple[str, int, str],
    belongs: Callable[[Moment], bool],
) -> None:
    """Each probe as a bar in its step's row."""
    name, width_px, colour = look
    x: Values = []
    y: Values = []
    text: list[str | None] = []
    for probe in probes:
        part = [moment for moment in probe if belongs(moment)]
        if part:
            row, ends = steps.index(part[0].step), (part[0], part[-1])
            x += [*(moment.at_s for moment in ends), None]
            y += [row, row, None]
            text += [*map(_hover, ends), None]
    figure.add_scatter(
        name=name,
        mode="lines+markers",
        x=x,
        y=y,
        hovertext=text,
        hoverinfo="text",
        line={"color": colour, "width": width_px},
        marker={"symbol": "square", "size": 3, "color": colour},
    )


def _add_line(
    figure: go.Figure,
    probes: list[list[Moment]],
    name: str,
    read: Reader,
    axis: str,
    look: tuple[str, str, str],
) -> None:
    """A line through each probe's moments, broken between probes."""
    colour, dash, symbol = look
    x: Values = []
    y: Values = []
    for probe in probes:
        x += [*(moment.at_s for moment in probe), None]
        y += [*map(read, probe), None]
    figure.add_scatter(
        name=name,
        mode="lines+markers",
        x=x,
        y=y,
        yaxis=axis,
        line={"color": colour, "width": 1.4, "dash": dash},
        marker={"symbol": symbol, "size": 4, "color": colour},
        hovertemplate=f"{name} %{{y:,.4~g}} at %{{x:.0f}} s<extra></extra>",
    )


def _mark_repeats(figure: go.Figure, probes: list[list[Moment]]) -> None:
    """Where a repeat begins, and the server was restarted."""
    firsts = [next(group)[0] for _, group in groupby(probes, key=lambda probe: probe[0].repeat)]
    for first in firsts[1:]:
        figure.add_shape(
            type="line", xref="x", yref="paper", x0=first.at_s, x1=first.at_s, y0=0, y1=1,
            line={"color": INK, "width": 1, "dash": "dash"}, layer="below",
        )  # fmt: skip
    if len(firsts) > 1:
        for first in firsts:
            figure.add_annotation(
                text=f"<b>{first.repeat + 1}</b>", x=first.at_s, xshift=4, xanchor="left",
                y=1, yref="paper", yanchor="bottom", showarrow=False,
            )  # fmt: skip


def _lay_out(figure: go.Figure, moments: Sequence[Moment], steps: list[str]) -> None:
    top = max(max(m.offered_rps, m.goodput_rps) for m in moments)
    latencies = [value for m in moments for value in (m.p50_ms, m.p99_ms) if value]
    wrong = max(m.wrong_rps for m in moments)
    rows = {"tickvals": list(range(len(steps))), "ticktext": steps}
    strips = {
        "yaxis": {**rows, "range": [len(steps) - 0.4, -0.6]},
        "yaxis2": {**rate_axis(top, 1.12), "title": {"text": "per second"}, "nticks": 5},
        "yaxis3": latency_axis(latencies),
        "yaxis4": {**rate_axis(wrong, 1.15), "title": {"text": "errors/s"}, "nticks": 3},
    }
    for name, axis in strips.items():
        figure.update_layout({name: {**AXIS, "domain": _DOMAINS[name], **axis}})
    seconds = {"title": {"text": "seconds", "standoff": 8}, "tickformat": ",d"}
    figure.update_layout(legend={"y": -0.12})
    figure.update_xaxes(anchor="y4", range=_span(moments), **seconds)


def _span(moments: Sequence[Moment]) -> list[float]:
    first, last = moments[0].at_s, moments[-1].at_s
    room = max(last - first, 1) * 0.015
    return [first - room, last + room]


def _steps(probes: list[list[Moment]]) -> list[str]:
    return list(dict.fromkeys(probe[0].step for probe in probes))


def _hover(moment: Moment) -> str:
    load = (
        numbers.plural(moment.users, "user")
        if moment.rate_rps is None
        else f"{numbers.rate(moment.rate_rps)}/s"
    )
    return f"{moment.step}, {load}"


def _in_words(moments: Sequence[Moment], probes: list[list[Moment]]) -> str:
    lasted_s = moments[-1].at_s - moments[0].at_s
    wrong = sum(any(m.wrong_rps for m in probe) for probe in probes)
    return (
        f"{numbers.plural(len(probes), 'probe')} in {numbers.duration(lasted_s)} seconds, in the "
        f"steps {', '.join(_steps(probes))}; {wrong} of them had errors."
    )
