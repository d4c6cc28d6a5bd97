"""Servers in containers of their official images, run by the Compose file of the stack."""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from serving import paths
from serving.errors import DeploymentError
from serving.launch import Launch

COMPOSE_FILE = paths.ROOT / "docker-compose.yml"
MODELS = PurePosixPath("/models")
SERVED = PurePosixPath("/served")
"""Where the containers have the models, and what the servers are started with."""

_ASK_TIMEOUT_S = 30.0
_START_TIMEOUT_S = 60.0
_POLL_S = 0.1
_SCHEMES = {"grpc": "grpc"}
_STATE = "[{{json .State}}, {{json .NetworkSettings.Networks}}]"
_AT_WORK = ("tfserving", "torchserve")
"""The stack's services on the servers' cores."""


def inside(path: Path) -> PurePosixPath:
    """Where a container has ``path``, which is one of the models'."""
    return MODELS / PurePosixPath(*path.relative_to(paths.MODELS).parts)


def trouble(servers: Sequence[str]) -> str | None:
    """Why ``servers`` cannot be run from their images on this machine; None where they can."""
    try:
        for server in servers:
            _image(server)
    except DeploymentError as error:
        return str(error)
    return None


def launch(
    server: str,
    *,
    configuration: str,
    files: Mapping[str, str],
    environment: Mapping[str, str],
    ports: Mapping[str, int],
    cores: Sequence[int],
    work: PurePath,
) -> Launch:
    """A start of the stack's service ``server`` in a container of its own.

    It has the ``cores``, this machine's models and the ``files``, below ``work``. Its ports are not
    published: it is reached at its own address, past Docker's proxy, which would be measured with
    it. No health check disturbs it, or is counted as a request.
    """
    run = one_off(server, 0, work)
    changes = {
        "environment": dict(environment),
        "pid": "",  # a namespace of its own
        "volumes": [mounted(paths.MODELS, MODELS), mounted(work, SERVED)],
    }
    return Launch(
        server=server,
        kind="image",
        version=_image(server),
        command=run.command,
        configuration=configuration,
        addresses={
            what: f"{_SCHEMES.get(what, 'http')}://{server}:{port}" for what, port in ports.items()
        },
        ports=(),
        files={
            **{f"{server}/{name}": text for name, text in files.items()},
            **run.files(cores, changes),
        },
        container=run.container,
    )


@dataclass(frozen=True, slots=True)
class OneOff:
    """A container of one of the stack's services, apart from the stack's own; ended, it is gone."""

    service: str
    container: str
    command: tuple[str, ...]

    def files(self, cores: Sequence[int], changes: Mapping[str, Any]) -> dict[str, str]:
        """What must lie where it is run from: how the service is changed for it."""
        pinned = {"cpuset": ",".join(map(str, cores)), "healthcheck": {"disable": True}}
        override = {"services": {self.service: {**pinned, **changes}}}
        return {f"{self.container}.json": json.dumps(override, indent=2) + "\n"}


def one_off(service: str, number: int, work: PurePath) -> OneOff:
    """The container ``number`` of ``service``, run from the folder ``work``."""
    container = f"{_config()['name']}-{service}-run-{number}"
    command = (
        *(*_compose(), "--file", str(work / f"{container}.json"), "run", "--rm", "--no-deps"),
        *("--no-TTY", "--use-aliases", "--name", container, service),
    )
    return OneOff(service, container, command)


def mounted(source: PurePath, target: PurePosixPath) -> dict[str, Any]:
    """A folder of this machine in a container, which may only read it."""
    return {"type": "bind", "source": str(source), "target": str(target), "read_only": True}


@dataclass(frozen=True, slots=True)
class Container:
    """One that runs: its first process, as this machine numbers it, and its address.

    ``gateway`` is this machine's own address in the container's network.
    """

    pid: int
    address: str
    gateway: str


def await_container(name: str, check_alive: Callable[[], None]) -> Container:
    """The container ``name`` once it runs; ``check_alive`` raises when that is hopeless.

    DeploymentError after a minute.
    """
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        check_alive()
        with contextlib.suppress(DeploymentError):  # it is not there yet
            state, networks = json.loads(_ask(["docker", "inspect", "--format", _STATE, name]))
            (network,) = networks.values()
            if state["Running"] and network["IPAddress"]:
                return Container(state["Pid"], network["IPAddress"], network["Gateway"])
        time.sleep(_POLL_S)
    raise DeploymentError(f"the container {name} did not start within {_START_TIMEOUT_S:.0f} s")


def located(launch: Launch, container: Container) -> Launch:
    """``launch`` with the addresses of the container that it became."""
    addresses = {
        what: urlsplit(url)._replace(netloc=f"{container.address}:{urlsplit(url).port}").geturl()
        for what, url in launch.addresses.items()
    }
    return replace(launch, addresses=addresses)


@contextlib.contextmanager
def cleared(launch: Launch) -> Iterator[None]:
    """No other server of the stack is at work meanwhile, and no container is left at the end."""
    compose = _compose()
    remove(launch.container)
    running = _ask([*compose, "ps", "--services", "--status=running"]).split()
    paused = [service for service in running if service in _AT_WORK]
    try:
        if paused:
            _ask([*compose, "stop", *paused])
        yield
    finally:
        remove(launch.container)
        if paused:
            _ask([*compose, "start", *paused])
        elif not _ask([*compose, "ps", "--all", "--quiet"]).strip():
            _ask([*compose, "down"])  # there is no stack: its network was made for this


def remove(container: str) -> None:
    """End a container, if there is one of that name, and remove it."""
    if _ask(["docker", "ps", "--all", "--quiet", "--filter", f"name=^{container}$"]).strip():
        _ask(["docker", "rm", "--force", container])


def _image(server: str) -> str:
    """The name of the server's image, which is there, and its digest's beginning."""
    name = str(_config()["services"][server]["image"])
    _ask(["docker", "version", "--format", "{{.Server.Version}}"])
    try:
        digest = _ask(["docker", "image", "inspect", "--format", "{{.Id}}", name]).strip()
    except DeploymentError:
        raise DeploymentError(f"the image {name} is not there: docker pull {name}") from None
    return f"{name} ({digest.removeprefix('sha256:')[:12]})"


def _config() -> dict[str, Any]:
    """The Compose file as Compose itself understands it, with ``.env`` and the environment."""
    config: dict[str, Any] = json.loads(_ask([*_compose(), "config", "--format=json"]))
    return config


@cache
def _compose() -> tuple[str, ...]:
    """Compose on the stack: the plugin of ``docker``, or a program of its own."""
    if shutil.which("docker") is None:
        raise DeploymentError("there is no command docker: install a Docker engine")
    own = str(Path(sys.prefix, "bin", "docker-compose"))
    for command in (["docker", "compose"], [own], ["docker-compose"]):
        with contextlib.suppress(DeploymentError):
            _ask([*command, "version"])
            return (*command, "--project-directory", str(paths.ROOT), "--file", str(COMPOSE_FILE))
    raise DeploymentError("there is no Docker Compose: install Docker's Compose plugin")


def _ask(command: Sequence[str]) -> str:
    """What a command prints; DeploymentError with its last words when it fails."""
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_ASK_TIMEOUT_S
        )
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or [f"ended with {error.returncode}"]
        raise DeploymentError(f"{command[0]}: {words[-1]}") from None
    except subprocess.TimeoutExpired:
        raise DeploymentError(f"{command[0]} does not answer: see the Docker engine") from None
    except OSError as error:
        raise DeploymentError(f"cannot run {command[0]}: {error.strerror}") from None
    return asked.stdout
