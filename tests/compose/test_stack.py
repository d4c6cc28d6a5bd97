"""The stack of docker-compose.yml in a real engine; each test goes on where the one before ended.

Where an official image is missing, a stand-in has its name (tests/compose/stand_ins): TensorFlow
Serving's and Grafana's are no more than that, TorchServe and Prometheus are the real ones.
"""

import json
import socket
import sys
from pathlib import Path

import pytest

from exporters import schema
from loadtests.record.reader import read_server, read_windows
from serving.client import connect
from serving.corpus import open_corpus
from serving.models.store import BuiltModel
from serving.parity import check_parity
from tests.compose.engine import Environment
from tests.compose.images import run, services
from tests.compose.stack import Stack, get
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(1200)

ADDRESSES = {
    ("tfserving", "tensor"): "grpc://127.0.0.1:{TFSERVING_GRPC_PORT}",
    ("tfserving", "json"): "http://127.0.0.1:{TFSERVING_REST_PORT}",
    ("torchserve", "tensor"): "grpc://127.0.0.1:{TORCHSERVE_GRPC_PORT}",
    ("torchserve", "json"): "http://127.0.0.1:{TORCHSERVE_REST_PORT}",
}
NO_RUNS = "the results hold no run yet; the campaign's test asks for these"
CLOSED = "a load in closed loop has neither a rate nor an SLO"
ABSENT = {
    "loadgen_rate_rps": CLOSED,
    "loadgen_slo_error_ratio": CLOSED,
    "loadgen_slo_seconds": CLOSED,
    "loadgen_verdict": "of a recorded probe alone",
    "loadgen_wrong_total": "by kind: no answer was wrong",
    "redline_host_cpu_wait_seconds_total": "where the kernel counts it (/proc/schedstat)",
    "redline_process_cpu_quota_cores": "the servers have cores, and no quota",
    "redline_process_open_files": "the servers are other users than their exporters",
    "redline_run_capacity_rps": NO_RUNS,
    "redline_run_ceiling_interval_rps": NO_RUNS,
    "redline_run_ceiling_rps": NO_RUNS,
    "redline_run_server_cores": NO_RUNS,
    "redline_run_started_timestamp_seconds": NO_RUNS,
    "redline_run_valid": NO_RUNS,
}
"""What no source tells in this stack, and why."""


def test_compose_accepts_the_file(docker: Environment) -> None:
    assert set(services(docker)) >= {"tfserving", "torchserve", "prometheus", "grafana", "models"}


def test_every_container_is_healthy(up: Stack) -> None:
    health = up.health()
    assert set(health.values()) == {"healthy"}
    assert len(health) == 10


@pytest.mark.parametrize(("server", "body"), ADDRESSES)
def test_answers_are_the_frameworks_own(
    server: str, body: str, up: Stack, digits: BuiltModel
) -> None:
    corpus = open_corpus(digits, server, body, 8)
    with connect(corpus, ADDRESSES[server, body].format(**up.environment), 30) as ask:
        assert check_parity(corpus, ask).requests == 45


def test_only_loopback_is_published_and_the_management_port_is_not(up: Stack) -> None:
    bindings = {
        (binding["HostIp"], port)
        for each in up.containers()
        for port, found in each["HostConfig"]["PortBindings"].items()
        for binding in found or []
    }
    assert {host for host, _ in bindings} == {"127.0.0.1"}
    assert ("127.0.0.1", "8081/tcp") not in bindings
    assert ("127.0.0.1", "8080/tcp") in bindings


def test_containers_are_held_to_their_cores_and_rights(up: Stack) -> None:
    for each in up.containers():
        host = each["HostConfig"]
        assert host["ReadonlyRootfs"], each["Name"]
        assert host["CapDrop"] == ["ALL"]
        assert host["Memory"] > 0
        if each["State"]["Running"]:  # but the builder of the models, which has ended
            status = Path(f"/proc/{each['State']['Pid']}/status").read_text()
            assert "CapEff:\t0000000000000000" in status
            assert "NoNewPrivs:\t1" in status


def test_a_load_through_two_workers_is_seen_in_prometheus(up: Stack) -> None:
    get(up.url("LOCUST", "/swarm"), {"user_count": 1, "spawn_rate": 1})
    assert eventually(lambda: (up.value("loadgen_workers_seen") or 0) == 2, 60)
    assert eventually(lambda: (up.value("sum(loadgen_right_total)") or 0) > 1000, 60)
    assert eventually(
        lambda: (up.value('sum(model_server_requests_total{server="tfserving"})') or 0) > 1000, 30
    )
    assert up.value("sum(loadgen_failed_total) or vector(0)") == 0
    assert up.value("loadgen_completeness_ratio") == 1
    roles = {found["metric"]["role"] for found in up.ask("redline_process_cpu_seconds_total")}
    assert roles == {"tfserving", "torchserve"}


