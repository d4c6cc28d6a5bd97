"""How probes are drawn: told apart by symbols, dashes and fill, so that no colour is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from loadtests.record.summary import Interval, Probe, TargetSummary
from loadtests.report import derived, numbers
from loadtests.report.figure import BLUE, INK, ORANGE, RED

Reader = Callable[[Probe], float | None]
IntervalReader = Callable[[Probe], Interval | None]


@dataclass(frozen=True)
class Look:
    """Colour, dash and symbol of a line; the symbol must have an ``-x`` form (circle, square)."""

    colour: str
    dash: str
    symbol: str


@dataclass(frozen=True)
class Curve:
    """What a curve shows of each probe: ``y``, with its interval, over ``x``."""

    name: str
    x: Reader
    y: Reader
    interval: IntervalReader
    look: Look


def _no_interval(_: Probe) -> None:
    return None


def users(probe: Probe) -> float:
    """The load of a closed loop."""
    return probe.users


def rate(probe: Probe) -> float | None:
    """The load of an open loop."""
    return probe.rate_rps


def goodput(x: Reader) -> Curve:
    """Right answers per second over a load."""
    look = Look(BLUE, "solid", "circle")
    return Curve("goodput", x, lambda p: p.goodput_rps, lambda p: p.goodput_ci95_rps, look)


def latencies(x: Reader) -> tuple[Curve, ...]:
    """Quantiles of response latency over a load; of the p99 the interval is known."""
    return (
        Curve("p50", x, _quantile("p50"), _no_interval, Look(BLUE, "solid", "circle")),
        Curve("p90", x, _quantile("p90"), _no_interval, Look(ORANGE, "dash", "square")),
        Curve("p99", x, _quantile("p99"), lambda p: p.p99_ci95_ms, Look(INK, "dot", "diamond")),
    )


def add_curve(figure: go.Figure, curve: Curve, target: TargetSummary, probes: list[Probe]) -> None:
    """Join the search's probes, set the fresh measurements apart, and cross what is not VALID."""
    ordered = sorted(probes, key=lambda probe: (curve.x(probe) or 0, probe.number))
    fresh = list(filter(derived.is_fresh, ordered))
    _add_search(figure, curve, [probe for probe in ordered if probe not in fresh])
    sound = [probe for probe in fresh if derived.is_usable(target, probe)]
    _add_fresh(figure, curve, sound, curve.look.symbol)
    unfit = [probe for probe in fresh if probe not in sound]
    _add_fresh(figure, curve, unfit, f"{curve.look.symbol}-x-open")


def add_errors(figure: go.Figure, curve: Curve, probes: list[Probe]) -> None:
    """Cross the probes that had errors."""
    erring = [probe for probe in probes if probe.error_ratio > 0]
    if erring:
        edge = {"color": RED, "width": 2.5}
        marker = {"symbol": "x-thin", "size": 19, "color": RED, "line": edge}
        figure.add_scatter(
            name="had errors", mode="markers", marker=marker, **_points(erring, curve)
        )


def _add_search(figure: go.Figure, curve: Curve, probes: list[Probe]) -> None:
    look = curve.look
    marker = {"symbol": f"{look.symbol}-open", "size": 8, "color": look.colour}
    figure.add_scatter(
        name=curve.name,
        mode="lines+markers",
        marker=marker | {"line": {"width": 2}},
        line={"color": look.colour, "width": 1.5, "dash": look.dash},
        **_points(probes, curve),
        **_error_bars(probes, curve),
    )


def _add_fresh(figure: go.Figure, curve: Curve, probes: list[Probe], symbol: str) -> None:
    if not probes:
        return
    edge = {"color": "white" if symbol == curve.look.symbol else curve.look.colour, "width": 1.5}
    marker = {"symbol": symbol, "size": 14, "color": curve.look.colour, "line": edge}
    figure.add_scatter(
        name=f"{curve.name}, measured afresh",
        showlegend=False,
        mode="markers",
        marker=marker,
        **_points(probes, curve),
        **_error_bars(probes, curve),
    )


def _error_bars(probes: Sequence[Probe], curve: Curve) -> dict[str, object]:
    ends = [(curve.interval(probe), curve.y(probe)) for probe in probes]
    if not any(interval for interval, _ in ends):
        return {}
    above = [max(i[1] - y, 0) if i and y is not None else 0 for i, y in ends]
    below = [max(y - i[0], 0) if i and y is not None else 0 for i, y in ends]
    bars = {"array": above, "arrayminus": below, "symmetric": False}
    return {"error_y": bars | {"color": curve.look.colour, "thickness": 1.5, "width": 5}}


def _points(probes: Sequence[Probe], curve: Curve) -> dict[str, object]:
    return {
        "x": [curve.x(probe) for probe in probes],
        "y": [curve.y(probe) for probe in probes],
        "hovertext": [_hover(probe) for probe in probes],
        "hoverinfo": "text",
    }


def _hover(probe: Probe) -> str:
    p50, p90, p99 = (
        numbers.latency(value)
        for value in (probe.latency_ms.p50, probe.latency_ms.p90, probe.latency_ms.p99)
    )
    return (
        f"probe {probe.number} ({probe.phase}), {numbers.load(probe)}<br>"
        f"{numbers.rate(probe.goodput_rps)} right answers/s, "
        f"{numbers.percent(probe.error_ratio)} % errors<br>"
        f"p50 {p50} ms, p90 {p90} ms, p99 {p99} ms"
    )


def _quantile(name: str) -> Reader:
    def read(probe: Probe) -> float | None:
        # A logarithmic axis has no place for 0, nor for what was not measured.
        return getattr(probe.latency_ms, name) or None

    return read
