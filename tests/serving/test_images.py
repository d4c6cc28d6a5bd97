"""What is asked of Docker, on a command in its place; the tests of the stack ask the real one."""

import json
from pathlib import Path

import pytest

from serving import deployment, images
from serving.deployment import choose_kinds, plan_launch
from serving.errors import DeploymentError
from serving.images import Container
from serving.models.store import BuiltModel

CONFIG = {
    "name": "redline",
    "services": {
        "tfserving": {"image": "tensorflow/serving:9.9.9"},
        "torchserve": {"image": "pytorch/torchserve:9.9.9-cpu"},
    },
}
DOCKER = """#!/bin/sh
PATH=/bin
case "$*" in
    "compose version") {compose} ;;
    compose*config*) echo '{config}' ;;
    version*) {engine} ;;
    "image inspect"*{missing}) echo "Error: No such image" >&2; exit 1 ;;
    "image inspect"*) echo sha256:0123456789abcdef ;;
esac
"""


class Docker:
    """A command ``docker`` that is alone on PATH."""

    def __init__(self, folder: Path) -> None:
        self._script = folder / "docker"
        self.answers()

    def answers(
        self, compose: str = "echo v2", engine: str = "echo 20.10", missing: str = "none"
    ) -> None:
        images._compose.cache_clear()
        text = DOCKER.format(
            config=json.dumps(CONFIG), compose=compose, engine=engine, missing=missing
        )
        self._script.write_text(text)
        self._script.chmod(0o755)

    def remove(self) -> None:
        self._script.unlink()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(images.sys, "prefix", str(tmp_path))
    return Docker(tmp_path)


def test_images_that_are_there_are_taken(docker: Docker) -> None:
    assert images.trouble(["tfserving", "torchserve"]) is None
    kinds = choose_kinds(["tfserving", "torchserve"], "auto")
    assert kinds == {"tfserving": "image", "torchserve": "image"}


def test_without_one_of_the_images_no_server_runs_in_a_container(docker: Docker) -> None:
    docker.answers(missing="*torchserve*")
    told = "the image pytorch/torchserve:9.9.9-cpu is not there: docker pull "
    assert (images.trouble(["tfserving", "torchserve"]) or "").startswith(told)
    kinds = choose_kinds(["tfserving", "torchserve"], "auto")
    assert kinds == {"tfserving": "embedded", "torchserve": "native"}
    assert choose_kinds(["tfserving"], "auto") == {"tfserving": "image"}


def test_what_is_wrong_with_docker_is_told_in_a_line(docker: Docker) -> None:
    refused = "permission denied while trying to connect to the Docker daemon socket"
    docker.answers(engine=f"echo warning >&2; echo '{refused}' >&2; exit 1")
    assert images.trouble(["tfserving"]) == f"docker: {refused}"
    docker.answers(compose="exit 1")
    assert "there is no Docker Compose" in (images.trouble(["tfserving"]) or "")
    docker.answers()
    docker.remove()
    assert "there is no command docker" in (images.trouble(["tfserving"]) or "")


def test_a_launch_is_one_container_of_the_stacks_service(
    docker: Docker, digits: BuiltModel, tmp_path: Path
) -> None:
    launch = plan_launch(digits, "tfserving", "image", "tuned", [2, 3], tmp_path)
    assert launch.version == "tensorflow/serving:9.9.9 (0123456789ab)"
    assert launch.command[-3:] == ("--name", "redline-tfserving-run-0", "tfserving")
    assert launch.ports == ()
    override = json.loads(launch.files["redline-tfserving-run-0.json"])["services"]["tfserving"]
    assert override["cpuset"] == "2,3"
    assert override["pid"] == ""
    assert override["healthcheck"] == {"disable": True}
    key = digits.folder.name
    assert override["environment"]["MODEL_BASE_PATH"] == f"/models/digits/{key}/tfserving"
    assert {volume["target"]: volume["source"] for volume in override["volumes"]} == {
        "/models": str(digits.folder.parents[1]),
        "/served": str(tmp_path),
    }
    assert all(volume["read_only"] for volume in override["volumes"])
    arguments = launch.files["tfserving/arguments"].splitlines()
    assert "--batching_parameters_file=/served/tfserving/batching.config" in arguments
    assert "num_batch_threads { value: 2 }" in launch.files["tfserving/batching.config"]
    located = images.located(launch, Container(pid=7, address="10.9.8.7", gateway="10.9.8.1"))
    assert located.addresses == {
        "grpc": "grpc://10.9.8.7:8500",
        "rest": "http://10.9.8.7:8501",
        "metrics": "http://10.9.8.7:8501",
    }


def test_torchserve_listens_on_the_containers_interfaces(
    docker: Docker, digits: BuiltModel, tmp_path: Path
) -> None:
    launch = plan_launch(digits, "torchserve", "image", "vendor", [1], tmp_path)
    properties = launch.files["torchserve/config.properties"]
    assert "management_address=http://0.0.0.0:8081" in properties
    assert f"model_store=/models/digits/{digits.folder.name}/torchserve" in properties
    assert launch.addresses["management"] == "http://torchserve:8081"


def test_an_image_that_is_asked_for_and_missing_is_an_error(
    docker: Docker, digits: BuiltModel, tmp_path: Path
) -> None:
    docker.answers(missing="*tensorflow*")
    with pytest.raises(DeploymentError, match="docker pull tensorflow/serving"):
        deployment.plan_launch(digits, "tfserving", "image", "tuned", [0], tmp_path)
