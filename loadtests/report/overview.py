"""The plot that sets all targets' ceilings side by side."""

from html import escape

import plotly.graph_objects as go

from loadtests.record.summary import TargetSummary
from loadtests.report import derived, words
from loadtests.report.figure import (
    BLUE,
    INK,
    MUTED,
    PALE,
    Plot,
    finished,
    new_figure,
    rate_axis,
)

ROW_HEIGHT_PX = 62
SERVER_LOOK: dict[str, object] = {"color": BLUE}
STAND_IN_LOOK: dict[str, object] = {
    "color": PALE,
    "line": {"color": MUTED, "width": 1},
    "pattern": {"shape": "/", "fillmode": "overlay", "fgcolor": MUTED, "size": 7},
}
ABOVE_BAR = {
    "x": 0,
    "xref": "paper",
    "xanchor": "left",
    "yanchor": "bottom",
    "align": "left",
    "showarrow": False,
    "font": {"size": 12, "color": INK},
}


def overview_plots(targets: list[TargetSummary]) -> list[Plot]:
    """Plot the ceilings of all targets, one plot a model; none where nothing is compared."""
    if len(targets) < 2:
        return []
    models = dict.fromkeys(target.model for target in targets)
    return [_of_model([t for t in targets if t.model == model]) for model in models]


def _of_model(targets: list[TargetSummary]) -> Plot:
    # A stand-in takes no part in the ranking: it stands below the servers, hatched.
    order = sorted(targets, key=lambda t: (derived.is_stand_in(t), -_predictions(t)))
    figure = new_figure()
    rows = list(enumerate(order))
    _add_bars(figure, [row for row in rows if not derived.is_stand_in(row[1])], SERVER_LOOK)
    _add_bars(figure, [row for row in rows if derived.is_stand_in(row[1])], STAND_IN_LOOK)
    for row, target in rows:
        figure.add_annotation(text=_row_label(target), y=row - 0.23, **ABOVE_BAR)
    top = max(map(_predictions, order))
    figure.update_xaxes(title={"text": "predictions per second"}, nticks=6, **rate_axis(top, 1.3))
    figure.update_yaxes(range=[len(order) - 0.6, -0.75], visible=False)
    figure.update_layout(showlegend=False, barmode="overlay")
    title = f"Ceilings, {words.plain(targets[0].model)}"
    each = "; ".join(f"{words.label(t)}, {_details(t)}: {_ceiling(t)}" for t in order)
    return finished(
        figure, title, f"Predictions per second. {each}.", ROW_HEIGHT_PX * len(order) + 70
    )


def _add_bars(
    figure: go.Figure, rows: list[tuple[int, TargetSummary]], look: dict[str, object]
) -> None:
    figure.add_bar(
        x=[_predictions(target) for _, target in rows],
        y=[row for row, _ in rows],
        orientation="h",
        width=0.42,
        text=[f"\u00a0<b>{_ceiling(target)}</b>" for _, target in rows],
        textposition="outside",
        textfont={"size": 13},
        cliponaxis=False,
        hoverinfo="skip",
        marker=look,
    )


def _row_label(target: TargetSummary) -> str:
    details = f"<span style='color:{MUTED}'>{escape(_details(target))}</span>"
    return f"<b>{escape(words.label(target))}</b><br>{details}"


def _details(target: TargetSummary) -> str:
    configuration = words.plain(target.configuration)
    body = words.BODIES[target.body]
    aside = "; not compared" if derived.is_stand_in(target) else ""
    return f"{configuration}, {target.deployment}, batch {target.batch}, {body}{aside}"


def _predictions(target: TargetSummary) -> float:
    return target.ceiling.predictions_per_s if target.ceiling else 0.0


def _ceiling(target: TargetSummary) -> str:
    if target.ceiling is None:
        return "no ceiling"
    text = words.rate(target.ceiling.predictions_per_s)
    return words.bounded(text, at_least=target.ceiling.at_least)
