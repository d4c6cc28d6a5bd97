"""Looking at what a run's own Prometheus recorded, long after."""

import json
import os
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

from loadtests import grafana
from loadtests.prometheus import Prometheus, data_folder, showing
from loadtests.record.reader import find_run
from serving.errors import DeploymentError, UsageError

EXPRESSION = "target:loadgen_right:rate5s"
_POLL_S = 0.2
_TIMEOUT_S = 10.0
_SHORTEST_S = 60
_MS_PER_S = 1000


def find_metrics(named: str, results: Path) -> Path:
    """The folder of the run ``named``: a path, or a name in ``results``; it has recorded metrics.

    UsageError when there is none.
    """
    folder = find_run(named, results)
    if not data_folder(folder).is_dir():
        raise UsageError(f"the run {folder} has no metrics: no Prometheus ran beside it")
    return folder


def watch(run: Path, say: Callable[[str], None]) -> None:
    """Show the metrics of the run in the folder ``run``, until something raises.

    DeploymentError when Prometheus cannot be started, or ends by itself.
    """
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        prometheus = stack.enter_context(showing(run, cores))
        say(f"the metrics of {run.name}: {graph_url(prometheus)}")
        try:
            url = stack.enter_context(grafana.dashboards(prometheus, cores))
            first_ms, last_ms = _recorded_ms(prometheus)
            say(f"its dashboards: {url}?from={first_ms}&to={last_ms}")
        except DeploymentError as error:
            say(f"its dashboards: none ({error})")
        say("Ctrl-C ends it")
        while prometheus.process.exit_code is None:
            time.sleep(_POLL_S)
        raise DeploymentError(f"Prometheus ended by itself: {prometheus.process.last_words()}")


def graph_url(prometheus: Prometheus) -> str:
    """Prometheus' own page with the goodput over all that was recorded."""
    first_ms, last_ms = _recorded_ms(prometheus)
    query = {
        "g0.expr": EXPRESSION,
        "g0.tab": 0,
        "g0.end_input": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(last_ms / _MS_PER_S + 1)),
        "g0.range_input": f"{max(_SHORTEST_S, (last_ms - first_ms) // _MS_PER_S + 2)}s",
    }
    return f"{prometheus.url}/graph?{urlencode(query)}"


def _recorded_ms(prometheus: Prometheus) -> tuple[int, int]:
    """The first and the last moment that it has data of, in its head and its older blocks."""
    url = f"{prometheus.url}/api/v1/status/tsdb"
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        head = json.load(answer)["data"]["headStats"]
    blocks = [
        json.loads(path.read_text())
        for path in data_folder(prometheus.folder.parent).glob("*/meta.json")
    ]
    spans = [(each["minTime"], each["maxTime"]) for each in (head, *blocks)]
    return min(first for first, _ in spans), max(last for _, last in spans)
