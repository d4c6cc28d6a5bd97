"""One headless Locust run of the ceiling scenario, as a process of its own."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.ports import free_port
from loadtests.spread import Master
from loadtests.target import Target
from serving.deployment import Deployment
from serving.errors import RedlineError
from serving.process import ManagedProcess

SCENARIOS = Path(__file__).parent / "scenarios"
USER_CLASSES = {
    ("tfserving", "grpc"): "TFServingGrpc",
    ("tfserving", "rest"): "TFServingRest",
    ("torchserve", "grpc"): "TorchServeGrpc",
    ("torchserve", "rest"): "TorchServeRest",
}


MIXED_CLASSES = {"tfserving": "TFServing", "torchserve": "TorchServe"}
"""Of the scenario that sends over both protocols."""


class GeneratorError(RedlineError):
    """The load generator ended without a result."""


def locust_command(
    scenario: str,
    target: Target,
    server: Deployment,
    options: Mapping[str, object],
    cores: Sequence[int],
    master: Master | None = None,
) -> list[str]:
    """The command line of a locustfile in ``scenarios``.

    With several generator cores Locust forks a worker for each, unless it is the ``master`` of
    others. ``options`` are the scenario's own, by name and without their dashes.
    """
    watched = {
        "server-pid": server.pid,
        "server-cores": ",".join(map(str, server.cores)) or None,
        "server-metrics": server.launch.addresses.get("metrics"),
        "server-management": server.launch.addresses.get("management"),
    }
    if scenario == "mixed":
        watched |= {f"{name}-host": server.address(name) for name in ("grpc", "rest")}
    known = {name: value for name, value in {**watched, **options}.items() if value is not None}
    command = [
        *(sys.executable, "-m", "locust", "-f", str(SCENARIOS / f"{scenario}.py")),
        _user_class(scenario, target),
        *("--headless", "--only-summary", "--host", server.address(target.protocol)),
        *("--body", target.body),
        *(() if "corpus" in options else ("--model", target.model, "--batch", str(target.batch))),
        *("--target", target.name),
        *(word for name, value in known.items() for word in (f"--{name}", str(value))),
    ]
    if master is None:
        return command + worker_options(cores)
    return [
        *(*command, "--master", "--expect-workers", str(master.workers)),
        *("--master-bind-host", master.host, "--master-bind-port", str(master.port)),
    ]


def worker_options(cores: Sequence[int]) -> list[str]:
    """With several ``cores`` Locust forks a worker for each."""
    if len(cores) == 1:
        return []
    port = str(free_port())
    return [
        *("--processes", str(len(cores)), "--master-bind-host", "127.0.0.1"),
        *("--master-bind-port", port, "--master-port", port),
    ]


def _user_class(scenario: str, target: Target) -> str:
    if scenario == "mixed":
        return MIXED_CLASSES[target.server]
    return USER_CLASSES[target.server, target.protocol]


def check_result(process: ManagedProcess) -> None:
    """GeneratorError when Locust ended with anything but 0; its own words, if it had any."""
    if process.exit_code:
        words = process.find_in_log("redline: ")
        raise GeneratorError(
            words.removeprefix("redline: ")
            if words
            else f"Locust ended with exit code {process.exit_code}: {process.last_words()}"
            f" [{process.log}]"
        )
