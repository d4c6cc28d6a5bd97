"""What the dashboards are built of, so that they look and behave alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as c
from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

# Okabe and Ito's colours, which stay apart for every kind of colour vision.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"
GREY = "#8E8E8E"
LACKING = "not told by this server"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${source}")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel, and the names of its series, as in ``{{target}}``."""

    expr: str
    legend: str


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 8,
    most: float | None = None,
) -> timeseries.Panel:
    """Lines over time, zero at the bottom, with last and largest value in the legend.

    What is offered or limits is dashed; the two servers keep a colour each.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(span)
        .height(8)
        .line_width(2)
        .fill_opacity(0)
        .show_points(common.VisibilityMode.NEVER)
        .no_value(LACKING)
        .color_scheme(d.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(_legend())
        .tooltip(c.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        .overrides(_styles())
    )
    for query in _queries(queries):
        panel = panel.with_target(query)
    return panel if most is None else panel.max(most)


def figure(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 4,
    steps: Sequence[tuple[float, str]] = (),
) -> stat.Panel:
    """The newest value of each series, large; from each of ``steps`` on in its colour."""
    thresholds = [models.Threshold(value=None, color=BLUE)]
    thresholds += [models.Threshold(value=value, color=color) for value, color in steps]
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(span)
        .height(4)
        .no_value(LACKING)
        .graph_mode(common.BigValueGraphMode.AREA)
        .color_mode(common.BigValueColorMode.VALUE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .reduce_options(c.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .thresholds(d.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds))
    )
    for query in _queries(queries):
        panel = panel.with_target(query)
    return panel


def state(title: str, description: str, *queries: Query, span: int = 4) -> stat.Panel:
    """What is the case at the end of the time shown, by the names of the series that there are."""
    panel = figure(title, description, "short", span=span)
    for query in _queries(queries):
        panel = panel.with_target(query.instant())
    return panel.graph_mode(common.BigValueGraphMode.NONE).text_mode(common.BigValueTextMode.NAME)


def limit(panel: timeseries.Panel, value: float) -> timeseries.Panel:
    """The same with a dashed line at ``value``, beyond which it is in trouble."""
    steps = [models.Threshold(None, "transparent"), models.Threshold(value, RED)]
    return panel.thresholds(
        d.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
    ).thresholds_style(c.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED))


def _queries(queries: Sequence[Query]) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery()
        .expr(query.expr)
        .legend_format(query.legend)
        .datasource(SOURCE)
        .ref_id(chr(ord("A") + number))
        .range()
        for number, query in enumerate(queries)
    ]


def _legend() -> c.VizLegendOptions:
    return (
        c.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )


def _styles() -> list[Builder[models.DashboardFieldConfigSourceOverrides]]:
    def override(pattern: str, name: str, value: object) -> d.DashboardFieldConfigSourceOverrides:
        return (
            d.DashboardFieldConfigSourceOverrides()
            .matcher(models.MatcherConfig("byRegexp", pattern))
            .properties([models.DynamicConfigValue(name, value)])
        )

    return [
        override(".*tfserving.*", "color", {"mode": "fixed", "fixedColor": BLUE}),
        override(".*torchserve.*", "color", {"mode": "fixed", "fixedColor": ORANGE}),
        override(".*(offered|SLO|quota).*", "custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
    ]
