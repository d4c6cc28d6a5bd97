"""Start a server, wait until its answers are right, pin it to cores, stop it: the one way."""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from serving import images
from serving.client import Refused, connect
from serving.corpus import Corpus
from serving.errors import DeploymentError, UsageError
from serving.images import Container
from serving.launch import CONFIGURATIONS, Launch
from serving.models.base import TOLERANCE
from serving.models.store import BuiltModel
from serving.process import ManagedProcess
from serving.tfserving import launch as tfserving_launch
from serving.torchserve import launch as torchserve_launch

SERVERS = ("tfserving", "torchserve")
KINDS = {"tfserving": ("image", "native", "embedded"), "torchserve": ("image", "native")}
"""How each server can be deployed, the preferred way first."""
CONFIGURATION_FILES = {
    "tfserving": tfserving_launch.FLAGS,
    "torchserve": torchserve_launch.PROPERTIES,
}
"""The file without which a folder is no configuration of a server."""

EXTERNAL = "external"
"""The kind of a server that runs already, and is not deployed at all."""
_LAUNCH_IMAGE = {
    "tfserving": tfserving_launch.launch_image,
    "torchserve": torchserve_launch.launch_image,
}
READY_TIMEOUT_S = 120.0
_ASK_TIMEOUT_S = 10.0
_POLL_S = 0.25


def choose_kinds(servers: Sequence[str], wanted: str) -> dict[str, str]:
    """The deployment kind of each of ``servers``, as :func:`choose_kind`.

    ``auto`` takes images where the Docker engine has those of all: a container beside a process of
    this machine would compare two things at once.
    """
    if wanted == "auto" and images.trouble(servers) is None:
        wanted = "image"
    return {server: choose_kind(server, wanted) for server in servers}


def choose_kind(server: str, wanted: str) -> str:
    """The deployment kind for ``wanted``: itself, or for ``auto`` the best process of this machine.

    ``auto`` takes TensorFlow Serving's own binary when it is on PATH, else the embedded stand-in.
    UsageError when the server cannot be deployed so.
    """
    if wanted == "auto":
        native = server == "torchserve" or shutil.which(tfserving_launch.BINARY)
        return "native" if native else "embedded"
    if wanted not in KINDS[server]:
        raise UsageError(
            f"{server} cannot be deployed as {wanted!r}: choose from {', '.join(KINDS[server])}"
        )
    return wanted


def plan_launch(
    built: BuiltModel,
    server: str,
    kind: str,
    configuration: str,
    cores: Sequence[int],
    work: Path,
    also: Sequence[BuiltModel] = (),
) -> Launch:
    """How ``server`` would be started on its conventional ports, without starting it.

    It serves ``built``, and the models in ``also``.
    """
    own = Path(configuration).is_absolute()
    if configuration not in CONFIGURATIONS and not own:
        raise UsageError(
            f"unknown configuration {configuration!r}: choose from {', '.join(CONFIGURATIONS)}"
        )
    if kind == "image":
        if also:
            raise UsageError("a container serves one model: take --deployment native for several")
        return _LAUNCH_IMAGE[server](built, configuration, cores, work)
    if server == "tfserving":
        ports = tfserving_launch.Ports()
        return tfserving_launch.launch(built, kind, configuration, len(cores), work, ports, also)
    return torchserve_launch.launch(
        built, configuration, len(cores), work, torchserve_launch.Ports(), also
    )


