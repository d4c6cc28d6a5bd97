"""Every metric: its name, labels, unit and help, said once. Nothing else knows a name.

Base units. A label that a source does not tell is left out, and so is a metric: absent, never zero.
"""

from dataclasses import dataclass
from typing import Literal

LATENCY_BOUNDS_S = tuple(
    round(step * 10**decade, 9) for decade in range(-5, 2) for step in (1, 1.8, 3.2, 5.6)
)
"""The 28 bounds of the generator's histograms, from 10 us to 56 s, four a decade."""

QUANTILES = ("p50", "p90", "p99", "p999", "max")
"""The values of the label ``q``: the quantiles that the generator knows exactly."""

PHASES = ("settle", "warmup", "measure", "drain")
VERSION_STATES = ("START", "LOADING", "AVAILABLE", "UNLOADING", "END")

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``unit`` is the last word of its name (before ``_total``), if that is a unit."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """What every exporter tells of its own reading."""

    up: Metric
    duration: Metric
    errors: Metric


def _counter(name: str, text: str, labels: tuple[str, ...], unit: str = "") -> Metric:
    return Metric(name, "counter", text, labels, unit)


def _gauge(name: str, text: str, labels: tuple[str, ...], unit: str = "") -> Metric:
    return Metric(name, "gauge", text, labels, unit)


def _histogram(name: str, text: str, labels: tuple[str, ...], unit: str = "") -> Metric:
    return Metric(name, "histogram", text, labels, unit)


def _health(prefix: str, source: str, labels: tuple[str, ...]) -> Health:
    return Health(
        up=_gauge(
            f"{prefix}_up",
            f"1 if {source} told all that it was asked, within the limit; else 0.",
            labels,
        ),
        duration=_gauge(
            f"{prefix}_scrape_duration_seconds",
            f"Time that reading {source} took, its answer included.",
            labels,
            "seconds",
        ),
        errors=_counter(
            f"{prefix}_scrape_errors_total",
            f"Readings of {source} that failed, by kind, since the exporter started.",
            (*labels, "kind"),
        ),
    )


_SERVER = ("server",)
_MODEL = ("server", "model")
_VERSION = ("server", "model", "version")

SERVER = _health("model_server", "the server", _SERVER)

REQUESTS = _counter(
    "model_server_requests_total",
    "Inference requests by outcome. TensorFlow Serving: ok by protocol, other outcomes by the "
    "server's own status without protocol (failed status reads are among these, what "
    "grpc_max_threads refused never). TorchServe: outcome any, since it tells none, refused "
    "requests included, the version being default unless a request names one.",
    ("server", "model", "version", "protocol", "outcome"),
)
REQUEST_DURATION = _histogram(
    "model_server_request_duration_seconds",
    "Time in the server of requests that succeeded. Buckets grow 1.8-fold: a mean is right, a "
    "quantile off by up to that much. The sum has six digits.",
    ("server", "model", "protocol", "api"),
    "seconds",
)
REQUEST_SECONDS = _counter(
    "model_server_request_seconds_total",
    "Time in the server, summed over requests that succeeded over REST; where a server keeps no "
    "histogram. It stands still over gRPC.",
    ("server", "model", "version", "protocol"),
    "seconds",
)
COMPUTE_DURATION = _histogram(
    "model_server_compute_duration_seconds",
    "Time in the model's runtime of requests that succeeded, the wait for a batch included.",
    _MODEL,
    "seconds",
)
QUEUE_DURATION = _histogram(
    "model_server_queue_duration_seconds",
    "Wait of each request for its batch, of all models together; with batching only.",
    _SERVER,
    "seconds",
)
QUEUE_SECONDS = _counter(
    "model_server_queue_seconds_total",
    "Wait for a worker, summed over requests that succeeded over REST; where a server keeps no "
    "histogram. It stands still over gRPC.",
    ("server", "model", "version", "protocol"),
    "seconds",
)
LAST_QUEUE = _gauge(
    "model_server_last_batch_queue_seconds",
    "Wait of the last batch, over either protocol, in whole milliseconds.",
    _SERVER,
    "seconds",
)
LAST_WORKER = _gauge(
    "model_server_last_batch_worker_seconds",
    "Time that the last batch spent between the server and its worker, over either protocol, in "
    "whole milliseconds.",
    _SERVER,
    "seconds",
)
REQUEST_ROWS = _histogram(
    "model_server_request_rows",
    "Rows of each request that was batched, of all models together. A request of as many rows as a "
    "bound counts above it.",
    _SERVER,
    "rows",
)
BATCH_ROWS = _histogram(
    "model_server_batch_rows",
    "Rows of each batch that ran, of all models together. A batch of as many rows as a bound "
    "counts above it.",
    _SERVER,
    "rows",
)
BATCH_LIMIT = _gauge(
    "model_server_batch_limit_rows", "Requests that a batch may hold.", _VERSION, "rows"
)
BATCH_DELAY_LIMIT = _gauge(
    "model_server_batch_delay_limit_seconds",
    "Time that a batch may wait to fill.",
    _VERSION,
    "seconds",
)
QUEUED = _gauge(
    "model_server_queued_requests", "Requests that wait for a worker.", _VERSION, "requests"
)
QUEUE_ROOM = _gauge(
    "model_server_queue_room_requests",
    "Requests that could wait as well, before the server refuses.",
    _VERSION,
    "requests",
)
WORKERS = _gauge(
    "model_server_workers", "Workers of a model by the server's own state.", (*_VERSION, "state")
)
VERSION_STATE = _gauge(
    "model_server_version_state",
    "1 for the state that a version of a model is in, 0 for the others.",
    (*_VERSION, "state"),
)
LOAD_SECONDS = _gauge(
    "model_server_load_seconds",
    "Time that loading took: a version from its path, or a worker its model.",
    (*_VERSION, "path", "worker"),
    "seconds",
)
HTTP_ANSWERS = _counter(
    "model_server_http_answers_total",
    "HTTP answers by class of status. Scrapes, pings and management calls are among them (this "
    "exporter's too), gRPC's are not.",
    ("server", "class"),
)

_ROLE = ("role",)

PROCESS = _health("redline_process", "the process tree", _ROLE)

PROCESSES = _gauge("redline_process_processes", "Processes of the tree.", _ROLE, "processes")
THREADS = _gauge("redline_process_threads", "Threads of the tree.", _ROLE, "threads")
CPU_SECONDS = _counter(
    "redline_process_cpu_seconds_total",
    "CPU time of the tree, descendants that ended included.",
    _ROLE,
    "seconds",
)
CPU_WAIT_SECONDS = _counter(
    "redline_process_cpu_wait_seconds_total",
    "Time that the tree's threads were able to run and waited for a core, summed over threads. "
    "What a thread waited since the scrape before its end is lost.",
    _ROLE,
    "seconds",
)
SWITCHES = _counter(
    "redline_process_context_switches_total",
    "Context switches of the tree's threads, voluntary or not. Those of a thread since the scrape "
    "before its end are lost.",
    (*_ROLE, "kind"),
)
MEMORY = _gauge(
    "redline_process_memory_bytes",
    "Resident memory of the tree; what processes share counts once for each.",
    _ROLE,
    "bytes",
)
OPEN_FILES = _gauge(
    "redline_process_open_files", "Open file descriptors of the tree.", _ROLE, "files"
)
CPU_QUOTA = _gauge(
    "redline_process_cpu_quota_cores",
    "The CPU quota of the tree's control group; absent without one.",
    _ROLE,
    "cores",
)
CPU_PERIODS = _counter(
    "redline_process_cpu_periods_total", "Periods of the quota in which the group ran.", _ROLE
)
THROTTLED_PERIODS = _counter(
    "redline_process_cpu_throttled_periods_total",
    "Periods of the quota in which the group was held back.",
    _ROLE,
)
THROTTLED_SECONDS = _counter(
    "redline_process_cpu_throttled_seconds_total",
    "Time that the group was held back by its quota, summed over its cores.",
    _ROLE,
    "seconds",
)
_NETWORK = (*_ROLE, "device", "direction")
NETWORK_BYTES = _counter(
    "redline_process_network_bytes_total",
    "Bytes through a device of the network that the tree's root sees: the host's, or its "
    "container's own.",
    _NETWORK,
    "bytes",
)
NETWORK_PACKETS = _counter(
    "redline_process_network_packets_total", "Packets through such a device.", _NETWORK, "packets"
)
NETWORK_LOST = _counter(
    "redline_process_network_lost_packets_total",
    "Packets that such a device dropped, or could not pass on for an error.",
    _NETWORK,
    "packets",
)

HOST = _health("redline_host", "the host's kernel", ())

CORE_SECONDS = _counter(
    "redline_host_cpu_seconds_total",
    "Time of each core since boot: busy, idle (waiting for a disk included), or steal, which is "
    "what a hypervisor gave to others while the core had work.",
    ("core", "mode"),
    "seconds",
)
CORE_WAIT_SECONDS = _counter(
    "redline_host_cpu_wait_seconds_total",
    "Time that tasks were able to run and waited for this core, summed over tasks.",
    ("core",),
    "seconds",
)
STARVED_SECONDS = _counter(
    "redline_host_cpu_starved_seconds_total",
    "Time in which at least one task waited for a core.",
    (),
    "seconds",
)
RUNNING_TASKS = _gauge(
    "redline_host_running_tasks", "Tasks that run, or wait for a core.", (), "tasks"
)
BLOCKED_TASKS = _gauge("redline_host_blocked_tasks", "Tasks that wait for a disk.", (), "tasks")
HOST_SWITCHES = _counter(
    "redline_host_context_switches_total", "Context switches of all cores.", ()
)

_TARGET = ("target", "server", "protocol", "model")

USERS = _gauge("loadgen_users", "Users that run, in closed loop.", _TARGET, "users")
RATE = _gauge("loadgen_rate_rps", "Requests that are to fall due a second, in open loop.", _TARGET)
DUE = _counter("loadgen_due_total", "Requests that fell due.", _TARGET)
SENT = _counter("loadgen_sent_total", "Requests that were sent.", _TARGET)
RIGHT = _counter("loadgen_right_total", "Right answers.", _TARGET)
WRONG = _counter(
    "loadgen_wrong_total",
    "Requests that were sent and got no right answer, by kind.",
    (*_TARGET, "kind"),
)
UNSENT = _counter(
    "loadgen_unsent_total", "Requests that were due and given up without being sent.", _TARGET
)
FAILED = _counter(
    "loadgen_failed_total",
    "All of loadgen_wrong_total, and loadgen_unsent_total: for rates, since a kind that is new "
    "hides its first requests from them.",
    _TARGET,
)
IN_FLIGHT = _gauge(
    "loadgen_in_flight_requests",
    "Requests that were due and had not ended, at the end of the newest window.",
    _TARGET,
    "requests",
)


def _time(name: str, text: str) -> tuple[Metric, Metric]:
    """The histogram of one of a request's times, and its exact quantiles."""
    return (
        _histogram(f"loadgen_{name}_seconds", f"{text}, in coarse buckets.", _TARGET, "seconds"),
        _gauge(
            f"loadgen_{name}_quantile_seconds",
            f"{text}: exact quantiles of the newest window; absent without enough requests.",
            (*_TARGET, "q"),
            "seconds",
        ),
    )


