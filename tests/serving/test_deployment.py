"""Both servers, really started: right, pinned, watched, and gone without a trace when stopped."""

import os
import signal
import socket
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from serving import deployment
from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment, choose_kind, deploy, plan_launch
from serving.errors import DeploymentError, UsageError
from serving.launch import CONFIGURATIONS, Launch
from serving.models.store import BuiltModel
from serving.parity import check_parity
from serving.tfserving import launch as tfserving_launch
from serving.torchserve import launch as torchserve_launch
from tests.conftest import free_ports, server_core
from tests.lanes import own_torchserve
from tests.waiting import eventually

ON_ALL = pytest.mark.parametrize("server", ["torchserve", "embedded", "native"])


@ON_ALL
@pytest.mark.parametrize(("body", "batch"), [("tensor", 1), ("tensor", 32), ("json", 8)])
def test_every_answer_is_the_frameworks_own(
    server: str, body: str, batch: int, digits: BuiltModel, request: pytest.FixtureRequest
) -> None:
    running: Deployment = request.getfixturevalue(server)
    corpus = open_corpus(digits, running.launch.server, body, batch)
    with connect(corpus, running.address(corpus.protocol), 30) as ask:
        parity = check_parity(corpus, ask)
    assert parity.requests == len(corpus) == 360 // batch
    assert parity.max_difference <= 1e-5
    assert parity.accuracy is not None
    assert parity.accuracy >= 0.95


@ON_ALL
def test_every_process_of_it_is_pinned(server: str, request: pytest.FixtureRequest) -> None:
    running: Deployment = request.getfixturevalue(server)
    tree = running.process.tree()
    assert len(tree) >= {"torchserve": 3}.get(server, 1)
    assert {tuple(process.cpu_affinity() or ()) for process in tree} == {(server_core(),)}


@pytest.mark.parametrize("server", ["torchserve", "embedded"])
def test_it_listens_on_the_loopback_interface_only(
    server: str, request: pytest.FixtureRequest
) -> None:
    running: Deployment = request.getfixturevalue(server)
    addresses = {
        connection.laddr[0].removeprefix("::ffff:")
        for process in running.process.tree()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def fake_binary(folder: Path) -> None:
    """A ``tensorflow_model_server`` that takes the real one's flags, backed by the stand-in."""
    script = folder / tfserving_launch.BINARY
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "TensorFlow ModelServer: 9.9.9"; exit; fi\n'
        f'exec {sys.executable} -m serving.tfserving.embedded "$@"\n'
    )
    script.chmod(0o755)


def torchserve_launch_of(built: BuiltModel, work: Path) -> Launch:
    ports = torchserve_launch.Ports(*free_ports(5))
    return torchserve_launch.launch(built, "tuned", 1, work, ports)


