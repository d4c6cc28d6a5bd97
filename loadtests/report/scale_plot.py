"""Throughput against cores: what was measured, the law through it, and its doubt."""

import numpy as np
import plotly.graph_objects as go

from loadtests.record.scale import Boundary, Fit, Series
from loadtests.report import scale_reach, scale_words
from loadtests.report.figure import BLUE, MUTED, ORANGE, Plot, finished, new_figure, rate_axis

MOST_TICKS = 10
BAND, PALE_BAND = "rgba(11, 92, 158, 0.18)", "rgba(11, 92, 158, 0.08)"


def series_plot(series: Series, name: str) -> Plot:
    """Plot one quantity of a target against cores, with its law where it has one."""
    figure, tops = new_figure(), [0.0]
    if series.fit:
        tops += _add_fit(figure, series.fit)
    tops += _add_left_out(figure, series)
    what = scale_words.QUANTITIES[series.quantity]
    told = scale_words.law(series.fit) if series.fit else "no point to fit"
    reach = max(_reach(series.fit), *(each.cores for each in series.measured))
    title = f"{what[0].upper()}{what[1:]} against cores"
    return _finished(figure, tops, reach, title, f"{name}: {told}")


def fit_plot(fit: Fit) -> Plot:
    """Plot points from anywhere and the law through them."""
    figure = new_figure()
    tops = _add_fit(figure, fit)
    return _finished(figure, tops, _reach(fit), "Throughput against cores", scale_words.law(fit))


def _reach(fit: Fit | None) -> float:
    """The largest count that is drawn."""
    return max((forecast.cores for forecast in fit.forecasts), default=0) if fit else 0


def _finished(figure: go.Figure, tops: list[float], reach: float, title: str, told: str) -> Plot:
    ticks = {"dtick": 1} if reach <= MOST_TICKS else {"nticks": MOST_TICKS}
    figure.update_xaxes(title={"text": "cores", "standoff": 10}, rangemode="tozero", **ticks)
    figure.update_yaxes(title={"text": "per second"}, **rate_axis(max(tops), 1.12))
    return finished(figure, title, told, height_px=460)


def _add_fit(figure: go.Figure, fit: Fit) -> list[float]:
    """The highest values drawn, for the axis; the linear bound may leave the plot."""
    most = max(point.cores for point in fit.points)
    reach = _reach(fit)
    alike = max([most, *(one.cores for one in fit.forecasts if one.reach == "alike")])
    _add_bound(figure, fit, reach)
    _add_band(figure, fit, 1, most, "95 % interval", BAND)
    _add_band(figure, fit, most, alike, "95 % interval beyond what was measured", PALE_BAND)
    _add_law(figure, fit, 1, most, "the law", "solid")
    _add_law(figure, fit, most, alike, "the law beyond what was measured", "dot")
    _add_law(figure, fit, alike, reach, "assumed, no interval", "dash")
    if fit.boundary and fit.boundary.cores < reach:
        _add_boundary(figure, fit.boundary)
    figure.add_scatter(
        name="measured",
        mode="markers",
        x=[point.cores for point in fit.points],
        y=[point.throughput for point in fit.points],
        marker={"color": BLUE, "size": 8},
        hovertemplate="%{x} cores: %{y:,.4g}<extra></extra>",
    )
    ends = [forecast.ci95[1] for forecast in fit.forecasts if forecast.ci95]
    expected = [forecast.throughput or 0.0 for forecast in fit.forecasts]
    return [*ends, *expected, *(point.throughput for point in fit.points)]


def _add_bound(figure: go.Figure, fit: Fit, reach: float) -> None:
    per_core = fit.forecasts[0].at_most / fit.forecasts[0].cores
    figure.add_scatter(
        name="linear bound",
        mode="lines",
        x=[0, reach],
        y=[0, per_core * reach],
        line={"color": MUTED, "width": 1, "dash": "longdashdot"},
        hoverinfo="skip",
    )


def _add_boundary(figure: go.Figure, boundary: Boundary) -> None:
    figure.add_vline(
        x=boundary.cores,
        line={"color": MUTED, "width": 1},
        annotation={
            "text": scale_reach.begins(boundary),
            "font": {"color": MUTED},
            "bgcolor": "white",
        },
        annotation_position="top right",
    )


def _add_band(
    figure: go.Figure, fit: Fit, first: float, last: float, name: str, colour: str
) -> None:
    sure = [
        (forecast.cores, *forecast.ci95)
        for forecast in fit.forecasts
        if forecast.ci95 and first <= forecast.cores <= last
    ]
    if len(sure) < 2:
        return
    cores, lows, highs = (list(column) for column in zip(*sure, strict=True))
    figure.add_scatter(
        name=name,
        mode="lines",
        x=cores + cores[::-1],
        y=highs + lows[::-1],
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        hoverinfo="skip",
    )


def _add_law(figure: go.Figure, fit: Fit, first: float, last: float, name: str, dash: str) -> None:
    cores, rates = _course(fit, first, last)
    if len(cores) < 2:
        return
    figure.add_scatter(
        name=name,
        mode="lines",
        x=cores,
        y=rates,
        line={"color": BLUE, "width": 2, "dash": dash},
        hoverinfo="skip",
    )


def _course(fit: Fit, first: float, last: float) -> tuple[list[float], list[float]]:
    """The law from one count to another, empty where they are the same.

    Where there is none of its own, lines between what the points' nearest says of the counts.
    """
    if first >= last:
        return [], []
    if fit.sigma is None or fit.kappa is None:
        known = [
            (float(one.cores), one.throughput)
            for one in fit.forecasts
            if one.throughput is not None and first <= one.cores <= last
        ]
        return [cores for cores, _ in known], [rate for _, rate in known]
    n = np.linspace(first, last, 60)
    rates = fit.gamma * n / (1 + fit.sigma * (n - 1) + fit.kappa * n * (n - 1))
    return n.tolist(), rates.tolist()


def _add_left_out(figure: go.Figure, series: Series) -> list[float]:
    points = [
        (each.cores, rate) for each in series.measured if each.left_out for rate in each.repeats_rps
    ]
    if points:
        cores, rates = zip(*points, strict=True)
        figure.add_scatter(
            name="left out of the law",
            mode="markers",
            x=cores,
            y=rates,
            marker={"color": ORANGE, "size": 9, "symbol": "x-thin-open", "line": {"width": 2}},
            hovertemplate="%{x} cores: %{y:,.4g}<extra></extra>",
        )
    return [rate for _, rate in points]
