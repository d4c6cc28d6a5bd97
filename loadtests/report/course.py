"""A scenario as it went: what fell due, what came back, how late, how wrong, and in what memory."""

from collections.abc import Sequence
from itertools import groupby

import plotly.graph_objects as go

from loadtests.record.details import Moment, Trace
from loadtests.record.summary import Scenario
from loadtests.report import numbers, words
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

STRIP_PX = 150
_GAP = 0.05
_NARROWEST = 0.06
"""Of the whole length: no leg's name fits above a shorter one."""


def scenario_plot(scenario: Scenario, trace: Trace) -> Plot:
    """Plot one scenario; its trace must have a moment at least."""
    moments = trace.moments
    every_s, unit = _scale(moments[-1].at_s)
    figure = new_figure()
    x = [moment.at_s / every_s for moment in moments]
    add = _Strip(figure, x)
    add("offered", [m.offered_rps for m in moments], "y", (MUTED, "dot"))
    add("goodput", [m.goodput_rps for m in moments], "y", (BLUE, "solid"))
    add("p50", [m.p50_ms or None for m in moments], "y2", (BLUE, "solid"))
    add("p99", [m.p99_ms or None for m in moments], "y2", (INK, "dot"))
    add("failed", [m.wrong_rps for m in moments], "y3", (RED, "solid"))
    if any(m.unsent_rps for m in moments):
        add("never sent", [m.unsent_rps for m in moments], "y3", (ORANGE, "dash"))
    if trace.memory_mib:
        memory = _Strip(figure, [at_s / every_s for at_s, _ in trace.memory_mib])
        memory("server's memory", [mib for _, mib in trace.memory_mib], "y4", (INK, "solid"))
    strips = 4 if trace.memory_mib else 3
    _lay_out(figure, trace, strips)
    _mark_legs(figure, moments, every_s)
    figure.update_xaxes(
        anchor=f"y{strips}", range=_span(x), title={"text": unit, "standoff": 8}, tickformat=",~r"
    )
    return finished(
        figure, f"{scenario.name} over time", _in_words(scenario), STRIP_PX * strips + 120
    )


class _Strip:
    """Adds lines over the same times to a figure."""

    def __init__(self, figure: go.Figure, x: Sequence[float]) -> None:
        self._figure = figure
        self._x = x

    def __call__(
        self, name: str, y: Sequence[float | None], axis: str, look: tuple[str, str]
    ) -> None:
        colour, dash = look
        self._figure.add_scatter(
            name=name,
            mode="lines",
            x=self._x,
            y=y,
            yaxis=axis,
            line={"color": colour, "width": 1.4, "dash": dash},
            hovertemplate=f"{name} %{{y:,.4~g}} at %{{x:,.4~g}}<extra></extra>",
        )


def _scale(length_s: float) -> tuple[float, str]:
    """By what seconds are divided, and what that is called."""
    if length_s > 2 * 3600:
        return 3600, "hours"
    return (60, "minutes") if length_s > 600 else (1, "seconds")


def _lay_out(figure: go.Figure, trace: Trace, strips: int) -> None:
    moments = trace.moments
    latencies = [value for m in moments for value in (m.p50_ms, m.p99_ms) if value]
    rates = max(max(m.offered_rps, m.goodput_rps) for m in moments)
    wrong = max(max(m.wrong_rps, m.unsent_rps) for m in moments)
    axes: list[dict[str, object]] = [
        {**rate_axis(rates, 1.12), "title": {"text": "per second"}, "nticks": 5},
        latency_axis(latencies),
        {**rate_axis(wrong, 1.15), "title": {"text": "failures/s"}, "nticks": 4},
    ]
    if trace.memory_mib:
        top = max(mib for _, mib in trace.memory_mib)
        axes.append({**rate_axis(top, 1.15), "title": {"text": "MiB"}, "nticks": 4})
    height = (1 + _GAP) / strips
    for number, axis in enumerate(axes):
        top_edge = 1 - number * height
        domain = (max(0.0, top_edge - height + _GAP), top_edge)
        name = f"yaxis{number + 1}" if number else "yaxis"
        figure.update_layout({name: {**AXIS, "domain": domain, **axis}})
    figure.update_layout(legend={"y": -0.14}, margin={"t": 26})


def _mark_legs(figure: go.Figure, moments: Sequence[Moment], every_s: float) -> None:
    """A line where a leg begins, and its name where there is room for it."""
    legs = [list(group) for _, group in groupby(_measured(moments), lambda m: m.step)]
    whole_s = moments[-1].at_s or 1.0
    ends_s = [leg[0].at_s for leg in legs[1:]] + [moments[-1].at_s]
    for leg, end_s in zip(legs, ends_s, strict=True):
        at = leg[0].at_s / every_s
        figure.add_shape(
            type="line", xref="x", yref="paper", x0=at, x1=at, y0=0, y1=1,
            line={"color": MUTED, "width": 1, "dash": "dash"}, layer="below",
        )  # fmt: skip
        if end_s - leg[0].at_s >= _NARROWEST * whole_s:
            figure.add_annotation(
                text=words.plain(leg[0].step.removeprefix("step ")), x=at, xshift=3,
                xanchor="left", y=1, yref="paper", yanchor="bottom", showarrow=False,
            )  # fmt: skip


def _measured(moments: Sequence[Moment]) -> list[Moment]:
    return [moment for moment in moments if moment.phase == "measure"]


def _span(x: Sequence[float]) -> list[float]:
    room = (x[-1] - x[0] or 1) * 0.015
    return [x[0] - room, x[-1] + room]


def _in_words(scenario: Scenario) -> str:
    legs = ", ".join(
        f"{leg.step} at {numbers.rate(leg.offered_rps)}/s for {numbers.duration(leg.duration_s)} s"
        for leg in scenario.legs
    )
    return f"{legs}. {' '.join(scenario.says)}"
