"""*Server*: one server in depth; what it does not tell stays empty, and says so."""

from grafana_foundation_sdk.builders import dashboard as d

from exporters import schema
from grafana.frame import framed, with_annotations
from grafana.parts import Query, figure, graph
from grafana.promql import chosen, rate, recorded

UID = "redline-server"
_QUIRK = "A mean over 5 s; the server's own histogram is too coarse for quantiles."


def build() -> d.Dashboard:
    """The dashboard."""
    frame = framed(
        UID,
        "Redline: server",
        "What a server and its machine tell of themselves.",
        ("server", schema.SERVER.up),
        ("model", schema.REQUESTS),
        ("protocol", schema.DUE),
        ("role", schema.PROCESS.up),
    )
    return _machine(_batches(_requests(with_annotations(frame))))


def _requests(frame: d.Dashboard) -> d.Dashboard:
    by = "{{server}} {{model}}"
    duration = "model:model_server_request_duration_seconds:mean5s"
    compute = "model:model_server_compute_duration_seconds:mean5s"
    return (
        frame.with_row(d.Row("Requests"))
        .with_panel(
            graph(
                "Requests by outcome",
                schema.REQUESTS.help,
                "reqps",
                Query(recorded("model:model_server_requests:rate5s"), by + " {{outcome}}"),
            )
        )
        .with_panel(
            graph(
                "Time in the server",
                _QUIRK,
                "s",
                Query(recorded(duration), by + " {{protocol}}"),
            )
        )
        .with_panel(graph("Time in the model's runtime", _QUIRK, "s", Query(recorded(compute), by)))
        .with_panel(
            graph(
                "In the server, on average",
                "Requests that succeed, by the seconds they spend there per second (Little's law). "
                "TorchServe tells it of REST only.",
                "short",
                Query(recorded("model:model_server_in_service:mean5s"), by),
            )
        )
        .with_panel(
            graph(
                "HTTP answers by class",
                schema.HTTP_ANSWERS.help,
                "reqps",
                Query(rate(schema.HTTP_ANSWERS, "server, class"), "{{server}} {{class}}"),
            )
        )
        .with_panel(
            graph(
                "Trouble in reading the server",
                schema.SERVER.errors.help,
                "short",
                Query(rate(schema.SERVER.errors, "server, kind") + " > 0", "{{server}} {{kind}}"),
                Query(chosen(schema.SERVER.duration), "{{server}} seconds"),
            )
        )
    )


def _batches(frame: d.Dashboard) -> d.Dashboard:
    by = "{{server}} {{model}}"
    return (
        frame.with_row(d.Row("Queue, batches, versions"))
        .with_panel(
            graph(
                "Queue",
                "Requests that wait for a worker, and on average for a batch.",
                "short",
                Query(chosen(schema.QUEUED), by),
                Query(recorded("server:model_server_in_queue:mean5s"), "{{server}} on average"),
            )
        )
        .with_panel(
            graph(
                "Wait in the queue",
                "A mean over 5 s, or of the last batch in whole milliseconds.",
                "s",
                Query(recorded("server:model_server_queue_duration_seconds:mean5s"), "{{server}}"),
                Query(chosen(schema.LAST_QUEUE), "{{server}} last batch"),
                Query(chosen(schema.LAST_WORKER), "{{server}} last batch, at its worker"),
            )
        )
        .with_panel(
            graph(
                "Batch size",
                "Rows of a batch on average, and the most that the configuration allows.",
                "short",
                Query(recorded("server:model_server_batch_rows:mean5s"), "{{server}}"),
                Query(chosen(schema.BATCH_LIMIT), f"quota {by}"),
            )
        )
        .with_panel(
            figure(
                "Workers",
                schema.WORKERS.help,
                "short",
                Query(chosen(schema.WORKERS), by + " {{state}}"),
                span=6,
            )
        )
        .with_panel(
            figure(
                "Versions",
                "Versions of each model, by the state they are in.",
                "short",
                Query(f"{chosen(schema.VERSION_STATE)} == 1", by + " {{version}} {{state}}"),
                span=6,
            )
        )
        .with_panel(
            figure(
                "Loading took",
                schema.LOAD_SECONDS.help,
                "s",
                Query(chosen(schema.LOAD_SECONDS), "{{server}} {{version}} {{worker}}"),
                span=6,
            )
        )
        .with_panel(
            figure(
                "Room in the queue",
                schema.QUEUE_ROOM.help,
                "short",
                Query(chosen(schema.QUEUE_ROOM), by),
                Query(chosen(schema.BATCH_DELAY_LIMIT), f"{by} batch may wait, s"),
                span=6,
            )
        )
    )


def _machine(frame: d.Dashboard) -> d.Dashboard:
    by = "{{role}}"
    throttled = rate(schema.THROTTLED_SECONDS, "role")
    network = rate(schema.NETWORK_BYTES, "role, device, direction")
    return (
        frame.with_row(d.Row("Process and machine"))
        .with_panel(
            graph(
                "Cores used",
                "CPU time per second of the process tree, and what it waited for a core.",
                "short",
                Query(recorded("role:redline_process_cpu_cores:rate5s"), by),
                Query(recorded("role:redline_process_cpu_wait_cores:rate5s"), f"{by} waited"),
                Query(chosen(schema.CPU_QUOTA), f"{by} quota"),
                Query(f"{throttled} > 0", f"{by} held back by its quota"),
            )
        )
        .with_panel(
            graph(
                "Each core",
                "Share of time that a core of this machine was busy.",
                "percentunit",
                Query("core:redline_host_busy:ratio5s", "core {{core}}"),
                most=1,
            )
        )
        .with_panel(
            graph(
                "Wait for a core",
                "Time that tasks were able to run and waited, per second; of the whole machine.",
                "short",
                Query(rate(schema.CORE_WAIT_SECONDS, "core"), "core {{core}}"),
                Query(rate(schema.STARVED_SECONDS, "instance"), "time in which any waited"),
                Query(chosen(schema.RUNNING_TASKS), "tasks that run or wait"),
            )
        )
        .with_panel(graph("Memory", schema.MEMORY.help, "bytes", Query(chosen(schema.MEMORY), by)))
        .with_panel(
            graph(
                "Threads and open files",
                "Of the process tree.",
                "short",
                Query(chosen(schema.THREADS), f"{by} threads"),
                Query(chosen(schema.OPEN_FILES), f"{by} files"),
                Query(chosen(schema.PROCESSES), f"{by} processes"),
            )
        )
        .with_panel(
            graph(
                "Context switches",
                schema.SWITCHES.help,
                "ops",
                Query(rate(schema.SWITCHES, "role, kind"), f"{by} {{{{kind}}}}"),
            )
        )
        .with_panel(
            graph(
                "Network",
                schema.NETWORK_BYTES.help,
                "Bps",
                Query(f"{network} > 0", f"{by} {{{{device}}}} {{{{direction}}}}"),
                span=24,
            )
        )
    )
