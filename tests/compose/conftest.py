"""The stack in a Docker engine, for `make test-compose` alone: building it takes minutes."""

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.paths import BUILD
from tests.compose.engine import Environment, engine
from tests.compose.images import images, run
from tests.compose.stack import Stack
from tests.conftest import free_ports

PORTS = ("GRAFANA", "PROMETHEUS", "LOCUST")
SERVER_PORTS = ("TFSERVING_GRPC", "TFSERVING_REST", "TORCHSERVE_GRPC", "TORCHSERVE_REST")
CACHE = BUILD / "stack"


@pytest.fixture(scope="package")
def docker() -> Iterator[Environment]:
    """The environment in which the stack's images are there."""
    if not os.environ.get("REDLINE_STACK"):
        pytest.skip("the stack in containers is tested by: make test-compose")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redline-")))
        environment = stack.enter_context(engine(scratch, CACHE / "engine"))
        names = [f"{name}_PORT" for name in (*PORTS, *SERVER_PORTS)]
        ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
        own = {
            "COMPOSE_PROJECT_NAME": "redline-test",
            "RESULTS": str(scratch / "results"),
            "OPEN_FILES": str(min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
        }
        yield stack.enter_context(images({**environment, **ports, **own}, CACHE))


@pytest.fixture(scope="package")
def up(docker: Environment) -> Iterator[Stack]:
    """The stack, up and healthy, with two workers."""
    stack = Stack(docker)
    try:
        workers = ("--scale", "locust-worker=2")
        limit = ("--wait-timeout", "180")
        run("scripts/compose", "up", "--detach", "--wait", *limit, *workers, environment=docker)
        yield stack
    finally:
        run("scripts/compose", "down", "--volumes", "--remove-orphans", environment=docker)
