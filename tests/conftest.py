"""Servers that run for the whole session, each on free ports of the loopback interface."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.corpus import open_corpus
from serving.deployment import Deployment, deploy
from serving.launch import Launch
from serving.models.store import BuiltModel, ensure
from serving.tfserving import launch as tfserving_launch
from serving.torchserve import launch as torchserve_launch
from tests.lanes import (  # noqa: F401 - hooks of pytest
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_keyboard_interrupt,
    pytest_unconfigure,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from tests.recorded_run import RecordedRun, record


def free_ports(count: int) -> list[int]:
    """Ports that nothing listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def server_core() -> int:
    """The core that servers under test run on, but those of `redline`: it takes the last ones."""
    return min(os.sched_getaffinity(0))


def generator_core() -> int:
    """The core that load generators under test run on."""
    return max(os.sched_getaffinity(0))


@pytest.fixture(scope="session")
def digits() -> BuiltModel:
    """The digits model, from the checkout's own cache."""
    return ensure("digits", lambda _: None)


@pytest.fixture
def work() -> Iterator[Path]:
    """A folder for a server to run in, with a short path: TorchServe puts sockets there."""
    with tempfile.TemporaryDirectory(prefix="redline-") as folder:
        yield Path(folder) / "work"


@pytest.fixture(scope="session")
def torchserve(
    digits: BuiltModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A real TorchServe that serves digits with the tuned configuration."""
    work = tmp_path_factory.mktemp("torchserve") / "work"
    ports = torchserve_launch.Ports(*free_ports(5))
    launch = torchserve_launch.launch(digits, "tuned", 1, work, ports)
    yield from _running(launch, digits, work)


@pytest.fixture(scope="session")
def embedded(digits: BuiltModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The stand-in for TensorFlow Serving that serves digits with the tuned configuration."""
    work = tmp_path_factory.mktemp("embedded") / "work"
    ports = tfserving_launch.Ports(*free_ports(2))
    launch = tfserving_launch.launch(digits, "embedded", "tuned", 1, work, ports)
    yield from _running(launch, digits, work)


@pytest.fixture(scope="session")
def native(digits: BuiltModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The real TensorFlow Serving, where it is installed."""
    if shutil.which(tfserving_launch.BINARY) is None:
        pytest.skip(f"no {tfserving_launch.BINARY} on PATH")
    work = tmp_path_factory.mktemp("native") / "work"
    ports = tfserving_launch.Ports(*free_ports(2))
    launch = tfserving_launch.launch(digits, "native", "tuned", 1, work, ports)
    yield from _running(launch, digits, work)


@pytest.fixture(scope="session")
def recorded_run(
    embedded: Deployment, torchserve: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> RecordedRun:
    """A short run against both servers, that a real Prometheus recorded."""
    results = tmp_path_factory.mktemp("results")
    return record(results, embedded, torchserve, server_core(), generator_core())


def _running(launch: Launch, built: BuiltModel, work: Path) -> Iterator[Deployment]:
    with deploy(launch, [server_core()], work, work.with_name("log")) as deployment:
        for body in ("tensor", "json"):
            deployment.wait_until_right(open_corpus(built, launch.server, body, 1))
        yield deployment
