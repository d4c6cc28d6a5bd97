"""A real Prometheus beside real exporters, and again on its data."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from exporters.collectors import host, process, tfserving
from exporters.collectors.locust import LoadCollector
from exporters.listen import served
from exporters.locust import Snapshot, TargetLabels, TargetSnapshot, TimeOfRequests, folded
from loadtests.prometheus import Exporter, recording, showing
from loadtests.watch import find_run
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment
from serving.errors import DeploymentError, UsageError
from serving.models.store import BuiltModel
from tests.conftest import server_core
from tests.waiting import eventually

RATE_RPS = 250


class Generator:
    """A generator that sends RATE_RPS right requests a second, by the clock."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def snapshot(self) -> Snapshot:
        count = round((time.monotonic() - self._start_s) * RATE_RPS)
        times = TimeOfRequests({"p99": 0.25, "p999": None}, folded([(0.02, count)]))
        target = TargetSnapshot(
            target=TargetLabels("t", "tfserving", "grpc", "digits"),
            users=8,
            rate_rps=None,
            probe=1,
            step="grow",
            phase="measure",
            due=count,
            sent=count,
            right=count,
            wrong={},
            unsent=0,
            in_flight=8,
            completeness=1.0,
            times={"response": times},
        )
        return Snapshot((target,), {"worker-0/0": 0.95}, 1, 1)


def ask(url: str, path: str, **query: object) -> Any:
    whole = f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(whole, timeout=20) as answer:  # noqa: S310
        return json.load(answer)["data"]


def value(url: str, expression: str) -> float | None:
    """The one value of ``expression`` now; None if it has no series."""
    found = ask(url, "query", query=expression)["result"]
    assert len(found) <= 1
    return float(found[0]["value"][1]) if found else None


@pytest.fixture(scope="module")
def recorded(
    embedded: Deployment, digits: BuiltModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int]:
    """The folder of a run that recorded some seconds of real exporters, and their series."""
    run = tmp_path_factory.mktemp("results") / "a-run"
    run.mkdir()
    server = tfserving.collector(embedded.address("rest"), ["digits"])
    usage = process.collector(lambda _limit_s: embedded.process.pid, "server")
    with (
        served([server], "127.0.0.1", 0) as server_page,
        served([host.collector(), usage], "127.0.0.1", 0) as process_page,
        served([LoadCollector(Generator().snapshot)], "127.0.0.1", 0) as load_page,
        recording(
            run,
            [
                Exporter("model_server", address(server_page), {"deployment": "embedded"}),
                Exporter("process", address(process_page)),
                Exporter("loadgen", address(load_page)),
            ],
            [server_core()],
        ) as prometheus,
    ):
        url = prometheus.url
        corpus = open_corpus(digits, "tfserving", "tensor", 1)
        with connect(corpus, embedded.address("grpc"), 10) as predict:
            assert eventually(lambda: predict(0) and seen(url))
        check_live(url)
        series = len(ask(url, "series", **{"match[]": '{job=~"model_server|process|loadgen"}'}))
    assert prometheus.process.exit_code is not None
    return run, series


def address(page: str) -> str:
    return urllib.parse.urlsplit(page).netloc


def seen(url: str) -> bool:
    alerts = [each["labels"]["alertname"] for each in ask(url, "alerts")["alerts"]]
    rate = value(url, "target:loadgen_right:rate5s")
    return "GeneratorSaturated" in alerts and rate is not None and abs(rate / RATE_RPS - 1) < 0.2


def check_live(url: str) -> None:
    targets = ask(url, "targets", state="active")["activeTargets"]
    assert {each["labels"]["job"]: each["lastError"] for each in targets} == {
        "model_server": "",
        "process": "",
        "loadgen": "",
    }
    rules = [rule for group in ask(url, "rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert value(url, 'model_server_up{deployment="embedded",server="tfserving"}') == 1
    assert (value(url, 'model:model_server_requests:rate5s{outcome="ok"}') or 0) > 1
    duration_s = value(url, "model:model_server_request_duration_seconds:mean5s")
    assert duration_s is not None
    assert 0 < duration_s < 1
    assert (value(url, 'role:redline_process_cpu_cores:rate5s{role="server"}') or 0) > 0
    coarse = "histogram_quantile(0.5, rate(loadgen_response_seconds_bucket[5s]))"
    assert 0.018 <= (value(url, coarse) or 0) <= 0.032
    assert value(url, 'loadgen_response_quantile_seconds{q="p99"}') == 0.25
    assert value(url, 'loadgen_response_quantile_seconds{q="p999"}') is None


def test_a_run_has_fewer_series_than_its_share(recorded: tuple[Path, int]) -> None:
    """A full run, of both servers and several targets, is to stay under 2,000."""
    assert 100 < recorded[1] < 500


def test_what_was_recorded_is_shown_again(recorded: tuple[Path, int]) -> None:
    """By ``redline watch``, whose own address it prints."""
    run, _ = recorded
    code = "from loadtests.cli import main; main()"
    command = [sys.executable, "-c", code, "watch", str(run)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout
        try:
            said = ""
            while "/graph?" not in said:
                said = one.stdout.readline()
                assert said
            found = re.search(r"http://127.0.0.1:\d+", said)
            assert found
            with pytest.raises(DeploymentError, match="another Prometheus has"), showing(run, [0]):
                pass
            count = value(found[0], "max(max_over_time(loadgen_right_total[1h]))")
            assert count is not None
            assert count > RATE_RPS
        finally:
            one.send_signal(signal.SIGTERM)
            _, err = one.communicate()
    assert (one.returncode, err) == (130, "redline: stopped by SIGTERM\n")


def test_a_run_without_metrics(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(UsageError, match="has no metrics"):
        find_run("old", tmp_path)
    with pytest.raises(UsageError, match="no run 'none'"):
        find_run("none", tmp_path)


def test_without_prometheus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(DeploymentError, match="no prometheus on PATH"),
        recording(tmp_path, [], [0]),
    ):
        pass


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "prometheus").write_text("in the way")
    with pytest.raises(DeploymentError, match="cannot write"), recording(tmp_path, [], [0]):
        pass


def test_data_that_are_none(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "prometheus"
    folder.mkdir(parents=True)
    (folder / "data").write_text("no folder")
    with (
        pytest.raises(DeploymentError, match=r"did not start: .*data.* not a directory \["),
        showing(folder.parent, [server_core()]),
    ):
        pass
