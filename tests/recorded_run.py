"""A short run against both servers, with real Locusts, recorded by a real Prometheus."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters.collectors import host, process, runs, tfserving, torchserve
from exporters.listen import Collects, served
from loadtests.locust_run import locust_command
from loadtests.measure.window import Window
from loadtests.ports import free_port
from loadtests.prometheus import Exporter, recording
from loadtests.record.probes import RecordedProbe, recorded_probes
from loadtests.record.reader import read_windows
from loadtests.target import Target
from serving.deployment import Deployment
from serving.process import ManagedProcess
from tests.waiting import eventually

CLOSED = Target("tfserving", "digits", "tensor", 1, "tuned")
OPEN = Target("torchserve", "digits", "json", 1, "tuned")
RATE_RPS = 200
SLO_S = 0.02
ASTRAY = Target("tfserving", "digits", "json", 1, "tuned")
"""Sent to TorchServe's management port, where every request fails."""
OPTIONS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    CLOSED.name: (
        "ceiling",
        {"search": "quick", "hold-users": 8, "hold-settle": 1, "hold-measure": 11},
    ),
    OPEN.name: (
        "capacity",
        {"slo": "p99=20ms", "found-rps": RATE_RPS, "ceiling-rps": 1000, "most-rps": 1000},
    ),
    ASTRAY.name: ("ceiling", {"hold-users": 1}),
}
"""The scenario of each target, and what is asked of it."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What is in ``folder``, and what its Prometheus said of itself before it ended.

    ``windows`` and, of these, one long probe of each target are as its record has them. The Locusts
    ran from ``began_s`` to ``ended_s``. ``trouble`` are the errors of targets and rules, ``alerts``
    those that fired.
    """

    folder: Path
    windows: Mapping[str, Sequence[Window]]
    probes: Mapping[str, RecordedProbe]
    began_s: float
    ended_s: float
    trouble: Mapping[str, str]
    alerts: frozenset[str]
    series: int


def ask(url: str, path: str, **query: object) -> Any:
    """The ``data`` of Prometheus' answer; an HTTPError when it does not understand."""
    whole = f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(whole, timeout=20) as answer:  # noqa: S310
        return json.load(answer)["data"]


def values(url: str, expression: str, time_s: float | None = None) -> list[float]:
    """The value of each series of ``expression``, now or then."""
    at = {} if time_s is None else {"time": time_s}
    found = ask(url, "query", query=expression, **at)["result"]
    return [float(each["value"][1]) for each in found]


def values_within(url: str, expression: str, start_s: float, end_s: float) -> list[float]:
    """Every value of every series of ``expression``, each second."""
    span = {"start": start_s, "end": end_s, "step": 1}
    found = ask(url, "query_range", query=expression, **span)["result"]
    return [float(value) for series in found for _, value in series["values"]]


def record(
    results: Path, embedded: Deployment, torch: Deployment, core: int, generator_core: int
) -> RecordedRun:
    """Both servers loaded at once, one in closed loop and one in open loop, and a load astray."""
    past = results / "20260102T030405Z-quick"
    past.mkdir()
    (past / "summary.json").write_text(json.dumps(_summary(past.name)))
    run = results / "20260102T040506Z-quick"
    run.mkdir()
    ports = {name: free_port() for name in OPTIONS}
    with ExitStack() as stack:
        exporters = _exporters(stack, results, embedded, torch)
        exporters += [Exporter("loadgen", f"127.0.0.1:{port}") for port in ports.values()]
        prometheus = stack.enter_context(recording(run, exporters, [core]))
        prometheus.wait_until_ready()
        assert eventually(lambda: values(prometheus.url, 'up{job="process"}') == [1], timeout_s=20)
        loads = {
            target.name: _load(stack, run, target, server, ports[target.name], generator_core)
            for target, server in ((CLOSED, embedded), (OPEN, torch), (ASTRAY, torch))
        }
        _wait_until_judged(prometheus.url, loads)
        return _ended(run, prometheus.url)


