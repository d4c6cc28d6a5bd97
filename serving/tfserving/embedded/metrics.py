"""The Prometheus page, under TensorFlow Serving's own names, labels and buckets.

Only what is really counted here has samples. Of the runtime's families the page has those that
the runs of signatures fill; what loading a model runs is not in them.
"""

import threading
from bisect import bisect_right
from collections.abc import Sequence

CONTENT_TYPE = "text/plain"


class Counter:
    """A sum for each set of label values; any thread may add."""

    kind = "counter"

    def __init__(self, name: str, *labels: str) -> None:
        self.name = name
        self._labels = labels
        self._totals: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, amount: int, *values: str) -> None:
        """Count ``amount`` more under these label values."""
        with self._lock:
            self._totals[values] = self._totals.get(values, 0) + amount

    def lines(self) -> list[str]:
        """The samples, in the order of their labels."""
        with self._lock:
            totals = sorted(self._totals.items())
        return [f"{self.name}{{{_join(self._labels, values)}}} {total}" for values, total in totals]


class Histogram:
    """Counts by size for each set of label values; any thread may add.

    A value on a bound belongs to the next bucket, as in TensorFlow (not as in Prometheus).
    """

    kind = "histogram"

    def __init__(self, name: str, *labels: str, bounds: Sequence[float]) -> None:
        self.name = name
        self._labels = labels
        self._bounds = bounds
        self._cells: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def add(self, value: float, *values: str) -> None:
        """Count ``value`` under these label values."""
        bucket = bisect_right(self._bounds, value)
        with self._lock:
            cell = self._cells.get(values)
            if cell is None:
                cell = self._cells[values] = [0] * (len(self._bounds) + 1)
                self._sums[values] = 0
            cell[bucket] += 1
            self._sums[values] += value

    def lines(self) -> list[str]:
        """The samples: cumulated buckets, sum and count for each set of label values."""
        limits = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        with self._lock:
            cells = [(key, list(cell), self._sums[key]) for key, cell in self._cells.items()]
        lines = []
        for values, cell, total in sorted(cells):
            labels, count = _join(self._labels, values), 0
            for limit, hits in zip(limits, cell, strict=True):
                count += hits
                label = f'{labels},le="{limit}"' if labels else f'le="{limit}"'
                lines.append(f"{self.name}_bucket{{{label}}} {count}")
            lines.append(f"{self.name}_sum{{{labels}}} {total:g}")
            lines.append(f"{self.name}_count{{{labels}}} {count}")
        return lines


class Metrics:
    """All families of one server; with batching there are more. Latencies are in microseconds."""

    def __init__(self, *, batching: bool) -> None:
        latency = _exponential(10, 1.8, 33)
        size = _exponential(1, 2, 14)
        serving = ":tensorflow:serving:"
        batches = serving + "batching_session:"
        self.load_attempts = Counter(
            ":tensorflow:cc:saved_model:load_attempt_count", "model_path", "status"
        )
        self.load_latency = Counter(":tensorflow:cc:saved_model:load_latency", "model_path")
        self.session_runs = Counter(":tensorflow:core:direct_session_runs")
        self.graph_runs = Counter(":tensorflow:core:graph_runs")
        self.graph_run_time = Counter(":tensorflow:core:graph_run_time_usecs")
        self.graph_run_times = Histogram(
            ":tensorflow:core:graph_run_time_usecs_histogram", bounds=_exponential(1000, 2, 20)
        )
        self.queuing_latency = Histogram(
            batches + "queuing_latency", "thread_pool_name", bounds=_exponential(100, 1.2, 52)
        )
        self.wrapped_runs = Counter(batches + "wrapped_run_count")
        self.input_batch_size = Histogram(batches + "input_batch_size", bounds=size)
        self.processed_batch_size = Histogram(batches + "processed_batch_size", bounds=size)
        self.padding_size = Histogram(batches + "padding_size", "execution_batch_size", bounds=size)
        self.warmup_latency = Histogram(
            serving + "model_warmup_latency", "model_path", "status", bounds=latency
        )
        self.request_count = Counter(serving + "request_count", "model_name", "status")
        self.request_latency = Histogram(
            serving + "request_latency", "model_name", "API", "entrypoint", bounds=latency
        )
        self.runtime_latency = Histogram(
            serving + "runtime_latency", "model_name", "API", "runtime", bounds=latency
        )
        lazy = {self.input_batch_size, self.processed_batch_size, self.padding_size}
        families: list[Counter | Histogram] = [
            *(family for family in vars(self).values() if batching or family not in lazy),
            # Predictions fill none of these three, in TensorFlow Serving either.
            Counter(serving + "request_example_count_total"),
            Histogram(serving + "request_example_counts", bounds=size),
            Counter(serving + "request_log_count"),
        ]
        self._families = sorted(families, key=lambda family: family.name)

    def page(self) -> str:
        """The page: every family's type, and samples of what happened so far."""
        lines: list[str] = []
        for family in self._families:
            lines += [f"# TYPE {family.name} {family.kind}", *family.lines()]
        return "\n".join(lines) + "\n"

    def ran(self, elapsed_us: int) -> None:
        """A session's run succeeded."""
        self.session_runs.add(1)
        self.graph_runs.add(1)
        self.graph_run_time.add(elapsed_us)
        self.graph_run_times.add(elapsed_us)


def _exponential(scale: float, growth: float, count: int) -> list[float]:
    return [scale * growth**power for power in range(count)]


def _join(names: Sequence[str], values: Sequence[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return ",".join(f'{name}="{value}"' for name, value in zip(names, quoted, strict=True))
