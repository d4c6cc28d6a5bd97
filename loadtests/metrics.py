"""The metrics of a run while it goes on: exporters, a Prometheus over all, and its dashboards."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, Self

from loadtests import grafana
from loadtests.ports import free_port
from loadtests.prometheus import FOLDER, Exporter, Prometheus, recording
from loadtests.target import Target
from serving.deployment import Deployment
from serving.errors import DeploymentError
from serving.process import ManagedProcess

HOST = "127.0.0.1"
Job = Literal["model_server", "process"]


class Metrics:
    """Of the run in ``folder``, on ``cores``; where no Prometheus starts it does nothing.

    ``unwanted`` says why none is to be started.
    """

    def __init__(self, folder: Path, cores: Sequence[int], unwanted: str | None = None) -> None:
        self._folder = folder
        self._cores = cores
        self._stack = ExitStack()
        self._prometheus: Prometheus | None = None
        self.load_port: int | None = None
        """Where the load generator is to serve what it measures; None where nobody would ask."""
        self.trouble = unwanted
        """Why there is no Prometheus. What is measured does not depend on it."""
        self.dashboards: str | None = None
        """The URL of Grafana's, if there is one."""
        self._no_grafana = ""

    @property
    def url(self) -> str | None:
        """Of Prometheus' own page."""
        return self._prometheus.url if self._prometheus else None

    def told(self) -> list[str]:
        """Where to look, or why not: a line each, once Prometheus is ready."""
        self._show()
        if self.trouble:
            return [f"metrics while it runs: none ({self.trouble})"]
        return [
            f"metrics while it runs: {self.url}",
            f"dashboards: {self.dashboards or f'none ({self._no_grafana})'}",
        ]

    def __enter__(self) -> Self:
        if self.trouble:
            return self
        try:
            started = recording(self._folder, [], self._cores)
            self._prometheus = self._stack.enter_context(started)
            self.load_port = free_port()
        except DeploymentError as error:
            self.trouble = str(error)
        return self

    def _show(self) -> None:
        if self._prometheus is None or self.dashboards or self._no_grafana:
            return
        try:
            self._prometheus.wait_until_ready()
        except DeploymentError as error:
            self._prometheus, self.load_port, self.trouble = None, None, str(error)
            return
        try:
            shown = grafana.dashboards(self._prometheus, self._cores)
            self.dashboards = self._stack.enter_context(shown)
        except DeploymentError as error:
            self._no_grafana = str(error)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def of(self, *watched: tuple[Target, Deployment]) -> Iterator[None]:
        """Watch the servers of targets, and the load, until the end."""
        if self._prometheus is None:
            yield
            return
        with ExitStack() as stack:
            found = [Exporter("loadgen", f"{HOST}:{self.load_port}")]
            for target, server in watched:
                found += self._beside(stack, target, server)
            self._prometheus.scrape(found)
            yield
            self._prometheus.scrape([])

    def _beside(self, stack: ExitStack, target: Target, server: Deployment) -> Iterator[Exporter]:
        """Start the exporters of what can be looked at, until the end of ``stack``."""
        # By name, not by address: the next target of this server goes on with the same series.
        name = {"instance": target.server}
        kind = {**name, "deployment": server.launch.kind}
        asked: list[tuple[Job, dict[str, str]]] = []
        if "metrics" in server.launch.addresses:
            asked.append(("model_server", kind))
        if server.pid is not None:
            asked.append(("process", name))
        for job, more in asked:
            address = f"{HOST}:{free_port()}"
            arguments = exporter_arguments(job, target, server)
            command = [sys.executable, "-m", "exporters", *arguments, "--listen", address]
            log = self._folder / FOLDER / f"{job}-{target.name}.log"
            stack.callback(ManagedProcess(command, cores=self._cores, log=log).stop)
            yield Exporter(job, address, more)


def exporter_arguments(job: Job, target: Target, server: Deployment) -> list[str]:
    """What the exporter of a target's server, or of its process tree, is told."""
    if job == "process":
        return ["process", "--pid", str(server.pid), "--role", target.server]
    addresses = server.launch.addresses
    management = addresses.get("management")
    return [
        *(target.server, "--upstream", addresses["metrics"], "--model", target.model),
        *(("--management", management) if management else ()),
    ]
