"""The metrics of a run while it goes on: exporters beside the server, and a Prometheus over all."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from loadtests.ports import free_port
from loadtests.prometheus import FOLDER, Exporter, Prometheus, recording
from loadtests.target import Target
from serving.deployment import Deployment
from serving.errors import DeploymentError
from serving.process import ManagedProcess

HOST = "127.0.0.1"


class Metrics:
    """Of the run in ``folder``, on ``cores``; where no Prometheus starts it does nothing."""

    def __init__(self, folder: Path, cores: Sequence[int]) -> None:
        self._folder = folder
        self._cores = cores
        self._stack = ExitStack()
        self._prometheus: Prometheus | None = None
        self.load_port: int | None = None
        """Where the load generator is to serve what it measures; None where nobody would ask."""
        self.trouble: str | None = None
        """Why there is no Prometheus. What is measured does not depend on it."""

    @property
    def url(self) -> str | None:
        """Of Prometheus' own page."""
        return self._prometheus.url if self._prometheus else None

    def __enter__(self) -> Self:
        try:
            started = recording(self._folder, [], self._cores)
            self._prometheus = self._stack.enter_context(started)
            self.load_port = free_port()
        except DeploymentError as error:
            self.trouble = str(error)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def of(self, target: Target, server: Deployment) -> Iterator[None]:
        """Watch one target's server and load until the end."""
        if self._prometheus is None:
            yield
            return
        with ExitStack() as stack:
            asked = _asked(target, server)
            found = [Exporter("loadgen", f"{HOST}:{self.load_port}")]
            for job, arguments in asked:
                address = f"{HOST}:{free_port()}"
                command = [sys.executable, "-m", "exporters", *arguments, "--listen", address]
                log = self._folder / FOLDER / f"{job}-{target.name}.log"
                process = ManagedProcess(command, cores=self._cores, log=log)
                stack.callback(process.stop)
                found.append(Exporter(job, address))  # type: ignore[arg-type]  # one of the two
            self._prometheus.scrape(found)
            yield
            self._prometheus.scrape([])


def _asked(target: Target, server: Deployment) -> list[tuple[str, list[str]]]:
    """The exporters of what can be looked at: of a server that is not ours maybe nothing."""
    asked = []
    if "metrics" in server.launch.addresses:
        asked.append(("model_server", _of_server(target, server)))
    if server.pid is not None:
        asked.append(("process", ["process", "--pid", str(server.pid), "--role", "server"]))
    return asked


def _of_server(target: Target, server: Deployment) -> list[str]:
    addresses = server.launch.addresses
    management = addresses.get("management")
    return [
        *(target.server, "--upstream", addresses["metrics"], "--model", target.model),
        *(("--management", management) if management else ()),
    ]
