"""What every dashboard has around its panels: variables, annotations, links."""

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import dashboard as models

from exporters import schema
from exporters.schema import Metric
from grafana.parts import BLUE, GREY, ORANGE, SOURCE
from grafana.promql import chosen

TAG = "redline"
ANY = ".*"


class _Annotation(models.AnnotationQuery):
    """With the fields of Prometheus' annotations, which the SDK's own lacks."""

    title_format = ""
    text_format = ""

    def to_json(self) -> dict[str, object]:
        prometheus = {"titleFormat": self.title_format, "textFormat": self.text_format}
        return {**super().to_json(), **prometheus, "step": "1s"}


class _Annotated(d.AnnotationQuery):
    def __init__(self, name: str, color: str, expr: str, title: str, text: str) -> None:
        super().__init__()
        self._internal = _Annotation(
            name=name, datasource=SOURCE, enable=True, icon_color=color, expr=expr
        )
        self._internal.title_format = title
        self._internal.text_format = text


def framed(uid: str, title: str, description: str, *labels: tuple[str, Metric]) -> d.Dashboard:
    """An empty dashboard with a variable for each of ``labels``, from that metric's values."""
    frame = (
        d.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("utc")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .refresh("5s")
        .time("now-15m", "now")
        .timepicker(d.TimePicker().refresh_intervals(["1s", "5s", "30s"]))
        .with_variable(d.DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .link(
            d.DashboardLink("Redline")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
    )
    for label, metric in labels:
        frame = frame.with_variable(_variable(label, metric))
    return frame


def with_annotations(frame: d.Dashboard) -> d.Dashboard:
    """The same with the phases, probes and verdicts of the load drawn into its graphs."""
    probes = f"changes({chosen(schema.PROBE)}[2s]) > 0"
    measuring = f"{chosen(schema.PHASE, phase='measure')} == 1"
    verdicts = f"{chosen(schema.VERDICT)} unless {chosen(schema.VERDICT)} offset 2s"
    return (
        frame.annotation(_Annotated("Measured", BLUE, measuring, "measured", "{{target}}"))
        .annotation(_Annotated("Probes", GREY, probes, "a new probe", "{{target}}"))
        .annotation(
            _Annotated("Verdicts", ORANGE, verdicts, "{{verdict}} {{reason}}", "{{target}}")
        )
    )


def _variable(label: str, metric: Metric) -> d.QueryVariable:
    return (
        d.QueryVariable(label)
        .label(label.capitalize())
        .datasource(SOURCE)
        .query({"query": f"label_values({metric.name}, {label})", "refId": label})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(ANY)
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )
