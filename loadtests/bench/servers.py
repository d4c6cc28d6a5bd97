"""Null servers: they answer at once, always the same, and cost as little as a server can.

Each is a package's own program on one core, on loopback only, with its files in a folder of its
own.
"""

import contextlib
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from loadtests.bench.errors import BenchError
from loadtests.bench.payload import Payload, framed
from loadtests.bench.programs import find_program
from loadtests.ports import free_port
from serving.process import ManagedProcess

START_LIMIT_S = 15.0
_POLL_S = 0.05
_MAX_BODY = "16m"
TEMP_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class NullServer(ABC):
    """A kind of null server: the program it is and how that is told what to answer."""

    program: ClassVar[str]

    @abstractmethod
    def prepare(self, folder: Path, port: int, payload: Payload) -> tuple[list[str], str]:
        """Write what the program needs into ``folder``: its command line and the URL to load."""


class NullGrpc(NullServer):
    """nghttpd as a gRPC server: the answer is a file, grpc-status a fixed trailer."""

    program = "nghttpd"
    method = "tensorflow.serving.PredictionService/Predict"

    def prepare(self, folder: Path, port: int, payload: Payload) -> tuple[list[str], str]:
        """The answer's file lies where the method's path leads."""
        answer = folder / self.method
        answer.parent.mkdir()
        answer.write_bytes(framed(payload.answer))
        command = [
            *(find_program(self.program), "--no-tls", "--workers=1", "--address=127.0.0.1"),
            *(f"--htdocs={folder}", "--trailer=grpc-status: 0", str(port)),
        ]
        return command, f"grpc://127.0.0.1:{port}/{self.method}"


class NullHttp(NullServer):
    """nginx that returns a fixed answer from its configuration."""

    program = "nginx"
    path = "/v1/models/digits:predict"

    def prepare(self, folder: Path, port: int, payload: Payload) -> tuple[list[str], str]:
        """One process in the foreground, and nothing outside ``folder``."""
        temp = "\n".join(f"    {kind}_temp_path {folder}/{kind};" for kind in TEMP_FOLDERS)
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n"
            "events { worker_connections 4096; }\n"
            "http {\n    access_log off;\n    keepalive_requests 1000000000;\n"
            f"    client_max_body_size {_MAX_BODY};\n{temp}\n"
            "    default_type application/json;\n"
            f"    server {{\n        listen 127.0.0.1:{port};\n"
            f"        location / {{ return 200 '{payload.answer.decode()}'; }}\n    }}\n}}\n"
        )
        command = [find_program(self.program), "-p", str(folder), "-c", str(config), "-e", "stderr"]
        return command, f"http://127.0.0.1:{port}{self.path}"


@contextlib.contextmanager
def serve(
    server: NullServer, payload: Payload, cores: Sequence[int], folder: Path
) -> Iterator[tuple[str, ManagedProcess]]:
    """Run ``server`` on ``cores`` until the block ends: its URL and its process.

    BenchError when it does not listen in time.
    """
    port = free_port()
    home = folder / "server"
    home.mkdir()
    command, url = server.prepare(home, port, payload)
    process = ManagedProcess(command, cores=cores, log=folder / f"{server.program}.log")
    try:
        await_listening(server.program, process, port)
        yield url, process
    finally:
        process.stop()


def await_listening(name: str, process: ManagedProcess, port: int) -> None:
    """Wait until a program listens on ``port``; BenchError when it ends, or does not in time."""
    limit_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit_s:
        if process.exit_code is not None:
            raise BenchError(f"{name} ended at its start: {process.last_words()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(_POLL_S)
    raise BenchError(f"{name} does not listen after {START_LIMIT_S:.0f} s: {process.last_words()}")
