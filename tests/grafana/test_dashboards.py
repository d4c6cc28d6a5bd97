"""The dashboards: their JSON is what the code makes, and all they ask Prometheus has an answer."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import yaml

from exporters import schema
from exporters.schema import QUANTILES
from grafana.written import FOLDER, texts
from loadtests.measure.window import quantiles
from loadtests.prometheus import showing
from loadtests.target import Target
from tests.conftest import server_core
from tests.recorded_run import CLOSED, OPEN, RATE_RPS, SLO_S, RecordedRun, ask, values_within

ROOT = Path(__file__).parents[2]
DASHBOARDS: Mapping[str, Any] = {
    path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")
}
Shown = Callable[..., list[float]]
VARIABLES = {"$server": ".*", "$protocol": ".*", "$model": ".*", "$role": ".*", "$rate": "50000"}
EMPTY = {
    "model_server_scrape_errors_total": "no server was in trouble",
    "redline_process_cpu_quota_cores": "no server ran under a quota",
    "redline_process_cpu_throttled_seconds_total": "no server ran under a quota",
}
"""Queries that have no answer in a run where nothing is wrong, by a metric in them."""
NOT_EVERYWHERE = ("redline_host_cpu_wait_seconds_total", "redline_host_cpu_starved_seconds_total")
"""What some kernels do not tell."""
SURELY_SCRAPED = 5
"""So many seconds cannot all fall between two scrapes, as one may on a busy machine."""
NOT_SHOWN = {
    "model_server_request_rows": "the client's batch is known; for who looks closer",
    "redline_process_up": "as a variable's source only",
    "redline_process_scrape_duration_seconds": "for who looks at the exporters themselves",
    "redline_process_scrape_errors_total": "for who looks at the exporters themselves",
    "redline_process_cpu_periods_total": "throttled seconds tell more",
    "redline_process_cpu_throttled_periods_total": "throttled seconds tell more",
    "redline_process_network_packets_total": "bytes tell more",
    "redline_process_network_lost_packets_total": "for who looks closer",
    "redline_host_up": "the host answers as long as its exporter does",
    "redline_host_scrape_duration_seconds": "for who looks at the exporters themselves",
    "redline_host_scrape_errors_total": "for who looks at the exporters themselves",
    "redline_host_blocked_tasks": "no server under load waits for a disk",
    "redline_host_context_switches_total": "by process is shown",
    "redline_runs_up": "for who looks at the exporters themselves",
    "redline_runs_scrape_duration_seconds": "for who looks at the exporters themselves",
    "redline_runs_scrape_errors_total": "for who looks at the exporters themselves",
    "redline_run_started_timestamp_seconds": "a run's name begins with it",
    "loadgen_slot_wait_seconds": "its exact quantiles are shown",
    "loadgen_generator_lag_seconds": "its exact quantiles are shown",
}


def test_the_json_is_what_the_code_makes() -> None:
    written = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert written == texts()
    assert set(DASHBOARDS) == {
        "redline-overview",
        "redline-server",
        "redline-generator",
        "redline-runs",
    }


def panels(dashboard: Mapping[str, Any]) -> list[Any]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name and the expression of each query of panels, annotations and variables."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in dashboard.get("annotations", {}).get("list", []):
        yield f"annotation {annotation['name']}", annotation["expr"]


def filled(expr: str) -> str:
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr
    return expr


@pytest.fixture(scope="module")
def prometheus(recorded_run: RecordedRun) -> Iterator[str]:
    """One on the recorded data."""
    with showing(recorded_run.folder, [server_core()]) as running:
        yield running.url


def test_a_dashboard_asks_by_the_variables_it_has() -> None:
    for uid, dashboard in DASHBOARDS.items():
        has = {variable["name"] for variable in dashboard["templating"]["list"]}
        asked = {name for _, expr in queries(dashboard) for name in re.findall(r"\$(\w+)", expr)}
        assert asked <= has, uid


def test_every_query_has_an_answer(recorded_run: RecordedRun, prometheus: str) -> None:
    """At some time of the run, and always a finite one."""
    unanswered = set()
    for uid, dashboard in DASHBOARDS.items():
        for name, expr in queries(dashboard):
            span = recorded_run.began_s, recorded_run.ended_s
            numbers = values_within(prometheus, filled(expr), *span)
            if not numbers:
                unanswered.add(f"{uid}: {name}: {expr}")
            assert all(0 <= number < 1e15 for number in numbers), (name, expr, numbers)
    seen = [w for windows in recorded_run.windows.values() for w in windows if w.right]
    told = {q: [w for w in seen if quantiles(w.times.response)[q] is not None] for q in QUANTILES}
    too_few = [q for q in QUANTILES if len(told[q]) < SURELY_SCRAPED]
    allowed = (*EMPTY, *NOT_EVERYWHERE, *(f'q="{q}"' for q in too_few))
    unexplained = {each for each in unanswered if not any(name in each for name in allowed)}
    assert unexplained == set()
    assert all(any(name in each for each in unanswered) for name in EMPTY)


@pytest.fixture
def shown(recorded_run: RecordedRun, prometheus: str) -> Shown:
    """What a panel shows of a target in the last 9 s of its probe: all values, each second."""

    def shown(uid: str, title: str, target: Target, number: int = 0) -> list[float]:
        [panel] = [p for p in panels(DASHBOARDS[uid]) if p["title"] == title]
        expr = panel["targets"][number]["expr"]
        for label in ("server", "protocol", "model"):
            expr = expr.replace(f"${label}", getattr(target, label))
        last = recorded_run.probes[target.name].measured[-1]
        end_s = last.start_s + last.duration_s
        return values_within(prometheus, filled(expr), end_s - 9, end_s)

    return shown


@pytest.mark.parametrize("target", [CLOSED, OPEN], ids=lambda target: target.server)
def test_goodput_is_that_of_the_record(
    target: Target, recorded_run: RecordedRun, shown: Shown
) -> None:
    """Over the same seconds: a window is shown up to 2 s after its end."""
    told = fmean(shown("redline-overview", "Goodput", target))
    assert fmean(shown("redline-overview", "Offered and goodput", target)) == told
    recorded = [_goodput(recorded_run, target, late_s) for late_s in (0, 0.5, 1, 1.5, 2)]
    assert min(abs(told / rate - 1) for rate in recorded) < 0.05


def _goodput(run: RecordedRun, target: Target, late_s: float) -> float:
    """As the panel has it, a mean of rates over 5 s, from the record of ``late_s`` before."""
    ends_s = [w.start_s + w.duration_s for w in run.windows[target.name]]
    counts = list(accumulate(w.right for w in run.windows[target.name]))
    last = run.probes[target.name].measured[-1]
    at_s = last.start_s + last.duration_s - late_s - np.arange(10)
    grown = np.interp(at_s, ends_s, counts) - np.interp(at_s - 5, ends_s, counts)
    return float(np.mean(grown / 5))


@pytest.mark.parametrize("target", [CLOSED, OPEN], ids=lambda target: target.server)
def test_latencies_are_those_of_the_record(
    target: Target, recorded_run: RecordedRun, shown: Shown
) -> None:
    """Exactly, each second's own; a quantile that too few answers stand behind is on neither.

    A second that no scrape saw is not shown: a busy machine scrapes late. Most are seen, but two.
    """
    windows = recorded_run.probes[target.name].measured[-9:]
    for q in ("p50", "p90", "p99"):
        told = {quantiles(window.times.response)[q] for window in windows}
        known_s = {round(us / 1e6, 9) for us in told if us is not None}
        panel = f"{q} of response latency"
        seen_s = {round(value, 9) for value in shown("redline-overview", panel, target)}
        assert len(seen_s & known_s) >= min(len(known_s) - 2, len(known_s) / 2)
        assert len(seen_s - known_s) <= 2  # of the seconds at either end
        assert known_s or q != "p50"


def test_the_numbers_on_the_panels_are_those_of_the_run(shown: Shown) -> None:
    overview, generator = "redline-overview", "redline-generator"
    assert fmean(shown(overview, "Offered and goodput", OPEN, 1)) == pytest.approx(
        RATE_RPS, rel=0.15
    )
    assert set(shown(overview, "Users", CLOSED)) == {8}
    assert set(shown(generator, "Asked for", OPEN, 1)) == {RATE_RPS}
    assert set(shown(overview, "p99 of response latency", OPEN, 1)) == {SLO_S}
    assert set(shown(overview, "Failed", CLOSED)) == {0}
    assert set(shown(overview, "Servers up", CLOSED)) == {1}
    assert set(shown(generator, "Complete", CLOSED)) == {1}
    assert set(shown(generator, "Workers", CLOSED)) == {1}
    assert 0 < max(shown(generator, "Busiest thread", CLOSED)) <= 1.5
    assert all(0 < cores < 4 for cores in shown(overview, "Cores used", CLOSED))


def test_past_runs_are_shown_as_their_summaries_say(shown: Shown) -> None:
    def only(title: str) -> float:
        [value] = set(shown("redline-runs", title, CLOSED))
        return value

    assert only("Ceiling") == 5000
    assert only("Cores for the target rate, at the ceiling") == 20
    assert only("Cores for the target rate, at the SLO") == 25
    assert only("Half the ceiling's interval") == pytest.approx(0.02)


def test_every_variable_has_values(recorded_run: RecordedRun, prometheus: str) -> None:
    expected = {
        "server": {"tfserving", "torchserve"},
        "protocol": {"grpc", "rest"},
        "model": {"digits"},
        "role": {"tfserving", "torchserve"},
    }
    for dashboard in DASHBOARDS.values():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] != "query":
                continue
            found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert found
            series = ask(
                prometheus,
                f"label/{found[2]}/values",
                **{"match[]": found[1], "start": recorded_run.began_s},
            )
            assert set(series) <= expected[variable["name"]]
            assert series


def test_every_metric_is_shown_or_not_for_a_reason() -> None:
    expressions = [expr for d in DASHBOARDS.values() for _, expr in queries(d)]
    for name in ("rules.yml", "alerts.yml"):
        groups = yaml.safe_load((ROOT / "exporters/prometheus" / name).read_text())["groups"]
        expressions += [rule["expr"] for group in groups for rule in group["rules"]]
    text = "\n".join(expressions)
    unused = {
        metric.name
        for metric in schema.every_metric()
        if not re.search(rf"\b{metric.name}(_bucket|_sum|_count)?\b", text)
    }
    assert unused == set(NOT_SHOWN)


def test_panels_are_titled_explained_and_do_not_overlap() -> None:
    for dashboard in DASHBOARDS.values():
        cells: set[tuple[int, int]] = set()
        titles = [panel["title"] for panel in panels(dashboard)]
        assert len(titles) == len(set(titles))
        for panel in panels(dashboard):
            assert panel["description"].endswith(".")
            position = panel["gridPos"]
            covered = {
                (x, y)
                for x in range(position["x"], position["x"] + position["w"])
                for y in range(position["y"], position["y"] + position["h"])
            }
            assert max(x for x, _ in covered) < 24
            assert not covered & cells, panel["title"]
            cells |= covered


def test_grafana_is_given_these_dashboards_and_this_prometheus() -> None:
    folder = ROOT / "grafana/provisioning"
    [source] = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    [provider] = yaml.safe_load((folder / "dashboards/redline.yml").read_text())["providers"]
    assert provider["options"]["path"] == "${REDLINE_DASHBOARDS}"
    settings = (ROOT / "grafana/grafana.ini").read_text()
    assert "redline-overview.json" in settings
    assert "http_addr = 127.0.0.1" in settings
