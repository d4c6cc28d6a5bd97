"""Where the programs of the benchmark are, and which versions they have."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from loadtests.bench.errors import BenchError

_VERSION_OPTIONS = {
    "wrk": "-v",
    "h2load": "--version",
    "nghttpd": "--version",
    "nginx": "-v",
    "k6": "version",
    "locust": "--version",
}
_ELSEWHERE = (str(Path(sys.executable).parent), "/usr/sbin", "/usr/local/sbin")


def find_program(name: str) -> str:
    """The path of a program, beside this Python or on PATH.

    BenchError when there is none. Debian keeps servers in /usr/sbin, which PATH may lack.
    """
    for path in (_ELSEWHERE[0], None, *_ELSEWHERE[1:]):
        if found := shutil.which(name, path=path):
            return found
    raise BenchError(f"{name} is not installed: run `make bench`, which installs what it needs")


def program_versions(names: Iterable[str]) -> dict[str, str]:
    """The first line that each program prints of itself. BenchError when one is not installed."""
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str:
    command = [find_program(name), _VERSION_OPTIONS[name]]
    told = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return told.stdout.strip().split("\n")[0] or "unknown"
