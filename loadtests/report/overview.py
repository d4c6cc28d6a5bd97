"""The plot that sets all targets' ceilings side by side."""

from html import escape

import plotly.graph_objects as go

from loadtests.record.summary import TargetSummary
from loadtests.report import derived, judgement, numbers, words
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

ROW_HEIGHT_PX = 78
SERVER_LOOK: dict[str, object] = {"color": BLUE}
STAND_IN_LOOK: dict[str, object] = {
    "color": PALE,
    "line": {"color": MUTED, "width": 1},
    "pattern": {"shape": "/", "fillmode": "overlay", "fgcolor": MUTED, "size": 7},
}
UNFIT_LOOK: dict[str, object] = {
    "color": "white",
    "line": {"color": MUTED, "width": 1},
    "pattern": {"shape": "x", "fillmode": "overlay", "fgcolor": MUTED, "size": 9},
}


def overview_plots(targets: list[TargetSummary]) -> list[Plot]:
    """Plot the ceilings of all targets, one plot a model; none where nothing is compared."""
    if len(targets) < 2:
        return []
    models = dict.fromkeys(target.model for target in targets)
    return [_of_model([t for t in targets if t.model == model]) for model in models]


def _of_model(targets: list[TargetSummary]) -> Plot:
    # Neither a stand-in nor a figure that may not be used takes part in the ranking.
    order = sorted(targets, key=lambda t: (_rank(t), -_predictions(t)))
    figure = new_figure()
    rows = list(enumerate(order))
    for rank, look in enumerate((SERVER_LOOK, STAND_IN_LOOK, UNFIT_LOOK)):
        if ranked := [row for row in rows if _rank(row[1]) == rank]:
            _add_bars(figure, ranked, look)
    top = max(map(_high, order))
    for row, target in rows:
        _label_row(figure, row, target)
    figure.update_xaxes(title={"text": "predictions per second"}, nticks=6, **rate_axis(top, 1.06))
    figure.update_yaxes(range=[len(order) - 0.7, -0.85], visible=False)
    figure.update_layout(showlegend=False, barmode="overlay")
    title = f"Ceilings, {words.plain(targets[0].model)}"
    each = "; ".join(f"{words.label(t)}, {_details(t)}: {_in_words(t)}" for t in order)
    return finished(
        figure, title, f"Predictions per second. {each}.", ROW_HEIGHT_PX * len(order) + 70
    )


def _rank(target: TargetSummary) -> int:
    """0 for a server's figure, 1 for a stand-in's, 2 for one that may not be used or is none."""
    if not derived.is_valid(target.verdict):
        return 2
    return int(derived.is_stand_in(target))


def _add_bars(
    figure: go.Figure, rows: list[tuple[int, TargetSummary]], look: dict[str, object]
) -> None:
    figure.add_bar(
        x=[_predictions(target) for _, target in rows],
        y=[row for row, _ in rows],
        orientation="h",
        width=0.3,
        error_x={
            "array": [_high(target) - _predictions(target) for _, target in rows],
            "color": INK,
            "thickness": 1.5,
            "width": 5,
        },
        hoverinfo="skip",
        marker=look,
    )


def _label_row(figure: go.Figure, row: int, target: TargetSummary) -> None:
    """Above its bar: beside or inside it no narrow screen has room for every figure."""
    details = f"<span style='color:{MUTED}'>{escape(_details(target))}</span>"
    figure.add_annotation(
        text=f"<b>{escape(words.label(target))}</b><br>{details}<br>{_marked(target)}",
        x=0,
        xref="paper",
        xanchor="left",
        y=row - 0.13,
        yshift=2,
        yanchor="bottom",
        align="left",
        showarrow=False,
    )


def _details(target: TargetSummary) -> str:
    configuration = words.plain(target.configuration)
    body = words.BODIES[target.body]
    aside = "; not compared" if _rank(target) else ""
    return f"{configuration}, {target.deployment}, batch {target.batch}, {body}{aside}"


def _predictions(target: TargetSummary) -> float:
    return target.ceiling.predictions_per_s if target.ceiling else 0.0


def _high(target: TargetSummary) -> float:
    """The upper end of the interval, or the figure itself where there is none."""
    interval = target.ceiling.ci95_rps if target.ceiling else None
    return max(_predictions(target), interval[1] * target.batch if interval else 0.0)


def _ceiling(target: TargetSummary) -> str:
    if target.ceiling is None:
        return "no ceiling"
    text = numbers.rate(target.ceiling.predictions_per_s)
    return numbers.bounded(text, at_least=target.ceiling.at_least)


def _spread(target: TargetSummary) -> str:
    interval = target.ceiling.ci95_rps if target.ceiling else None
    return numbers.plus_minus(interval, times=target.batch)


def _unfit(target: TargetSummary) -> str:
    """The word for a figure that may not be used; nothing for others."""
    if target.ceiling is None or derived.is_valid(target.verdict):
        return ""
    return judgement.standing(target.verdict)


def _marked(target: TargetSummary) -> str:
    if _unfit(target):
        return f"<b><s>{_ceiling(target)}</s> {_unfit(target)}</b>"
    return f"<b>{_ceiling(target)}</b> {_spread(target)}".rstrip()


def _in_words(target: TargetSummary) -> str:
    return f"{_unfit(target)} {_ceiling(target)} {_spread(target)}".strip()
