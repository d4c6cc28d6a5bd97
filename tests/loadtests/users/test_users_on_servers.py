"""The user classes drive both real servers over both protocols, with right answers only."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import requests

from loadtests import engine
from loadtests.search.profiles import PROFILES
from serving.deployment import Deployment
from tests.conftest import free_ports
from tests.loadtests.locusts import SCENARIOS, family, locust_command, run_locust, running
from tests.waiting import eventually

MEMORY_LIMIT_MB = {"engine": 120, "python": 170}
"""A framework would add hundreds; in a fresh checkout Python also compiles what it imports."""
MOST_USERS = str(PROFILES["full"].max_users)
CLIENTS = [
    pytest.param("engine", marks=pytest.mark.skipif(not engine.available(), reason="not built")),
    "python",
]
COMBINATIONS = [
    ("embedded", "TFServingGrpc", "grpc"),
    ("embedded", "TFServingRest", "rest"),
    ("torchserve", "TorchServeGrpc", "grpc"),
    ("torchserve", "TorchServeRest", "rest"),
]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("server", "user", "protocol"), COMBINATIONS)
def test_smoke_gets_right_answers(
    server: str,
    user: str,
    protocol: str,
    client: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    running: Deployment = request.getfixturevalue(server)
    end = run_locust(
        tmp_path,
        SCENARIOS / "smoke.py",
        *(user, "--host", running.address(protocol), "-u", "8", "-r", "8", "-t", "3s"),
        *("--batch", "8", "--client", client),
    )
    assert (end.exit_code, end.failures) == (0, {}), end.output
    assert end.requests > 30
    assert end.frameworks == set()
    assert 30 < end.peak_mb < MEMORY_LIMIT_MB[client]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("user", "protocol"), [("TorchServeGrpc", "grpc"), ("TorchServeRest", "rest")]
)
def test_many_users_stay_small(
    user: str, protocol: str, client: str, tmp_path: Path, torchserve: Deployment
) -> None:
    end = run_locust(
        tmp_path,
        SCENARIOS / "smoke.py",
        *(user, "--host", torchserve.address(protocol), "--client", client),
        *("-u", MOST_USERS, "-r", MOST_USERS, "-t", "3s"),
    )
    assert end.exit_code == 0, end.output
    assert end.peak_mb < MEMORY_LIMIT_MB[client]


def test_they_run_in_forked_processes(tmp_path: Path, embedded: Deployment) -> None:
    master_port = str(free_ports(1)[0])
    end = run_locust(
        tmp_path,
        SCENARIOS / "smoke.py",
        *("TFServingGrpc", "--host", embedded.address("grpc"), "-u", "6", "-r", "6", "-t", "4s"),
        *("--processes", "2", "--master-bind-port", master_port, "--master-port", master_port),
    )
    assert (end.exit_code, end.failures) == (0, {}), end.output
    assert end.requests > 30


def test_they_run_under_a_master_elsewhere(tmp_path: Path, torchserve: Deployment) -> None:
    port = str(free_ports(1)[0])
    user = ("TorchServeRest", "--host", torchserve.address("rest"))
    worker = subprocess.Popen(
        locust_command(SCENARIOS / "smoke.py", user[0], "--worker", "--master-port", port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = run_locust(
            tmp_path,
            SCENARIOS / "smoke.py",
            *(*user, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            *("--expect-workers", "1", "-u", "6", "-r", "6", "-t", "4s"),
        )
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()
    assert (end.exit_code, end.failures) == (0, {}), end.output
    assert end.requests > 30


def test_they_run_in_the_web_ui(tmp_path: Path, embedded: Deployment) -> None:
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    locust = subprocess.Popen(
        locust_command(
            SCENARIOS / "smoke.py",
            *("TFServingRest", "--host", embedded.address("rest")),
            *("--web-host", "127.0.0.1", "--web-port", str(port)),
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: _answers(url))
        assert "rows in a request" in requests.get(url, timeout=5).text
        started = requests.post(
            f"{url}/swarm",
            data={"user_count": 4, "spawn_rate": 4, "model": "digits", "batch": 32},
            timeout=5,
        )
        assert started.json()["success"], started.text
        assert eventually(lambda: _stats(url)["total_rps"] > 10)
        stats = _stats(url)
        assert stats["errors"] == []
        assert stats["stats"][0]["name"] == "tfserving digits json x32"
    finally:
        locust.terminate()
        locust.wait(20)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.ConnectionError:
        return False


def _stats(url: str) -> dict:
    return requests.get(f"{url}/stats/requests", timeout=5).json()


def test_without_a_user_class_it_says_which_there_are(tmp_path: Path) -> None:
    end = subprocess.run(
        locust_command(SCENARIOS / "smoke.py", "--headless", "--host", "http://127.0.0.1:1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 2
    assert (
        "redline: name one user class: TFServingGrpc, TFServingRest, TorchServeGrpc or "
        "TorchServeRest" in end.stderr
    )


def test_the_ceiling_gathers_windows_from_every_process(
    tmp_path: Path, torchserve: Deployment
) -> None:
    record = tmp_path / "record"
    record.mkdir()
    port = str(free_ports(1)[0])
    locust = subprocess.Popen(
        locust_command(
            SCENARIOS / "ceiling.py",
            *("TorchServeRest", "--host", torchserve.address("rest"), "--headless"),
            *("--processes", "2", "--master-bind-port", port, "--master-port", port),
            *("--record", str(record)),
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: len(_windows(record)) >= 6, timeout_s=40)
    finally:
        everyone = family(locust.pid)
        locust.terminate()
        locust.wait(30)
    windows = _windows(record)
    assert {window["workers"] for window in windows} == {2}
    assert windows[0]["step"] == "warmup"
    assert windows[0]["right"] > 10
    for window in windows[:-1]:
        assert window["duration_s"] < 1.5
    assert eventually(lambda: running(everyone) == [])


def test_a_killed_worker_makes_the_probe_void(tmp_path: Path, embedded: Deployment) -> None:
    record, said = tmp_path / "record", tmp_path / "said"
    record.mkdir()
    port = str(free_ports(1)[0])
    with said.open("w") as file:
        locust = subprocess.Popen(
            locust_command(
                SCENARIOS / "ceiling.py",
                *("TFServingRest", "--host", embedded.address("rest"), "--headless"),
                *("--processes", "2", "--master-bind-port", port, "--master-port", port),
                *("--record", str(record)),
            ),
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    try:
        assert eventually(lambda: len(_windows(record)) >= 2, timeout_s=40)
        everyone = family(locust.pid)
        everyone[-1].kill()
        lost = "made again: (1 of 2 workers are left|windows of 1 of 2 workers arrived)"
        assert eventually(lambda: bool(re.search(lost, said.read_text())), timeout_s=30)
        assert eventually(lambda: _windows(record)[-1]["workers"] == 1, timeout_s=30)
    finally:
        locust.terminate()
        locust.wait(30)
    assert eventually(lambda: running(everyone) == [])


def _windows(record: Path) -> list[dict]:
    path = record / "windows.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
