"""A run that a real Prometheus recorded: real exporters of real servers, a made-up generator."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters.collectors import host, process, runs, tfserving, torchserve
from exporters.collectors.locust import LoadCollector
from exporters.listen import Collects, served
from exporters.locust import Slo, Snapshot, TargetLabels, TargetSnapshot, TimeOfRequests, folded
from exporters.schema import TIMES
from loadtests.prometheus import Exporter, recording
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment
from serving.models.store import BuiltModel
from tests.waiting import eventually

RIGHT_RPS = {"tfserving-grpc": 250, "torchserve-rest": 80}
WRONG_RPS = 5
P99_S = 0.25
SETTLED = 0.05
"""A rate over five scrapes is taken for settled when it is within this share."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What it left in ``folder``, and what its Prometheus said of itself before it ended.

    ``ended_s`` is the time of the last scrape, ``trouble`` the errors of targets and rules,
    ``alerts`` those that fired.
    """

    folder: Path
    ended_s: float
    trouble: Mapping[str, str]
    alerts: frozenset[str]
    series: int


class Generator:
    """Sends RIGHT_RPS right and WRONG_RPS wrong requests a second by the clock, as it says."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def snapshot(self) -> Snapshot:
        """What it says now."""
        elapsed_s = time.monotonic() - self._start_s
        closed = _target("tfserving", "grpc", elapsed_s, users=8, rate_rps=None)
        opened = _target("torchserve", "rest", elapsed_s, users=None, rate_rps=85.0)
        return Snapshot((closed, opened), {"worker-0/0": 0.95, "worker-1/0": 0.4}, 2, 2)


def _target(
    server: str, protocol: str, elapsed_s: float, users: int | None, rate_rps: float | None
) -> TargetSnapshot:
    right, wrong = (
        round(elapsed_s * rps) for rps in (RIGHT_RPS[f"{server}-{protocol}"], WRONG_RPS)
    )
    quantiles_s = {"p50": 0.02, "p90": 0.1, "p99": P99_S, "p999": None, "max": 0.3}
    return TargetSnapshot(
        target=TargetLabels(f"{server}-{protocol}", server, protocol, "digits"),
        users=users,
        rate_rps=rate_rps,
        probe=int(elapsed_s / 4),
        step="grow",
        phase="measure",
        due=right + wrong,
        sent=right + wrong,
        right=right,
        wrong={"http 503": wrong},
        unsent=0,
        in_flight=8,
        completeness=1.0,
        times={name: TimeOfRequests(quantiles_s, folded([(0.02, right)])) for name in TIMES},
        verdict="VALID" if elapsed_s > 5 else "",
        slo=Slo("p99", 0.2, 0.001),
    )


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


def record(
    results: Path, digits: BuiltModel, embedded: Deployment, torch: Deployment, core: int
) -> RecordedRun:
    """Some ten seconds of both servers being asked, until all rates have settled."""
    run = results / "20260102T030405Z-quick"
    run.mkdir()
    (run / "summary.json").write_text(json.dumps(_summary(run.name)))
    _, management, metrics, *_ = (f"http://127.0.0.1:{port}" for port in torch.launch.ports)
    labels = {"deployment": "embedded"}
    with ExitStack() as stack:

        def exporter(job: Any, *collectors: Collects, **more: str) -> Exporter:
            url = stack.enter_context(served(collectors, "127.0.0.1", 0))
            return Exporter(job, urllib.parse.urlsplit(url).netloc, more)

        exporters = [
            exporter("model_server", tfserving.collector(embedded.address("rest"), []), **labels),
            exporter("model_server", torchserve.collector(metrics, management, ["digits"])),
            exporter(
                "process",
                host.collector(),
                process.collector(lambda _limit_s: embedded.process.pid, "tfserving"),
                process.collector(lambda _limit_s: torch.process.pid, "torchserve"),
            ),
            exporter("loadgen", LoadCollector(Generator().snapshot)),
            exporter("runs", runs.collector(results)),
        ]
        prometheus = stack.enter_context(recording(run, exporters, [core]))
        _ask_until_settled(prometheus.url, digits, embedded, torch)
        return _ended(run, prometheus.url)


def _ask_until_settled(
    url: str, digits: BuiltModel, embedded: Deployment, torch: Deployment
) -> None:
    with ExitStack() as stack:
        asks = [
            stack.enter_context(connect(corpus, server.address(corpus.protocol), 10))
            for server, corpus in (
                (embedded, open_corpus(digits, "tfserving", "tensor", 1)),
                (torch, open_corpus(digits, "torchserve", "json", 1)),
            )
        ]
        assert eventually(lambda: [one(0) for one in asks] and _settled(url), timeout_s=40)


def _settled(url: str) -> bool:
    rates = values(url, "sort(min_over_time(target:loadgen_right:rate5s[3s]))")
    expected = sorted(RIGHT_RPS.values())
    return (
        len(rates) == len(expected)
        and all(abs(a / b - 1) < SETTLED for a, b in zip(rates, expected, strict=True))
        and "ErrorRatioHigh" in _firing(url)
        and len(values(url, "model:model_server_in_service:mean5s > 0")) == 2
        and bool(values(url, "loadgen_verdict"))
    )


def _firing(url: str) -> frozenset[str]:
    alerts = ask(url, "alerts")["alerts"]
    return frozenset(each["labels"]["alertname"] for each in alerts if each["state"] == "firing")


def _ended(run: Path, url: str) -> RecordedRun:
    targets = ask(url, "targets", state="active")["activeTargets"]
    groups = ask(url, "rules")["groups"]
    trouble = {each["scrapeUrl"]: each["lastError"] for each in targets if each["lastError"]}
    trouble |= {
        rule["name"]: rule.get("lastError", rule["health"])
        for group in groups
        for rule in group["rules"]
        if rule["health"] != "ok"
    }
    return RecordedRun(
        folder=run,
        ended_s=values(url, "max(timestamp(loadgen_workers_seen))")[0],
        trouble=trouble,
        alerts=_firing(url),
        series=len(ask(url, "series", **{"match[]": '{job=~".+"}'})),
    )


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
