"""Settings become configuration files, and the servers are started with what they say."""

import json
from pathlib import Path

import pytest

from serving.corpus import open_corpus
from serving.deployment import deploy
from serving.models.store import BuiltModel
from serving.tfserving import launch as tfserving
from serving.torchserve import launch as torchserve
from serving.tuning import name_of, tunable, write_configuration
from tests.conftest import free_ports, server_core
from tests.lanes import own_torchserve


def test_the_search_begins_with_the_tuned_configuration() -> None:
    found = tunable("torchserve", "rest", cores=4)
    assert found.settings(found.start) == {"workers": 4, "batch_size": 64, "batch_delay_ms": 2}
    assert found.axes["workers"] == (1, 2, 3, 4, 6, 8)
    over_rest = tunable("tfserving", "rest", cores=1)
    assert over_rest.settings(over_rest.start) == {
        "batch_size": 128,
        "batch_timeout_us": 1000,
        "batch_threads": 1,
        "rest_threads": 128,
    }
    assert "rest_threads" not in tunable("tfserving", "grpc", cores=1).axes


def test_without_batches_what_is_about_them_does_not_matter() -> None:
    found = tunable("tfserving", "rest", cores=2)
    assert found.alike((1, 4000, 4, 64)) == found.alike((1, 250, 1, 64)) == (1, 250, 1, 64)
    assert found.alike((2, 4000, 4, 64)) == (2, 4000, 4, 64)


def test_a_name_tells_the_settings() -> None:
    assert name_of({"workers": 2, "batch_size": 16, "batch_delay_ms": 4}) == "w2-b16-d4"


@own_torchserve
def test_torchserve_runs_with_the_settings(digits: BuiltModel, work: Path, tmp_path: Path) -> None:
    settings = {"workers": 2, "batch_size": 8, "batch_delay_ms": 3}
    write_configuration("torchserve", settings, tmp_path / "own", "A trial.")
    ports = torchserve.Ports(*free_ports(5))
    launch = torchserve.launch(digits, str(tmp_path / "own"), 1, work, ports)
    (line,) = [one for one in launch.configuration.splitlines() if one.startswith("models=")]
    model = json.loads(line.removeprefix("models="))["digits"]["1.0"]
    assert (model["minWorkers"], model["maxWorkers"]) == (2, 2)
    assert (model["batchSize"], model["maxBatchDelay"]) == (8, 3)
    with deploy(launch, [server_core()], work, tmp_path / "log") as server:
        server.wait_until_right(open_corpus(digits, "torchserve", "tensor", 1))


@pytest.mark.parametrize("batch_size", [1, 16])
def test_the_stand_in_runs_with_the_settings(
    batch_size: int, digits: BuiltModel, work: Path, tmp_path: Path
) -> None:
    settings = {"batch_size": batch_size, "batch_timeout_us": 500, "batch_threads": 2}
    write_configuration("tfserving", settings, tmp_path / "own", "A trial.")
    ports = tfserving.Ports(*free_ports(2))
    launch = tfserving.launch(digits, "embedded", str(tmp_path / "own"), 1, work, ports)
    assert ("--enable_batching=true" in launch.command) == (batch_size > 1)
    assert ("max_batch_size { value: 16 }" in launch.configuration) == (batch_size > 1)
    assert ("num_batch_threads { value: 2 }" in launch.configuration) == (batch_size > 1)
    with deploy(launch, [server_core()], work, tmp_path / "log") as server:
        server.wait_until_right(open_corpus(digits, "tfserving", "tensor", 1))