TIMES = {
    "response": _time("response", "From due to answered, of right answers"),
    "service": _time("service", "From sent to answered, of right answers"),
    "slot_wait": _time("slot_wait", "From due until a connection or stream was free"),
    "generator_lag": _time("generator_lag", "What the generator itself added before sending"),
}
"""The histogram and the quantiles of each of a request's times."""

BUSY = _gauge(
    "loadgen_engine_busy_ratio",
    "Share of the newest window in which a generator thread ran or waited for a core.",
    ("thread",),
    "ratio",
)
WORKERS_SEEN = _gauge("loadgen_workers_seen", "Generator processes in the newest window.", ())
WORKERS_EXPECTED = _gauge("loadgen_workers_expected", "Generator processes there should be.", ())
COMPLETENESS = _gauge(
    "loadgen_completeness_ratio",
    "Share of the windows due from all workers that arrived, in this probe.",
    _TARGET,
    "ratio",
)
PROBE = _gauge("loadgen_probe", "The number of the probe.", _TARGET)
STEP = _gauge("loadgen_step", "1 for the search's word for this probe.", (*_TARGET, "step"))
PHASE = _gauge(
    "loadgen_phase", "1 for the phase of the probe, 0 for the others.", (*_TARGET, "phase")
)
VERDICT = _gauge(
    "loadgen_verdict",
    "1 for the verdict on the probe judged last, and for each of its reasons.",
    (*_TARGET, "verdict", "reason"),
)
SLO_SECONDS = _gauge(
    "loadgen_slo_seconds",
    "The limit that this quantile of response latency must keep; absent without one.",
    (*_TARGET, "q"),
    "seconds",
)
SLO_ERROR_RATIO = _gauge(
    "loadgen_slo_error_ratio",
    "The share of due requests that may fail; absent without a limit.",
    _TARGET,
    "ratio",
)

