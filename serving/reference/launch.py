"""How the reference server is started: in place of this process, or beside it on given cores."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn

from serving.errors import DeploymentError
from serving.process import ManagedProcess
from serving.reference.program import find_program, why_unavailable

START_LIMIT_S = 15.0
_POLL_S = 0.01
_READY = re.compile(r"ready on grpc://127\.0\.0\.1:(\d+) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the server does; the names are those of its options.

    ``service`` is a law of service times: ``constant:TIME``, ``exponential:MEAN``,
    ``lognormal:MEDIAN,SIGMA`` or ``bimodal:TIME,TIME,SHARE`` (SIGMA of the logarithm, SHARE of the
    second time), with times as in ``250us``, ``1ms``, ``0.5s``. It has ``servers`` in parallel and
    one queue for all, first come, first served, in which ``queue`` requests may wait (None: any
    number); others are rejected: RESOURCE_EXHAUSTED or 503. ``stall``, as in ``1s/10s``: for the
    last 1 s of each 10 s, counted from its start, nothing is served. ``error_ratio`` and
    ``wrong_ratio`` of the answers are INTERNAL or 500, and not the right bytes. ``answer`` is a
    file with the right bytes (for gRPC without the 5-byte prefix), else there are none. ``log`` is
    where the log goes when it ends (see :mod:`serving.reference.log`). A ``port`` of 0 is any.

    Service is virtual: times are waited for, and cost no CPU.
    """

    service: str = "constant:0"
    servers: int = 1
    queue: int | None = None
    stall: str | None = None
    error_ratio: float = 0.0
    wrong_ratio: float = 0.0
    seed: int = 0
    answer: Path | None = None
    log: Path | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceServer:
    """A reference server that runs, on one port for both protocols."""

    port: int
    process: ManagedProcess

    def address(self, protocol: str) -> str:
        """The URL of one protocol, ``grpc`` or ``rest``; any path is answered."""
        return f"{'grpc' if protocol == 'grpc' else 'http'}://127.0.0.1:{self.port}"


def command_line(behaviour: Behaviour) -> list[str]:
    """The command that runs it. DeploymentError where the program was not built."""
    program = find_program()
    if program is None:
        raise DeploymentError(why_unavailable())
    given = {field.name: getattr(behaviour, field.name) for field in fields(behaviour)}
    options = [
        f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None
    ]
    return [str(program), *options]


def become(behaviour: Behaviour) -> NoReturn:
    """Run it in place of this process: its signals, its output and its exit code are then ours."""
    command = command_line(behaviour)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


@contextlib.contextmanager
def run(behaviour: Behaviour, cores: Sequence[int], work: Path) -> Iterator[ReferenceServer]:
    """Run it on ``cores`` until the block ends; its log is whole after that.

    What it prints goes to a file in ``work``. DeploymentError when it does not start.
    """
    output = work / "reference-server.txt"
    output.unlink(missing_ok=True)  # the port of a server before this one is in it
    process = ManagedProcess(command_line(behaviour), cores=cores, log=output)
    try:
        yield ReferenceServer(_await_port(process), process)
    finally:
        process.stop()


def _await_port(process: ManagedProcess) -> int:
    limit_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit_s:
        if ready := _READY.search(process.find_in_log("ready on") or ""):
            return int(ready[1])
        if process.exit_code is not None:
            told = process.find_in_log("redline: ") or process.last_words()
            raise DeploymentError(f"the reference server did not start: {told}")
        time.sleep(_POLL_S)
    raise DeploymentError(f"the reference server is not ready after {START_LIMIT_S:.0f} s")
