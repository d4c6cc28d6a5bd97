"""A Grafana over a run's own Prometheus, with our dashboards, where one is installed."""

import contextlib
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from loadtests.ports import free_port
from loadtests.prometheus import Prometheus
from serving.deployment import port_trouble
from serving.errors import DeploymentError
from serving.paths import ROOT
from serving.process import ManagedProcess

BINARY = "grafana"
PORT = 3000
"""Taken if it is free, since people know it; else any other."""
OVERVIEW = "d/redline-overview"

_SETTINGS = ROOT / "grafana"
_PACKAGED_HOME = Path("/usr/share/grafana")
_READY_TIMEOUT_S = 60.0
_POLL_S = 0.1


@contextlib.contextmanager
def dashboards(prometheus: Prometheus, cores: Sequence[int]) -> Iterator[str]:
    """The URL of the dashboards over ``prometheus``, in a Grafana on ``cores``, until the end.

    Whoever reaches loopback may look, and nobody may change anything; it leaves nothing behind but
    its log. DeploymentError when there is none, or it cannot be started.
    """
    command = [*_program(), "--config", str(_SETTINGS / "grafana.ini")]
    port = PORT if port_trouble(PORT) is None else free_port()
    log = prometheus.folder / "grafana.log"
    with tempfile.TemporaryDirectory(prefix="redline-", ignore_cleanup_errors=True) as data:
        environment = {
            "PROMETHEUS_URL": prometheus.url,
            "REDLINE_DASHBOARDS": str(_SETTINGS / "dashboards"),
            "GF_PATHS_PROVISIONING": str(_SETTINGS / "provisioning"),
            "GF_PATHS_DATA": data,
            "GF_PATHS_LOGS": data,
            "GF_PATHS_PLUGINS": data,
            "GF_SERVER_HTTP_PORT": str(port),
        }
        process = ManagedProcess(command, cores=cores, log=log, environment=environment)
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}/api/health")
            yield f"http://127.0.0.1:{port}/{OVERVIEW}"
        finally:
            process.stop()


def _program() -> list[str]:
    """The server, told where its own files are: it would look for them where it is started."""
    found = shutil.which(BINARY)
    if found is None:
        raise DeploymentError(
            f"no {BINARY} on PATH: with Grafana 11.6 or newer there they open by themselves; "
            f"into another Grafana import {_SETTINGS / 'dashboards'}/*.json"
        )
    homes = (Path(found).resolve().parent.parent, _PACKAGED_HOME)
    for home in homes:
        if (home / "conf" / "defaults.ini").is_file():
            return [found, "server", "--homepath", str(home)]
    raise DeploymentError(
        f"{found} has no conf/defaults.ini in {' or '.join(map(str, homes))}: install Grafana whole"
    )


def _wait_until_ready(process: ManagedProcess, url: str) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline and process.exit_code is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
            return
        time.sleep(_POLL_S)
    raise DeploymentError(f"Grafana did not start: {process.last_words()} [{process.log}]")
