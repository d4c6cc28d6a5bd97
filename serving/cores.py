"""Which CPU cores a server gets and which the load generator keeps."""

import os
import re

from serving.errors import UsageError


def available_cores() -> list[int]:
    """The cores this process may use, in order."""
    return sorted(os.sched_getaffinity(0))


def parse_cores(text: str) -> list[int]:
    """``"1,4-6"`` as ``[1, 4, 5, 6]``; UsageError when it is no list of cores of this machine."""
    cores: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not match:
            raise UsageError(f"--cores {text!r}: write core numbers as in 1 or 2,4-7")
        first, last = int(match[1]), int(match[2] or match[1])
        cores.update(range(first, last + 1))
    if unknown := cores.difference(available_cores()):
        here = ",".join(map(str, available_cores()))
        raise UsageError(f"--cores {text!r}: no core {min(unknown)} here (there are {here})")
    return sorted(cores)


def share_cores(server_cores: list[int] | None) -> tuple[list[int], list[int]]:
    """``(server, generator)`` cores, apart from each other wherever the machine has two.

    Without ``server_cores`` the server gets the upper half. UsageError when they leave the
    generator none.
    """
    cores = available_cores()
    if server_cores is None:
        if len(cores) == 1:
            return cores, cores
        server_cores = cores[len(cores) // 2 :]
    generator = [core for core in cores if core not in server_cores]
    if not generator:
        raise UsageError(
            "--cores leaves the load generator no core: give the server fewer, "
            f"this machine has {len(cores)}"
        )
    return server_cores, generator
