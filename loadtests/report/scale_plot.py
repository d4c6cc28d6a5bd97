"""Throughput against cores: what was measured, the law through it, and its doubt."""

import numpy as np
import plotly.graph_objects as go

from loadtests.record.scale import Fit, Series
from loadtests.report import scale_words
from loadtests.report.figure import BLUE, MUTED, ORANGE, Plot, finished, new_figure, rate_axis

BAND = "rgba(11, 92, 158, 0.15)"


def series_plot(series: Series, name: str) -> Plot:
    """Plot one quantity of a target against cores, with its law where it has one."""
    figure, tops = new_figure(), [0.0]
    if series.fit:
        tops += _add_fit(figure, series.fit)
    tops += _add_left_out(figure, series)
    what = scale_words.QUANTITIES[series.quantity]
    told = scale_words.law(series.fit) if series.fit else "no point to fit"
    return _finished(figure, tops, f"{what[0].upper()}{what[1:]} against cores", f"{name}: {told}")


def fit_plot(fit: Fit) -> Plot:
    """Plot points from anywhere and the law through them."""
    figure = new_figure()
    tops = _add_fit(figure, fit)
    return _finished(figure, tops, "Throughput against cores", scale_words.law(fit))


def _finished(figure: go.Figure, tops: list[float], title: str, told: str) -> Plot:
    figure.update_xaxes(title={"text": "cores", "standoff": 10}, rangemode="tozero", nticks=10)
    figure.update_yaxes(title={"text": "per second"}, **rate_axis(max(tops), 1.12))
    return finished(figure, title, told, height_px=460)


def _add_fit(figure: go.Figure, fit: Fit) -> list[float]:
    """The highest values drawn, for the axis; the linear bound may leave the plot."""
    most = max(point.cores for point in fit.points)
    reach = max([most, *(forecast.cores for forecast in fit.forecasts)])
    _add_bound(figure, fit, reach)
    _add_band(figure, fit)
    if fit.law != "linear bound":
        _add_law(figure, fit, 1, most, "the law", "solid")
        _add_law(figure, fit, most, reach, "the law beyond what was measured", "dot")
    figure.add_scatter(
        name="measured",
        mode="markers",
        x=[point.cores for point in fit.points],
        y=[point.throughput for point in fit.points],
        marker={"color": BLUE, "size": 8},
        hovertemplate="%{x} cores: %{y:,.4g}<extra></extra>",
    )
    ends = [forecast.ci95[1] for forecast in fit.forecasts if forecast.ci95]
    return [*ends, *(point.throughput for point in fit.points)]


def _add_bound(figure: go.Figure, fit: Fit, reach: float) -> None:
    per_core = fit.forecasts[0].at_most / fit.forecasts[0].cores
    figure.add_scatter(
        name="linear bound",
        mode="lines",
        x=[0, reach],
        y=[0, per_core * reach],
        line={"color": MUTED, "width": 1, "dash": "dash"},
        hoverinfo="skip",
    )


def _add_band(figure: go.Figure, fit: Fit) -> None:
    sure = [(forecast.cores, *forecast.ci95) for forecast in fit.forecasts if forecast.ci95]
    if not sure:
        return
    cores, lows, highs = (list(column) for column in zip(*sure, strict=True))
    figure.add_scatter(
        name="95 % interval",
        mode="lines",
        x=cores + cores[::-1],
        y=highs + lows[::-1],
        fill="toself",
        fillcolor=BAND,
        line={"width": 0},
        hoverinfo="skip",
    )


def _add_law(figure: go.Figure, fit: Fit, first: float, last: float, name: str, dash: str) -> None:
    n = np.linspace(first, last, 60)
    sigma, kappa = fit.sigma or 0.0, fit.kappa or 0.0
    figure.add_scatter(
        name=name,
        mode="lines",
        x=n.tolist(),
        y=(fit.gamma * n / (1 + sigma * (n - 1) + kappa * n * (n - 1))).tolist(),
        line={"color": BLUE, "width": 2, "dash": dash},
        hoverinfo="skip",
    )


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
