"""A version is loaded by a real server that goes on answering."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from serving.client import connect
from serving.corpus import open_corpus
from serving.deployment import Deployment, deploy
from serving.errors import DeploymentError
from serving.launch import Launch
from serving.models.store import BuiltModel
from serving.tfserving import launch as tfserving_launch
from serving.torchserve import launch as torchserve_launch
from serving.versions import load_next, may_load, own_copy, unload_last
from tests.conftest import free_ports, server_core
from tests.lanes import own_torchserve


@contextmanager
def asked(server: Deployment, built: BuiltModel) -> Iterator[list[float]]:
    """The differences of all answers that come meanwhile, one request after another."""
    corpus = open_corpus(built, server.launch.server, "json", 1)
    differences, over = list[float](), Event()

    def ask_on() -> None:
        with connect(corpus, server.address("rest"), 30) as ask:
            while not over.is_set():
                index = len(differences) % len(corpus)
                differences.append(corpus.difference(index, ask(index)))

    asking = Thread(target=ask_on)
    asking.start()
    try:
        yield differences
    finally:
        over.set()
        asking.join()


def loaded(launch: Launch, digits: BuiltModel, copy: BuiltModel, work: Path, at: str) -> Any:
    """What the server tells there when the next version was loaded; it answers all the time."""
    with deploy(launch, [server_core()], work, work.with_name("log")) as server:
        ready_s = server.wait_until_right(open_corpus(digits, launch.server, "json", 1))
        assert 0.1 < ready_s < 120
        with asked(server, digits) as differences:
            load_next(server, copy, timeout_s=60)
            unload_last(server, copy, timeout_s=60)
            known = len(differences)
        assert known > 0
        assert max(differences) < 1e-4
        with urllib.request.urlopen(at, timeout=10) as answer:  # noqa: S310
            return json.load(answer)


def test_tensorflow_serving_finds_a_new_folder(digits: BuiltModel, work: Path) -> None:
    copy = own_copy(digits, work.with_name("model"))
    launch = tfserving_launch.launch(
        copy, "embedded", "tuned", 1, work, tfserving_launch.Ports(*free_ports(2))
    )
    told = loaded(launch, digits, copy, work, f"{launch.addresses['rest']}/v1/models/digits")
    states = told["model_version_status"]
    assert [(one["version"], one["state"]) for one in states] == [("2", "AVAILABLE"), ("1", "END")]
    assert not (digits.tfserving_base_path / "2").exists()


@own_torchserve
def test_torchserve_is_given_another_archive(digits: BuiltModel, work: Path) -> None:
    copy = own_copy(digits, work.with_name("model"))
    ports = torchserve_launch.Ports(*free_ports(5))
    launch = may_load(torchserve_launch.launch(copy, "tuned", 1, work, ports))
    (state,) = loaded(launch, digits, copy, work, f"{launch.addresses['management']}/models/digits")
    assert (state["modelVersion"], state["batchSize"], state["maxBatchDelay"]) == ("2.0", 64, 2)
    assert {worker["status"] for worker in state["workers"]} == {"READY"}
    assert len(list(digits.mar.parent.glob("*.mar"))) == 1


def test_a_torchserve_that_may_not_load_says_so(
    digits: BuiltModel, torchserve: Deployment, tmp_path: Path
) -> None:
    copy = own_copy(digits, tmp_path / "model")
    with pytest.raises(DeploymentError, match=r"torchserve refused POST .*/models.*: 40"):
        load_next(torchserve, copy, timeout_s=10)
