"""What a container is started with, and the health check inside it, against real servers."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from serving.deployment import Deployment
from serving.models.base import TOLERANCE
from serving.models.store import BuiltModel
from serving.prepare import CHECK, prepare


@pytest.fixture(scope="module")
def served(digits: BuiltModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    prepare(digits, "tuned", 2, folder)
    return folder


def is_right(port: int | None, served: Path, server: str) -> bool:
    command = ["/bin/bash", served / CHECK, str(port), served / server]
    return subprocess.run(command, capture_output=True, timeout=10).returncode == 0


@pytest.mark.parametrize("server", ["embedded", "torchserve"])
def test_only_the_expected_answer_is_healthy(
    server: str, served: Path, request: pytest.FixtureRequest
) -> None:
    running: Deployment = request.getfixturevalue(server)
    name, port = running.launch.server, urlsplit(running.address("rest")).port
    assert is_right(port, served, name)
    file = served / name / "expected"
    expected = [float(line) for line in file.read_text().split()]
    for wrong in (
        [expected[0] + 2 * TOLERANCE, *expected[1:]],
        [*expected[:-1], expected[-1] - 2 * TOLERANCE],
        expected[:-1],
        [*expected, 0.0],
        [],
    ):
        file.write_text("".join(f"{number!r}\n" for number in wrong))
        assert not is_right(port, served, name)
    near = [number + TOLERANCE / 2 for number in expected]
    file.write_text("".join(f"{number!r}\n" for number in near))
    assert is_right(port, served, name)


def test_a_refusal_or_silence_is_not_healthy(torchserve: Deployment, served: Path) -> None:
    port = urlsplit(torchserve.address("management")).port
    assert not is_right(port, served, "torchserve")  # which makes no predictions
    assert not is_right(1, served, "torchserve")


def test_tensorflow_serving_finds_its_model_under_its_name(
    digits: BuiltModel, served: Path
) -> None:
    link = served / "tfserving" / "models" / "digits"
    assert str(link.readlink()) == f"/models/digits/{digits.folder.name}/tfserving/digits"


def test_it_can_be_written_anew(digits: BuiltModel, served: Path) -> None:
    prepare(digits, "vendor", 1, served)
    assert not (served / "torchserve" / "log4j2.xml").exists()
    assert "--log-config" not in (served / "torchserve" / "arguments").read_text()
    prepare(digits, "tuned", 3, served)
    assert '"minWorkers": 3' in (served / "torchserve" / "config.properties").read_text()