def _exporters(
    stack: ExitStack, results: Path, embedded: Deployment, torch: Deployment
) -> list[Exporter]:
    def exporter(job: Any, *collectors: Collects, **labels: str) -> Exporter:
        url = stack.enter_context(served(collectors, "127.0.0.1", 0))
        return Exporter(job, urllib.parse.urlsplit(url).netloc, labels)

    addresses = torch.launch.addresses
    torch_metrics = torchserve.collector(addresses["metrics"], addresses["management"], ["digits"])
    trees = [
        process.collector(lambda _limit_s, pid=server.process.pid: pid, server.launch.server)  # type: ignore[misc]
        for server in (embedded, torch)
    ]
    return [
        exporter(
            "model_server", tfserving.collector(embedded.address("rest"), []), deployment="embedded"
        ),
        exporter("model_server", torch_metrics, deployment="native"),
        exporter("process", host.collector(), *trees),
        exporter("runs", runs.collector(results)),
    ]


def _load(
    stack: ExitStack, run: Path, target: Target, server: Deployment, port: int, core: int
) -> ManagedProcess:
    scenario, asked = OPTIONS[target.name]
    folder = run / target.name
    folder.mkdir()
    options = {"record": folder, "metrics-port": port, **asked}
    command = locust_command(scenario, target, server, options, [core])
    if target is ASTRAY:
        command[command.index("--host") + 1] = server.launch.addresses["management"]
    load = ManagedProcess(command, cores=[core], log=folder.with_suffix(".log"))
    stack.callback(load.stop)
    return load


def _wait_until_judged(url: str, loads: Mapping[str, ManagedProcess]) -> None:
    """A probe of each is enough: the open loop would go on for minutes."""
    failing = 'ALERTS{alertname="ErrorRatioHigh",alertstate="firing"}'
    assert eventually(lambda: bool(values(url, failing)), timeout_s=90)
    loads[ASTRAY.name].stop()
    for target in (CLOSED.name, OPEN.name):
        verdict = f'loadgen_verdict{{target="{target}",verdict!="NOT JUDGED"}}'
        found = eventually(lambda expr=verdict: bool(values(url, expr)), timeout_s=150)  # type: ignore[misc]
        assert found, loads[target].last_words()


def _ended(run: Path, url: str) -> RecordedRun:
    targets = ask(url, "targets", state="active")["activeTargets"]
    trouble = {
        each["scrapeUrl"]: each["lastError"]
        for each in targets
        if each["lastError"] and each["labels"]["job"] != "loadgen"  # two of these have ended
    }
    rules = [rule for group in ask(url, "rules")["groups"] for rule in group["rules"]]
    trouble |= {
        rule["name"]: rule.get("lastError", rule["health"])
        for rule in rules
        if rule["health"] != "ok"
    }
    [seen_s] = values(url, "max(timestamp(up))")
    ended_s = seen_s + 1  # steps of a second reach what was seen last
    windows = {name: read_windows(run / name) for name in (CLOSED.name, OPEN.name)}
    probes = {name: _probe(windows[name], name) for name in windows}
    began_s = min(probe.measured[0].start_s for probe in probes.values())
    span = {"start": began_s, "end": ended_s, "step": 1}
    fired = ask(url, "query_range", query='ALERTS{alertstate="firing"}', **span)["result"]
    return RecordedRun(
        folder=run,
        windows=windows,
        probes=probes,
        began_s=began_s,
        ended_s=ended_s,
        trouble=trouble,
        alerts=frozenset(each["metric"]["alertname"] for each in fired),
        series=len(ask(url, "series", **{"match[]": '{job=~".+"}'})),
    )


def _probe(windows: Sequence[Window], name: str) -> RecordedProbe:
    """The longest that ended."""
    probes = recorded_probes(windows, [])[name]
    return max((probe for probe in probes if probe.ended), key=lambda probe: len(probe.measured))


def _summary(name: str) -> dict[str, object]:
    target = {
        "name": "tfserving-grpc-digits-x1-tuned",
        "server": "tfserving",
        "protocol": "grpc",
        "model": "digits",
        "deployment": "native",
        "server_cores": [2, 3],
        "ceiling": {"goodput_rps": 5000, "ci95_rps": [4900, 5100]},
        "capacity": {"rate_rps": 4000},
        "verdict": {"valid": True},
    }
    return {"name": name, "started": "2026-01-02T03:04:05+00:00", "targets": [target]}
