"""A Prometheus of the run's own, its data in the run's folder."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal

from loadtests.record.files import write_whole
from serving.deployment import port_trouble
from serving.errors import DeploymentError
from serving.process import ManagedProcess

BINARY = "prometheus"
FOLDER = "prometheus"
"""In a run's folder: the configuration, and ``data``."""
PORT = 9090
"""Taken if it is free, since people know it; else any other."""

_SCRAPING = ("local.yml", "rules.yml", "alerts.yml")
_IDLE = "idle.yml"
_LIMIT = "1GB"
_FOR_EVER = "100y"  # without it Prometheus removes what is older than 15 days: a run just looked at
_READY_TIMEOUT_S = 30.0
_POLL_S = 0.05
_ERROR = re.compile(r'err="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Exporter:
    """Where one exporter listens, as in ``127.0.0.1:9501``; ``labels`` go to all its series.

    One whose label ``__scrape_interval__`` says so is scraped less often than every second.
    """

    job: Literal["model_server", "process", "loadgen", "runs"]
    address: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs. ``folder`` holds its configuration and data."""

    url: str
    folder: Path
    process: ManagedProcess

    def scrape(self, exporters: Sequence[Exporter]) -> None:
        """Scrape these from now on, and no others; it takes Prometheus up to 5 s to follow."""
        _write_targets(self.folder, exporters)

    def wait_until_ready(self) -> None:
        """Until it can be asked; DeploymentError when it does not come to that."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline and self.process.exit_code is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=1).close()  # noqa: S310
                return
            time.sleep(_POLL_S)
        words = self.process.last_words()
        error = _ERROR.search(words)
        raise DeploymentError(
            f"Prometheus did not start: {error[1] if error else words} [{self.process.log}]"
        )


def data_folder(run: Path) -> Path:
    """Where the data of the run in the folder ``run`` is, if it has any."""
    return run / FOLDER / "data"


@contextlib.contextmanager
def recording(
    run: Path, exporters: Sequence[Exporter], cores: Sequence[int]
) -> Iterator[Prometheus]:
    """A Prometheus on ``cores`` that scrapes every second, until the end.

    It has been started, and begins some 5 s later: something else can be done until it is ready.
    DeploymentError when it cannot be started.
    """
    folder = run / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        for name in _SCRAPING:
            (folder / name).write_bytes((files("exporters.prometheus") / name).read_bytes())
        _write_targets(folder, exporters)
    except OSError as error:
        raise DeploymentError(f"cannot write {folder}: {os.strerror(error.errno or 0)}") from None
    with _running(folder, _SCRAPING[0], cores) as prometheus:
        yield prometheus


@contextlib.contextmanager
def showing(run: Path, cores: Sequence[int]) -> Iterator[Prometheus]:
    """A Prometheus that shows what the run in the folder ``run`` recorded, and adds nothing.

    DeploymentError when it cannot be started, or the run has its own still.
    """
    folder = run / FOLDER
    try:
        (folder / _IDLE).write_text("# Nothing to scrape, no rules: for looking at a run's data.\n")
    except OSError as error:
        raise DeploymentError(f"cannot write {folder}: {os.strerror(error.errno or 0)}") from None
    with _running(folder, _IDLE, cores) as prometheus:
        prometheus.wait_until_ready()
        yield prometheus


def _write_targets(folder: Path, exporters: Sequence[Exporter]) -> None:
    groups = [
        {"targets": [each.address], "labels": {"job": each.job, **each.labels}}
        for each in exporters
    ]
    write_whole(folder / "targets.json", json.dumps(groups, indent=2) + "\n")


@contextlib.contextmanager
def _running(folder: Path, config: str, cores: Sequence[int]) -> Iterator[Prometheus]:
    if shutil.which(BINARY) is None:
        raise DeploymentError(f"no {BINARY} on PATH: install Debian's package {BINARY}")
    with _locked(folder):
        port = _port()
        process = ManagedProcess(
            _command(config, port), cores=cores, log=folder / "log", cwd=folder
        )
        try:
            yield Prometheus(f"http://127.0.0.1:{port}", folder, process)
        finally:
            process.stop()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two on the same data would destroy it, and not every Prometheus sees to that itself."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DeploymentError(
                f"another Prometheus has {folder / 'data'}: the run goes on, or is being watched"
            ) from None
        yield


def _command(config: str, port: int) -> list[str]:
    return [
        BINARY,
        f"--config.file={config}",
        "--storage.tsdb.path=data",
        f"--storage.tsdb.retention.size={_LIMIT}",
        f"--storage.tsdb.retention.time={_FOR_EVER}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


def _port() -> int:
    if port_trouble(PORT) is None:
        return PORT
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
