"""*Load generator*: whether it is healthy, without which no number of it counts."""

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.builders import heatmap, prometheus
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models import prometheus as queries

from exporters import schema
from grafana.frame import framed, with_annotations
from grafana.parts import RED, SOURCE, Query, figure, graph, limit, state
from grafana.promql import chosen, rate, recorded

UID = "redline-generator"
_BUSY = 0.9
_LAG_S = 0.001


def build() -> d.Dashboard:
    """The dashboard."""
    frame = framed(
        UID,
        "Redline: load generator",
        "Whether the generator itself was the bottleneck, or its data are not whole.",
        *((label, schema.DUE) for label in ("server", "protocol", "model")),
    )
    return _answers(_lateness(_health(with_annotations(frame))))


def _health(frame: d.Dashboard) -> d.Dashboard:
    by = "{{target}}"
    return (
        frame.with_row(d.Row("Healthy?"))
        .with_panel(
            figure(
                "Busiest thread",
                "From 90 % on the generator is the bottleneck.",
                "percentunit",
                Query("loadgen:engine_busy:max", "engine"),
                steps=((_BUSY, RED),),
            )
        )
        .with_panel(
            figure(
                "Workers",
                "Processes whose windows arrive, and those there should be.",
                "short",
                Query(chosen(schema.WORKERS_SEEN), "seen"),
                Query(chosen(schema.WORKERS_EXPECTED), "expected"),
            )
        )
        .with_panel(
            figure(
                "Complete",
                schema.COMPLETENESS.help,
                "percentunit",
                Query(chosen(schema.COMPLETENESS), by),
            )
        )
        .with_panel(figure("Probe", schema.PROBE.help, "short", Query(chosen(schema.PROBE), by)))
        .with_panel(
            state(
                "Step",
                schema.STEP.help,
                Query(chosen(schema.STEP), "{{step}}"),
            )
        )
        .with_panel(
            state(
                "Phase",
                schema.PHASE.help,
                Query(f"{chosen(schema.PHASE)} == 1", "{{phase}}"),
            )
        )
    )


def _lateness(frame: d.Dashboard) -> d.Dashboard:
    _, lag = schema.TIMES["generator_lag"]
    _, slot_wait = schema.TIMES["slot_wait"]
    by = "{{target}}"
    return (
        frame.with_row(d.Row("Late?"))
        .with_panel(
            limit(
                graph(
                    "Generator lag",
                    "What the generator itself added; up to 1 ms, or 5 % of the SLO, is allowed.",
                    "s",
                    Query(chosen(lag, q="p99"), f"p99 {by}"),
                    Query(chosen(lag, q="max"), f"max {by}"),
                ),
                _LAG_S,
            )
        )
        .with_panel(
            graph(
                "Slot wait",
                "Time until a connection or a stream was free.",
                "s",
                Query(chosen(slot_wait, q="p99"), f"p99 {by}"),
                Query(chosen(slot_wait, q="max"), f"max {by}"),
            )
        )
        .with_panel(
            limit(
                graph(
                    "Engine busy",
                    schema.BUSY.help,
                    "percentunit",
                    Query(chosen(schema.BUSY), "{{thread}}"),
                    most=1,
                ),
                _BUSY,
            )
        )
        .with_panel(
            graph(
                "Due, sent, unsent",
                "Requests per second.",
                "reqps",
                Query(recorded("target:loadgen_due:rate5s"), f"offered {by}"),
                Query(recorded("target:loadgen_sent:rate5s"), f"sent {by}"),
                Query(rate(schema.UNSENT, "target"), f"unsent {by}"),
            )
        )
        .with_panel(
            graph(
                "Asked for",
                "The load that the search asks for: users, or requests per second.",
                "short",
                Query(chosen(schema.USERS), f"users {by}"),
                Query(chosen(schema.RATE), f"rate {by}"),
            )
        )
        .with_panel(
            graph(
                "Cores used",
                "CPU time per second, of each process tree.",
                "short",
                Query("role:redline_process_cpu_cores:rate5s", "{{role}}"),
            )
        )
    )


def _answers(frame: d.Dashboard) -> d.Dashboard:
    response, _ = schema.TIMES["response"]
    service, exact = schema.TIMES["service"]
    by = "{{target}}"
    return (
        frame.with_row(d.Row("Answers"))
        .with_panel(
            graph(
                "Wrong by kind",
                "Requests per second that were sent and got no right answer.",
                "reqps",
                Query(rate(schema.WRONG, "target, kind"), f"{by} {{{{kind}}}}"),
            )
        )
        .with_panel(
            graph(
                "Service latency",
                "From sent to answered: what is left when the waiting is taken out.",
                "s",
                Query(chosen(exact, q="p50"), f"p50 {by}"),
                Query(chosen(exact, q="p99"), f"p99 {by}"),
            )
        )
        .with_panel(
            graph(
                "Mean of service latency",
                service.help,
                "s",
                Query(
                    f"{rate(service, 'target', '_sum')}"
                    f" / ({rate(service, 'target', '_count')} > 0)",
                    by,
                ),
            )
        )
        .with_panel(_spread(response))
    )


def _spread(metric: schema.Metric) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .title("Response latency, spread")
        .description(metric.help)
        .datasource(SOURCE)
        .span(24)
        .height(9)
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmaps.HeatmapColorMode.SCHEME)
            .scheme("Viridis")
            .steps(64)
        )
        .with_target(
            prometheus.Dataquery()
            .expr(rate(metric, "le", "_bucket"))
            .legend_format("{{le}}")
            .format(queries.PromQueryFormat.HEATMAP)
            .datasource(SOURCE)
            .ref_id("A")
            .range()
        )
    )
