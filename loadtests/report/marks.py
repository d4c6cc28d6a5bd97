"""What is marked in a curve: the ceiling, the knee, the SLO's limit, the capacity."""

import math

import plotly.graph_objects as go

from loadtests.measure.slo import Slo
from loadtests.record.summary import Capacity, Ceiling, Interval, Probe, Verdict
from loadtests.report import derived, judgement, numbers
from loadtests.report.figure import INK, MUTED, PALE, RED

_LINE = {"color": INK, "width": 1.3}


def mark_ceiling(figure: go.Figure, ceiling: Ceiling, verdict: Verdict | None) -> None:
    """Draw a ceiling's goodput as a level, with its interval as a band."""
    _band(figure, ceiling.ci95_rps, "h")
    figure.add_hline(ceiling.goodput_rps, line={**_LINE, "dash": "dash"})
    goodput = numbers.bounded(numbers.rate(ceiling.goodput_rps), at_least=ceiling.at_least)
    _level_label(figure, ceiling.goodput_rps, struck(f"ceiling: {goodput}/s", verdict))


def mark_users(
    figure: go.Figure, ceiling: Ceiling, verdict: Verdict | None, probes: list[Probe]
) -> None:
    """Draw the load of a ceiling into a plot of probes over users."""
    figure.add_vline(ceiling.users, line={**_LINE, "dash": "dash"})
    text = struck(f"ceiling: {numbers.plural(ceiling.users, 'user')}", verdict)
    _users_label(figure, ceiling.users, text, probes, at_top=True)


def mark_knee(figure: go.Figure, probes: list[Probe]) -> None:
    """Draw where goodput divided by latency is largest into a plot of probes over users."""
    knee = derived.knee(probes)
    if knee is None:
        return
    figure.add_vline(knee.users, line={"color": MUTED, "width": 1.3, "dash": "dot"})
    text = f"knee: {numbers.plural(knee.users, 'user')}"
    _users_label(figure, knee.users, text, probes, at_top=False)


def mark_slo(figure: go.Figure, slo: Slo) -> None:
    """Draw an SLO's limit as a level of a logarithmic axis."""
    limit_ms, quantile = slo.limit_us / 1000, str(slo).partition("=")[0]
    figure.add_hline(limit_ms, line={"color": RED, "width": 1.6, "dash": "longdash"})
    text = f"SLO: {quantile} up to {numbers.latency(limit_ms)} ms"
    _level_label(figure, math.log10(limit_ms), text)


def mark_floor(figure: go.Figure, floor_ms: float) -> None:
    """Draw the least latency that the generator can see as a level of a logarithmic axis."""
    figure.add_hline(floor_ms, line={"color": MUTED, "width": 1.3, "dash": "dot"})
    _level_label(figure, math.log10(floor_ms), "floor: the least the generator can see")


def mark_capacity(figure: go.Figure, capacity: Capacity) -> None:
    """Draw the highest rate at which the SLO holds, with its interval as a band."""
    if capacity.rate_rps is None:
        return
    _band(figure, capacity.ci95_rps, "v")
    figure.add_vline(capacity.rate_rps, line={**_LINE, "dash": "dash"})
    rate = numbers.bounded(numbers.rate(capacity.rate_rps), at_least=capacity.at_least)
    label = struck(f"capacity: {rate}/s", capacity.verdict)
    _upright_label(figure, capacity.rate_rps, label, at_top=True, leftwards=True)


def struck(text: str, verdict: Verdict | None) -> str:
    """Strike out a figure that may not be used and say so; leave others as they are."""
    if derived.is_valid(verdict):
        return text
    return f"<s>{text}</s> {judgement.standing(verdict)}"


def _band(figure: go.Figure, interval: Interval | None, direction: str) -> None:
    if interval is None:
        return
    low, high = interval
    look = {"fillcolor": PALE, "line_width": 0, "layer": "below"}
    if direction == "h":
        figure.add_hrect(y0=low, y1=high, **look)
    else:
        figure.add_vrect(x0=low, x1=high, **look)


def _level_label(figure: go.Figure, y: float, text: str) -> None:
    """``y`` is in the axis's own terms: the logarithm of a logarithmic one."""
    figure.add_annotation(
        text=f"<b>{text}</b>",
        x=0.01,
        xref="x domain",
        xanchor="left",
        y=y,
        yanchor="bottom",
        yshift=4,
        showarrow=False,
    )


def _users_label(
    figure: go.Figure, users: int, text: str, probes: list[Probe], *, at_top: bool
) -> None:
    """On a logarithmic axis, on the side of the line where there is more room."""
    ends = [probe.users for probe in probes]
    leftwards = users > math.sqrt(min(ends) * max(ends))
    _upright_label(figure, math.log10(users), text, at_top=at_top, leftwards=leftwards)


def _upright_label(
    figure: go.Figure, x: float, text: str, *, at_top: bool, leftwards: bool
) -> None:
    """``x`` is in the axis's own terms: the logarithm of a logarithmic one."""
    figure.add_annotation(
        text=f"<b>{text}</b>",
        x=x,
        xanchor="right" if leftwards else "left",
        xshift=-5 if leftwards else 5,
        y=1 if at_top else 0,
        yref="y domain",
        yanchor="top" if at_top else "bottom",
        showarrow=False,
        bgcolor="rgba(255,255,255,0.8)",
    )