def test_a_binary_on_the_path_is_preferred_and_started_by_its_flags(
    tmp_path: Path, work: Path, digits: BuiltModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose_kind("tfserving", "auto") == "embedded"
    fake_binary(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert choose_kind("tfserving", "auto") == "native"
    ports = tfserving_launch.Ports(*free_ports(2))
    launch = tfserving_launch.launch(digits, "native", "vendor", 1, work, ports)
    assert launch.version == "TensorFlow ModelServer: 9.9.9"
    assert launch.command[0] == str(tmp_path / tfserving_launch.BINARY)
    corpus = open_corpus(digits, "tfserving", "tensor", 1)
    with deploy(launch, [server_core()], work, tmp_path / "log") as running:
        running.wait_until_right(corpus)
        tree = running.process.tree()
    assert not any(process.is_running() for process in tree)


def test_without_a_binary_native_says_what_to_do(
    digits: BuiltModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeploymentError, match="no tensorflow_model_server on PATH: install"):
        plan_launch(digits, "tfserving", "native", "tuned", [0], tmp_path)


def test_without_java_torchserve_says_what_to_do(
    digits: BuiltModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(DeploymentError, match=r"needs a Java 17 runtime .*: run make setup"):
        plan_launch(digits, "torchserve", "native", "tuned", [0], tmp_path)


def test_a_path_too_long_for_torchserves_sockets_is_told(
    digits: BuiltModel, tmp_path: Path
) -> None:
    with pytest.raises(DeploymentError, match=r"too long a path .*: set TMPDIR to a shorter one"):
        plan_launch(digits, "torchserve", "native", "tuned", [0], tmp_path / ("x" * 100))


def test_a_server_cannot_be_deployed_in_every_way() -> None:
    with pytest.raises(UsageError, match="torchserve cannot be deployed as 'embedded'"):
        choose_kind("torchserve", "embedded")


def test_a_port_in_use_names_who_uses_it(digits: BuiltModel, tmp_path: Path, work: Path) -> None:
    launch = torchserve_launch_of(digits, work)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", launch.ports[2]))
        taken.listen()
        with (
            pytest.raises(
                DeploymentError, match=rf"port {launch.ports[2]} is taken by .*pid {os.getpid()}"
            ),
            deploy(launch, [0], work, tmp_path / "log"),
        ):
            pytest.fail("it was started")
    assert list(tmp_path.iterdir()) == []


def broken_archive(digits: BuiltModel, folder: Path, line: bytes) -> BuiltModel:
    """digits with a handler that ends with ``line``."""
    broken = BuiltModel(digits.spec, folder)
    broken.mar.parent.mkdir(parents=True)
    with zipfile.ZipFile(digits.mar) as good, zipfile.ZipFile(broken.mar, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, content + line if name.endswith("handler.py") else content)
    return broken


@own_torchserve
def test_a_worker_that_cannot_start_is_told_though_the_server_says_healthy(
    digits: BuiltModel, tmp_path: Path, work: Path
) -> None:
    broken = broken_archive(digits, tmp_path / "model", b"import no_such_module\n")
    launch = torchserve_launch_of(broken, work)
    corpus = open_corpus(digits, "torchserve", "tensor", 1)
    with (
        pytest.raises(DeploymentError, match="cannot load its model: ModuleNotFoundError: No mod"),
        deploy(launch, [server_core()], work, tmp_path / "log") as running,
    ):
        running.wait_until_right(corpus)


@own_torchserve
def test_a_corrupt_archive_is_told(digits: BuiltModel, tmp_path: Path, work: Path) -> None:
    broken = BuiltModel(digits.spec, tmp_path / "model")
    broken.mar.parent.mkdir(parents=True)
    broken.mar.write_bytes(digits.mar.read_bytes()[:1000])
    launch = torchserve_launch_of(broken, work)
    with (
        pytest.raises(DeploymentError, match=r"cannot load its model: java\.util\.zip"),
        deploy(launch, [server_core()], work, tmp_path / "log") as running,
    ):
        running.wait_until_right(open_corpus(digits, "torchserve", "json", 1))


@own_torchserve
def test_a_server_that_is_killed_is_noticed_and_cleaned_up(
    digits: BuiltModel, tmp_path: Path, work: Path
) -> None:
    launch = torchserve_launch_of(digits, work)
    with deploy(launch, [server_core()], work, tmp_path / "log") as running:
        running.wait_until_right(open_corpus(digits, "torchserve", "json", 1))
        tree = running.process.tree()
        (java,) = [process for process in tree if process.name() == "java"]
        java.send_signal(signal.SIGKILL)
        assert eventually(lambda: running.process.exit_code is not None)
        with pytest.raises(DeploymentError, match="ended by itself"):
            running.check_alive()
    assert not any(process.is_running() for process in tree)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize("server", deployment.SERVERS)
def test_the_record_tells_what_a_configuration_sets(
    server: str, configuration: str, digits: BuiltModel, tmp_path: Path
) -> None:
    kind = choose_kind(server, "auto")
    launch = plan_launch(digits, server, kind, configuration, [0, 1, 2], tmp_path)
    told = {
        ("tfserving", "vendor"): "",
        ("tfserving", "tuned"): "num_batch_threads { value: 3 }",
        ("torchserve", "vendor"): "OMP_NUM_THREADS=1",
        ("torchserve", "tuned"): '"minWorkers": 3',
    }[server, configuration]
    assert told in launch.configuration
    assert "{" not in launch.command