@dataclass(frozen=True, slots=True)
class Deployment:
    """A server that runs."""

    launch: Launch
    cores: tuple[int, ...]
    process: ManagedProcess | None
    """None of a server that ran before and runs on after."""
    began_s: float
    """When it was started, or first seen, by the monotonic clock."""
    container: Container | None = None

    @property
    def pid(self) -> int | None:
        """The root of the server's own processes; None of one that was not started here."""
        if self.container:
            return self.container.pid
        return self.process.pid if self.process else None

    def address(self, protocol: str) -> str:
        """The URL of one protocol: ``grpc://HOST:PORT`` or ``http://HOST:PORT``."""
        return self.launch.addresses[protocol]

    def check_alive(self) -> None:
        """DeploymentError when the server has ended; of one that was not started here, nothing."""
        if self.process is None:
            return
        code = self.process.exit_code
        if code is not None:
            raise DeploymentError(
                f"{self._name} ended by itself with exit code {code}: {self._last_words()}"
            )

    def wait_until_right(self, corpus: Corpus, timeout_s: float = READY_TIMEOUT_S) -> float:
        """Return when a request of ``corpus`` gets its expected answer; the seconds since it began.

        A server's own word that it is healthy is not asked: TorchServe gives it while all of its
        workers are dead. DeploymentError when the server ends or ``timeout_s`` passes.
        """
        deadline = time.monotonic() + timeout_s
        address = self.address(corpus.protocol)
        trouble = "no answer"
        while time.monotonic() < deadline:
            self.check_alive()
            self._check_loaded()
            try:
                with connect(corpus, address, _ASK_TIMEOUT_S) as ask:
                    difference = corpus.difference(0, ask(0))
                if difference <= TOLERANCE:
                    return time.monotonic() - self.began_s
                trouble = f"an answer off by {difference:.3g}"
            except (Refused, ValueError) as error:
                trouble = str(error)
            time.sleep(_POLL_S)
        raise DeploymentError(
            f"{self._name} gave no right answer within {timeout_s:.0f} s "
            f"(last: {trouble}): {self._last_words()}"
        )

    @property
    def _name(self) -> str:
        return f"{self.launch.server} ({self.launch.kind})"

    def _check_loaded(self) -> None:
        """TorchServe goes on without the model; TensorFlow Serving ends by itself."""
        for words in _TORCHSERVE_LOAD_FAILURES:
            if self.process and self.process.find_in_log(words):
                raise DeploymentError(f"{self._name} cannot load its model: {self._last_words()}")

    def _last_words(self) -> str:
        return f"{self.process.last_words()} [{self.process.log}]" if self.process else ""


_TORCHSERVE_LOAD_FAILURES = ("Failed to load model", "Auto recovery failed again")


@contextlib.contextmanager
def deploy(launch: Launch, cores: Sequence[int], work: Path, log: Path) -> Iterator[Deployment]:
    """Run ``launch`` on ``cores`` in the folder ``work``, and stop it at the end.

    A launch without a command is of a server that runs already: it is left as it is.
    DeploymentError when one of its ports is taken or it cannot be started.
    """
    if not launch.command:
        yield Deployment(launch, tuple(cores), None, time.monotonic())
        return
    for port in launch.ports:
        _check_free(port)
    _prepare(work, launch)
    with contextlib.ExitStack() as stack:
        if launch.container:
            stack.enter_context(images.cleared(launch))
        began_s = time.monotonic()
        process = ManagedProcess(
            launch.command, cores=cores, log=log, environment=launch.environment, cwd=work
        )
        stack.callback(process.stop)
        running = Deployment(launch, tuple(cores), process, began_s)
        yield _contained(running) if launch.container else running


def _contained(starting: Deployment) -> Deployment:
    container = images.await_container(starting.launch.container, starting.check_alive)
    launch = images.located(starting.launch, container)
    return replace(starting, launch=launch, container=container)


def _prepare(work: Path, launch: Launch) -> None:
    try:
        work.mkdir(parents=True, exist_ok=True)
        for name, text in launch.files.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_text(text)
        for name, path in launch.links.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).symlink_to(path)
        if launch.container:
            work.chmod(0o755)  # its user there is another
    except OSError as error:
        raise DeploymentError(f"cannot write {work}: {os.strerror(error.errno or 0)}") from None


def _check_free(port: int) -> None:
    if trouble := port_trouble(port):
        raise DeploymentError(f"port {port} is {trouble}: stop what uses it")


def port_trouble(port: int) -> str | None:
    """That ``port`` is taken, by whom as far as one may know; None when a server can have it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))  # TensorFlow Serving binds every interface
        except OSError as error:
            return f"taken{_owner(port)} ({error.strerror})"
    return None


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            address = tuple(connection.laddr)
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.pid and address[1:] == (port,):
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
