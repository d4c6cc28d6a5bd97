"""One headless Locust run of the ceiling scenario, as a process of its own."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.target import Target
from serving.errors import RedlineError
from serving.process import ManagedProcess

LOCUSTFILE = Path(__file__).parent / "scenarios" / "ceiling.py"
USER_CLASSES = {
    ("tfserving", "grpc"): "TFServingGrpc",
    ("tfserving", "rest"): "TFServingRest",
    ("torchserve", "grpc"): "TorchServeGrpc",
    ("torchserve", "rest"): "TorchServeRest",
}


class GeneratorError(RedlineError):
    """The load generator ended without a result."""


def locust_command(
    target: Target, address: str, profile: str, record: Path, cores: Sequence[int]
) -> list[str]:
    """The command line; with several generator cores Locust forks a worker for each."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)),
        USER_CLASSES[target.server, target.protocol],
        *("--headless", "--only-summary", "--host", address),
        *("--model", target.model, "--batch", str(target.batch), "--body", target.body),
        *("--search", profile, "--target", target.name, "--record", str(record)),
    ]
    if len(cores) > 1:
        port = str(_free_port())
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
