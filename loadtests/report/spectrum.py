"""Latency by percentile, with equal room for each further nine."""

import math

from loadtests.record.details import Spectrum
from loadtests.record.run import Calibration
from loadtests.record.summary import Verdict
from loadtests.report import derived, judgement, numbers
from loadtests.report.figure import BLUE, INK, Plot, finished, latency_axis, new_figure
from loadtests.report.marks import mark_floor

_TICKS = {1: "0", 2: "50", 10: "90", 100: "99", 1e3: "99.9", 1e4: "99.99", 1e5: "99.999"}
_LOOKS = {"response": (INK, "solid", "circle"), "service": (BLUE, "dash", "square-open")}
_FLOOR_WITHIN = 20
"""Times the floor: curves that lie further above it leave it out of the picture."""
_NAMED = (50, 90, 99, 99.9, 99.99)


def spectrum_plot(
    spectrum: Spectrum, calibration: Calibration | None, verdict: Verdict | None
) -> Plot:
    """Plot response and service latency of a held measurement; crossed unless it is VALID."""
    usable = derived.is_valid(verdict)
    figure = new_figure()
    lines = {"response": spectrum.response, "service": spectrum.service}
    for name, points in lines.items():
        colour, dash, symbol = _LOOKS[name]
        figure.add_scatter(
            name=f"{name} latency",
            mode="lines+markers",
            x=[_beyond(percent) for percent, _ in points],
            y=[value_ms or None for _, value_ms in points],
            line={"color": colour, "width": 1.8, "dash": dash},
            marker={"symbol": symbol if usable else _crossed(symbol), "size": 6, "color": colour},
            hovertemplate="%{text} % within %{y:.3~g} ms<extra></extra>",
            text=[numbers.significant(percent, 5) for percent, _ in points],
        )
    values = [value_ms for points in lines.values() for _, value_ms in points]
    if calibration and _is_near(floor_ms := calibration.floor_us / 1000, values):
        values.append(floor_ms)
        mark_floor(figure, floor_ms)
    figure.update_xaxes(
        type="log",
        tickvals=list(_TICKS),
        ticktext=list(_TICKS.values()),
        title={"text": "% of right answers within", "standoff": 10},
    )
    figure.update_yaxes(latency_axis(values))
    title = "Latency by percentile, at the ceiling"
    standing = "" if usable else f" ({judgement.standing(verdict)})"
    return finished(figure, title + standing, _in_words(lines))


def _is_near(floor_ms: float, values_ms: list[float]) -> bool:
    """Tell whether the floor can be drawn without squeezing the curves flat."""
    # A latency under the clock's step reads 0, for which a logarithmic axis has no place.
    return min(filter(None, values_ms), default=math.inf) <= _FLOOR_WITHIN * floor_ms


def _crossed(symbol: str) -> str:
    return f"{symbol.removesuffix('-open')}-x-open"


def _beyond(percent: float) -> float:
    """How many answers there are for one that lies beyond: the log axis's own terms."""
    return 1 / (1 - percent / 100)


def _in_words(lines: dict[str, list[tuple[float, float]]]) -> str:
    each = (f"{name} latency {_quantiles(points)}" for name, points in lines.items())
    return f"{'; '.join(each)}."


def _quantiles(points: list[tuple[float, float]]) -> str:
    """Name the points that stand at the ticks, or as near as the steps of the curve allow."""
    near = (
        min(points, key=lambda point: abs(point[0] - percent), default=(0.0, 0.0))
        for percent in _NAMED
    )
    found = [
        f"p{name:g} {numbers.latency(value_ms)} ms"
        for name, (percent, value_ms) in zip(_NAMED, near, strict=True)
        if abs(percent - name) < (100 - name) / 10
    ]
    return ", ".join(found) or "not known"
