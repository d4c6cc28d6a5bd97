"""*Overview*: both servers side by side, for who looks up from something else."""

from grafana_foundation_sdk.builders import dashboard as d

from exporters import schema
from grafana.frame import framed, with_annotations
from grafana.parts import ORANGE, RED, Query, figure, graph, state
from grafana.promql import chosen, recorded

UID = "redline-overview"


def build() -> d.Dashboard:
    """The dashboard."""
    frame = framed(
        UID,
        "Redline: overview",
        "What is asked of each server, and what it answers rightly.",
        *((label, schema.DUE) for label in ("server", "protocol", "model")),
    )
    return _graphs(_figures(with_annotations(frame)))


def _figures(frame: d.Dashboard) -> d.Dashboard:
    _, response = schema.TIMES["response"]
    failed = recorded("target:loadgen_failed:ratio5s")
    by = "{{target}}"
    return (
        frame.with_row(d.Row("Now"))
        .with_panel(
            figure(
                "Goodput",
                "Right answers per second.",
                "reqps",
                Query(recorded("target:loadgen_right:rate5s"), by),
                span=6,
            )
        )
        .with_panel(
            figure(
                "p99",
                "Of response latency, from when a request was due; of the newest second.",
                "s",
                Query(chosen(response, q="p99"), by),
                span=6,
            )
        )
        .with_panel(
            figure(
                "Failed",
                "Share of requests without a right answer; from 0.1 % on in another colour.",
                "percentunit",
                Query(failed, by),
                steps=((0.001, ORANGE), (0.01, RED)),
            )
        )
        .with_panel(
            figure(
                "Users",
                "Closed loop: so many requests are in flight at most.",
                "short",
                Query(chosen(schema.USERS), by),
            )
        )
        .with_panel(
            state(
                "Verdict",
                "On the probe judged last, with its reasons; NOT JUDGED is one of a search that is "
                "too short for more.",
                Query(chosen(schema.VERDICT), "{{verdict}} {{reason}} {{target}}"),
            )
        )
    )


def _graphs(frame: d.Dashboard) -> d.Dashboard:
    _, response = schema.TIMES["response"]
    by = "{{target}}"
    frame = frame.with_row(d.Row("Over time")).with_panel(
        graph(
            "Offered and goodput",
            "Requests that fell due, and right answers, per second.",
            "reqps",
            Query(recorded("target:loadgen_right:rate5s"), f"goodput {by}"),
            Query(recorded("target:loadgen_due:rate5s"), f"offered {by}"),
        )
    )
    for q in ("p50", "p90", "p99"):
        queries = [Query(chosen(response, q=q), by)]
        if q == "p99":
            queries.append(Query(chosen(schema.SLO_SECONDS, q=q), f"SLO {by}"))
        text = "Exact, of each second; a gap where too few requests stand behind it."
        frame = frame.with_panel(graph(f"{q} of response latency", text, "s", *queries))
    return (
        frame.with_panel(
            graph(
                "Share that failed",
                "Share of requests without a right answer.",
                "percentunit",
                Query(recorded("target:loadgen_failed:ratio5s"), by),
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
        .with_panel(
            graph(
                "In flight",
                "Requests due and not ended.",
                "short",
                Query(chosen(schema.IN_FLIGHT), by),
            )
        )
        .with_panel(
            graph(
                "In the servers, on average",
                "How many requests that succeed are in a server at a time, by its own clock (Little"
                "'s law). TorchServe tells it of REST only.",
                "short",
                Query(recorded("model:model_server_in_service:mean5s"), "{{server}} {{model}}"),
            )
        )
        .with_panel(
            graph(
                "Servers up",
                "1 while a server tells its metrics.",
                "short",
                Query(chosen(schema.SERVER.up), "{{server}} {{deployment}}"),
                most=1,
            )
        )
    )