RUNS = _health("redline_runs", "the results of past runs", ())

_RUN = ("run", *_TARGET, "deployment")
RUN_CEILING = _gauge(
    "redline_run_ceiling_rps", "The highest goodput sustained, whatever the latency.", _RUN
)
RUN_CEILING_INTERVAL = _gauge(
    "redline_run_ceiling_interval_rps",
    "The ends of the ceiling's interval, at 95 %.",
    (*_RUN, "end"),
)
RUN_CAPACITY = _gauge(
    "redline_run_capacity_rps", "The highest offered rate at which the SLO held.", _RUN
)
RUN_VALID = _gauge("redline_run_valid", "1 if the ceiling is VALID, 0 if it is INVALID.", _RUN)
RUN_CORES = _gauge("redline_run_server_cores", "Cores that the server had.", _RUN, "cores")
RUN_STARTED = _gauge(
    "redline_run_started_timestamp_seconds", "When the run began.", _RUN, "seconds"
)


def every_metric() -> list[Metric]:
    """All metrics of this module, in its order."""
    found: list[Metric] = []
    for value in globals().values():
        if isinstance(value, Metric):
            found.append(value)
        elif isinstance(value, Health):
            found += (value.up, value.duration, value.errors)
    return found + [metric for pair in TIMES.values() for metric in pair]
