"""One headless Locust run of the ceiling scenario, as a process of its own."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.ports import free_port
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


class GeneratorError(RedlineError):
    """The load generator ended without a result."""


def locust_command(
    scenario: str,
    target: Target,
    server: Deployment,
    options: Mapping[str, object],
    cores: Sequence[int],
) -> list[str]:
    """The command line of a locustfile in ``scenarios``.

    With several generator cores Locust forks a worker for each. ``options`` are
    the scenario's own, by name and without their dashes.
    """
    watched = {
        "server-pid": server.pid,
        "server-cores": ",".join(map(str, server.cores)) or None,
        "server-metrics": server.launch.addresses.get("metrics"),
        "server-management": server.launch.addresses.get("management"),
    }
    known = {name: value for name, value in {**watched, **options}.items() if value is not None}
    command = [
        *(sys.executable, "-m", "locust", "-f", str(SCENARIOS / f"{scenario}.py")),
        USER_CLASSES[target.server, target.protocol],
        *("--headless", "--only-summary", "--host", server.address(target.protocol)),
        *("--body", target.body),
        *(() if "corpus" in options else ("--model", target.model, "--batch", str(target.batch))),
        *("--target", target.name),
        *(word for name, value in known.items() for word in (f"--{name}", str(value))),
    ]
    if len(cores) > 1:
        port = str(free_port())
        command += ["--processes", str(len(cores)), "--master-bind-host", "127.0.0.1"]
        command += ["--master-bind-port", port, "--master-port", port]
    return command


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
