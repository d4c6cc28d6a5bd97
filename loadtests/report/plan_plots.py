"""The pictures of a capacity plan: demand against capacity, and what a tighter objective takes."""

import plotly.graph_objects as go

from loadtests.planning.plan import CapacityPlan, Option, TargetPlan
from loadtests.report import derived, numbers, plan_words, words
from loadtests.report.figure import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    PALE,
    RED,
    Plot,
    finished,
    latency_axis,
    new_figure,
    rate_axis,
)

MOST_TARGETS = 4
HEIGHT_PX = 370
LEGEND_Y = -0.3
"""Below the title of the x-axis, also where the legend takes four lines."""
LOOKS = ((BLUE, "circle"), (ORANGE, "square"), (INK, "diamond"), (MUTED, "x"))


def plan_plots(plan: CapacityPlan) -> list[Plot]:
    """Both pictures; none where there is no plan."""
    return [demand_plot(plan), objective_plot(plan)] if plan.targets else []


def demand_plot(plan: CapacityPlan) -> Plot:
    """What the first target's replicas take, spares lost and headroom kept free, and the demand."""
    one, demand = plan.targets[0], plan.demand
    most = round(1.35 * one.safe.bought.replicas) + 1
    counts = [0, most]
    keep = 1 - demand.headroom
    figure = new_figure()
    low, high = one.estimate.low_rps, one.estimate.high_rps
    _band(figure, counts, keep * low, keep * high)
    _line(figure, counts, one.estimate.rps, "all that they take", BLUE, "solid")
    _line(figure, counts, keep * one.estimate.rps, "headroom kept free, expected", BLUE, "dot")
    _line(figure, counts, keep * low, "headroom kept free, safe", MUTED, "dash")
    figure.add_hline(demand.peak_rps, line={"color": RED, "width": 1.6})
    _mark_demand(figure, demand.peak_rps)
    _mark_safe(figure, one.safe)
    top = 2 * demand.peak_rps
    figure.update_xaxes(title={"text": "replicas", "standoff": 8}, range=[0, most], nticks=7)
    figure.update_yaxes(title={"text": "requests per second"}, nticks=6, **rate_axis(top, 1.0))
    figure.update_layout(legend={"y": LEGEND_Y})
    return finished(
        figure,
        f"Demand against capacity: {words.label(one.replica)}",
        f"{plan_words.question(plan)} {plan_words.answer(plan)}",
        HEIGHT_PX,
    )


def objective_plot(plan: CapacityPlan) -> Plot:
    """What each objective takes, safely, in cost where prices are known, else in cores."""
    shown = plan.targets[:MOST_TARGETS]
    priced = plan.prices is not None
    known = all(one.replica.cores for one in shown)
    unit = "cost an hour" if priced else "cores" if known else "replicas"
    figure, limits_ms, top, told = new_figure(), [], 1.0, []
    for one, (color, symbol) in zip(shown, LOOKS, strict=False):
        points = _by_objective(plan, one, unit)
        limits_ms += [limit_ms for limit_ms, _ in points]
        top = max(top, *(amount for _, amount in points))
        name = _short(one)
        figure.add_scatter(
            x=[limit_ms for limit_ms, _ in points],
            y=[amount for _, amount in points],
            mode="lines+markers",
            name=name,
            line={"color": color, "width": 2},
            marker={"symbol": symbol, "size": 9},
            hoverinfo="skip",
        )
        each = (f"{numbers.latency(limit)} ms: {plan_words.cost(n)}" for limit, n in points)
        told.append(f"{name}: {', '.join(each)}")
    figure.update_xaxes(**latency_axis(limits_ms) | {"title": {"text": "objective's limit (ms)"}})
    figure.update_yaxes(title={"text": unit}, nticks=6, **rate_axis(top, 1.1))
    figure.update_layout(legend={"y": LEGEND_Y})
    what = "Cost" if priced else unit.capitalize()
    return finished(
        figure,
        f"{what} against objective, at {numbers.rate(plan.demand.rps)} requests/s",
        f"The safe answer, {unit}, by the objective's limit. {'; '.join(told)}.",
        HEIGHT_PX,
    )


def _short(one: TargetPlan) -> str:
    """A target in so few words that a legend of half a page holds them."""
    stand_in = " stand-in" if derived.is_stand_in(one.replica) else ""
    server = words.SHORT_SERVERS[one.replica.server]
    marks = f"x{one.replica.batch}, {words.plain(one.replica.configuration)}"
    return f"{server}{stand_in}, {words.PROTOCOLS[one.replica.protocol]}, {marks}"


def _by_objective(plan: CapacityPlan, one: TargetPlan, unit: str) -> list[tuple[float, float]]:
    found = []
    for cell in one.what_if:
        if cell.rps == plan.demand.rps and cell.safe:
            bought = cell.safe.bought
            amounts = {"cost an hour": bought.cost_per_hour, "cores": bought.cores}
            found.append((cell.slo.limit_us / 1000, float(amounts.get(unit) or bought.replicas)))
    return found


def _line(
    figure: go.Figure, counts: list[int], each_rps: float, name: str, color: str, dash: str
) -> None:
    figure.add_scatter(
        x=counts,
        y=[count * each_rps for count in counts],
        mode="lines",
        name=name,
        line={"color": color, "width": 2, "dash": dash},
        hoverinfo="skip",
    )


def _band(figure: go.Figure, counts: list[int], low_rps: float, high_rps: float) -> None:
    figure.add_scatter(
        x=[*counts, *counts[::-1]],
        y=[count * low_rps for count in counts] + [count * high_rps for count in counts[::-1]],
        fill="toself",
        fillcolor=PALE,
        line={"width": 0},
        mode="lines",
        name="its interval",
        hoverinfo="skip",
    )


def _mark_demand(figure: go.Figure, peak_rps: float) -> None:
    figure.add_annotation(
        text=f"<b>demand: {numbers.rate(peak_rps)}/s</b>",
        x=0.01,
        xref="x domain",
        xanchor="left",
        y=peak_rps,
        yanchor="bottom",
        yshift=3,
        showarrow=False,
        font={"color": RED},
    )


def _mark_safe(figure: go.Figure, safe: Option) -> None:
    """Where the demand is met with the spares gone, and what is bought."""
    for count, name, dash in (
        (safe.needed, "needed", "dot"),
        (safe.bought.replicas, "safe", "solid"),
    ):
        if count == safe.bought.replicas and dash == "dot":
            continue
        figure.add_vline(count, line={"color": INK, "width": 1.3, "dash": dash})
        figure.add_annotation(
            text=f"<b>{name}: {numbers.count(count)}</b>",
            x=count,
            xanchor="right" if dash == "dot" else "left",
            xshift=-4 if dash == "dot" else 4,
            y=0.02,
            yref="y domain",
            yanchor="bottom",
            showarrow=False,
            bgcolor="rgba(255,255,255,0.85)",
        )
