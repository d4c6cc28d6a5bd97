"""What every plot of the report shares: its look, its logarithmic axes, its place in the page."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import plotly.graph_objects as go

INK, MUTED, GRID, PALE = "#1c2733", "#566573", "#dfe5ea", "#e8edf1"
BLUE, ORANGE, RED = "#0b5c9e", "#b45f06", "#b3261e"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
AXIS: dict[str, object] = {
    "gridcolor": GRID,
    "linecolor": MUTED,
    "ticks": "outside",
    "tickcolor": MUTED,
    "zeroline": False,
    "automargin": True,
    "fixedrange": True,
}


@dataclass(frozen=True)
class Plot:
    """One plot: its title, what it shows in words, and the figure as Plotly's JSON.

    The JSON has ``<``, ``>`` and ``/`` escaped, so that it can stand in a ``script`` element.
    """

    title: str
    description: str
    json: str
    height_px: int


def new_figure() -> go.Figure:
    """Make an empty figure in the report's look, for print and for narrow screens alike."""
    return go.Figure(
        layout={
            "template": "none",
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "font": {"family": FONT, "size": 12, "color": INK},
            "margin": {"l": 8, "r": 12, "t": 10, "b": 8},
            "xaxis": AXIS,
            "yaxis": AXIS,
            "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
            "hovermode": "closest",
            "dragmode": False,
        }
    )


def finished(figure: go.Figure, title: str, description: str, height_px: int = 380) -> Plot:
    """Fix a figure's height and turn it into JSON."""
    figure.update_layout(height=height_px)
    return Plot(title, description, figure.to_json(), height_px)


def rate_axis(top: float, room: float) -> dict[str, object]:
    """Lay out a linear axis from 0 to ``top`` with so much room above it, as a factor."""
    return {"range": [0, top * room or 1], "tickformat": ",~r" if top < 10 else ",d"}


def users_axis(users: Iterable[int]) -> dict[str, object]:
    """Lay out a logarithmic axis of users with ticks at whole powers."""
    span = _decades(users)
    base = 2 if span < 1.3 else 4 if span < 3 else 10
    ticks = [base**n for n in range(int(30 / math.log2(base)))]
    return {
        "type": "log",
        "range": _log_range(users, 0.06),
        "tickvals": ticks,
        "ticktext": [f"{tick:,}" for tick in ticks],
        "title": {"text": "users (requests in flight)", "standoff": 10},
    }


def latency_axis(latencies_ms: Iterable[float]) -> dict[str, object]:
    """Lay out a logarithmic axis of milliseconds."""
    span = _decades(latencies_ms)
    steps = (1, 2, 5) if span < 2.2 else (1,)
    ticks = [step * 10.0**n for n in range(-4, 7) for step in steps]
    return {
        "type": "log",
        "range": _log_range(latencies_ms, 0.12),
        "tickvals": ticks,
        "ticktext": [f"{tick:,.10g}" for tick in ticks],
        "title": {"text": "latency (ms)"},
    }


def offered_axis(rates_rps: Iterable[float]) -> dict[str, object]:
    """Lay out a linear axis of offered rates."""
    return {
        "nticks": 6,
        "title": {"text": "offered (requests due/s)", "standoff": 10},
        **rate_axis(max(rates_rps), 1.06),
    }


def _decades(values: Iterable[float]) -> float:
    low, high = _ends(values)
    return high - low


def _log_range(values: Iterable[float], margin: float) -> list[float]:
    low, high = _ends(values)
    room = max((high - low) * margin, 0.15)
    return [low - room, high + room]


def _ends(values: Iterable[float]) -> tuple[float, float]:
    positive = [value for value in values if value > 0 and math.isfinite(value)] or [1]
    return math.log10(min(positive)), math.log10(max(positive))
