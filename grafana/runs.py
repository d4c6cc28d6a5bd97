"""*Runs*: what past runs found, beside each other."""

from grafana_foundation_sdk.builders import bargauge, prometheus, stat
from grafana_foundation_sdk.builders import common as c
from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import common

from exporters import schema
from exporters.schema import Metric
from grafana.frame import framed
from grafana.parts import BLUE, ORANGE, SOURCE, Query, figure
from grafana.promql import chosen

UID = "redline-runs"
_BY = "{{run}} {{target}} ({{deployment}})"


def build() -> d.Dashboard:
    """The dashboard."""
    frame = framed(
        UID,
        "Redline: runs",
        "Ceilings and capacities of the newest runs; what is INVALID says so in the run's report.",
        *((label, schema.RUN_CORES) for label in ("server", "protocol", "model")),
    ).with_variable(
        d.TextBoxVariable("rate").label("Target rate, requests/s").default_value("50000")
    )
    cores = f"$rate * {chosen(schema.RUN_CORES)}"
    return (
        frame.with_row(d.Row("What was found"))
        .with_panel(_bars("Ceiling", schema.RUN_CEILING))
        .with_panel(_bars("Capacity at the SLO", schema.RUN_CAPACITY))
        .with_panel(
            _of_cores("Cores for the target rate, at the ceiling", cores, schema.RUN_CEILING)
        )
        .with_panel(_of_cores("Cores for the target rate, at the SLO", cores, schema.RUN_CAPACITY))
        .with_row(d.Row("How sure it is"))
        .with_panel(
            figure(
                "Half the ceiling's interval",
                "As a share of the ceiling, at 95 %.",
                "percentunit",
                Query(
                    f"({chosen(schema.RUN_CEILING_INTERVAL, end='high')} - ignoring (end) "
                    f"{chosen(schema.RUN_CEILING_INTERVAL, end='low')}) / 2 "
                    f"/ ignoring (end) {chosen(schema.RUN_CEILING)}",
                    _BY,
                ),
                span=12,
            )
        )
        .with_panel(
            figure(
                "Valid",
                "1 is VALID, 0 INVALID: see the run's report for the reasons.",
                "short",
                Query(chosen(schema.RUN_VALID), _BY),
                span=12,
                steps=((0, ORANGE), (1, BLUE)),
            )
        )
    )


def _bars(title: str, metric: Metric) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .title(title)
        .description(metric.help)
        .datasource(SOURCE)
        .unit("reqps")
        .min(0)
        .span(12)
        .height(10)
        .no_value("not measured")
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .reduce_options(c.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .with_target(_newest(chosen(metric)))
    )


def _of_cores(title: str, cores: str, metric: Metric) -> stat.Panel:
    text = "As if cores added up: a plan that carries the interval is in the report."
    return figure(title, text, "short", Query(f"ceil({cores} / {chosen(metric)})", _BY), span=12)


def _newest(expr: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery().expr(expr).legend_format(_BY).datasource(SOURCE).ref_id("A").range()
    )