def test_every_metric_of_the_schema_is_in_prometheus(up: Stack) -> None:
    known = {
        f"{metric.name}_bucket" if metric.kind == "histogram" else metric.name
        for metric in schema.every_metric()
    }
    names = up.url("PROMETHEUS", "/api/v1/label/__name__/values")

    def missing() -> set[str]:
        return known - set(json.loads(get(names))["data"]) - ABSENT.keys()

    assert eventually(lambda: not missing(), 60), missing()  # the runs are read every 30 s


def test_a_worker_that_dies_voids_its_probe_and_the_search_goes_on(up: Stack) -> None:
    probe = up.value("loadgen_probe") or 0
    up.kill("locust-worker")
    assert eventually(lambda: "a probe is void" in up.compose("logs", "locust-master"), 60)
    assert eventually(lambda: (up.value("loadgen_probe") or 0) > probe + 1, 60)
    assert eventually(lambda: up.value("loadgen_workers_seen") == 2, 60)
    assert eventually(lambda: up.value("loadgen_completeness_ratio") == 1, 60)


def test_a_server_that_dies_is_seen_as_down_within_3_s_and_recovers(up: Stack) -> None:
    get(up.url("LOCUST", "/stop"), {})
    up_query = 'model_server_up{server="torchserve"}'
    assert up.value(up_query) == 1
    killed_s = float(run("date", "+%s.%N", environment=up.environment))
    name = up.kill("torchserve")
    assert eventually(lambda: up.value(up_query) == 0, 30)
    (series,) = up.ask(f"{up_query}[1m]")
    seen_s = min(at_s for at_s, value in series["values"] if value == "0" and at_s > killed_s)
    assert seen_s - killed_s <= 3
    assert eventually(lambda: up.health()[name] == "healthy", 120)
    assert eventually(lambda: up.value(up_query) == 1, 30)
    assert up.value('redline_process_up{role="torchserve"}') == 1
    top = up.compose("top", "torchserve")
    assert top.count("org.pytorch.serve.ModelServer") == 1  # nothing is left of the one that died


def test_a_campaign_runs_on_images_with_workers_in_containers(up: Stack) -> None:
    results = Path(up.environment["RESULTS"])
    redline = Path(sys.executable).with_name("redline")
    chosen = ("--server", "torchserve", "--protocol", "grpc", "--scale", "locust-worker=2")
    command = (redline, "run", "--profile", "brief", "--deployment", "image", *chosen)
    told = run(*command, "--out", results, environment=up.environment, timeout_s=400)
    assert "deployment: torchserve image" in told
    summary = json.loads((results / "latest" / "summary.json").read_text())
    (target,) = summary["targets"]
    assert (target["deployment"], target["failure"]) == ("image", None)
    assert target["server_version"].startswith("pytorch/torchserve:0.12.0-cpu (")
    assert target["parity"]["requests"] == 360
    assert target["ceiling"]["goodput_rps"] > 0
    assert {window.workers for window in read_windows(results / "latest")} == {2}
    samples = read_server(results / "latest")
    assert not [sample.trouble for sample in samples if sample.trouble]
    used_s = [sample.cpu_s for sample in samples if sample.cpu_s is not None]
    assert len(used_s) == len(samples)
    assert used_s[-1] - used_s[0] > 1


def test_the_stack_is_as_before_and_shows_the_run(up: Stack) -> None:
    names = {each["Name"] for each in up.containers()}
    everything = up.docker("ps", "--all", "--format", "{{.Names}}").split()
    assert {name for name in everything if "redline-test" in name} == {
        name.removeprefix("/") for name in names
    }
    assert eventually(lambda: set(up.health().values()) == {"healthy"}, 120)
    assert eventually(lambda: up.value("redline_run_ceiling_rps") is not None, 60)


def test_down_leaves_nothing(up: Stack) -> None:
    up.compose("down", "--volumes", "--remove-orphans")
    label = "label=com.docker.compose.project=redline-test"
    for what in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
        assert up.docker(*what, "--quiet", "--filter", label) == ""
    for name, port in up.environment.items():
        if name.endswith("_PORT") and port.isdecimal():
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", int(port))) != 0, name
