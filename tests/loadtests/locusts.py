"""Running the real Locust, as its users do, and reading what it leaves."""

import csv
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from serving.paths import ROOT

SCENARIOS = ROOT / "loadtests" / "scenarios"
FRAMEWORKS = ("libtorch", "tensorflow_cc", "tensorflow_framework", "_pywrap_tensorflow")


@dataclass(frozen=True)
class LocustEnd:
    """How a Locust run ended.

    ``requests`` and ``failures`` (by name) are Locust's own statistics; ``peak_mb`` the largest
    resident memory of any of its processes; ``frameworks`` those mapped into one of them.
    """

    exit_code: int
    output: str
    requests: int
    failures: dict[str, int]
    peak_mb: float
    frameworks: set[str]


def locust_command(locustfile: Path, *arguments: str) -> list[str]:
    """The command line of a Locust run."""
    return [sys.executable, "-m", "locust", "-f", str(locustfile), *arguments]


def run_locust(folder: Path, locustfile: Path, *arguments: str) -> LocustEnd:
    """Run Locust headless to its end."""
    prefix = folder / "stats"
    command = locust_command(locustfile, *arguments, "--headless", "--only-summary", "--csv")
    peak_mb, frameworks = 0.0, set()
    with (folder / "output").open("w+") as output:
        with subprocess.Popen(
            [*command, str(prefix)], stdout=output, stderr=subprocess.STDOUT
        ) as locust:
            while locust.poll() is None:
                for process in family(locust.pid):
                    peak_mb = max(peak_mb, resident_mb(process))
                    frameworks |= mapped_frameworks(process)
                time.sleep(0.25)
        output.seek(0)
        said = output.read()
    return LocustEnd(
        exit_code=locust.returncode,
        output=said,
        requests=_requests(prefix),
        failures=_failures(prefix),
        peak_mb=peak_mb,
        frameworks=frameworks,
    )


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants, as far as they still run."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def running(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended; one that has, and waits for its new parent to look, has."""
    return [one for one in processes if _status(one) not in (None, psutil.STATUS_ZOMBIE)]


def _status(process: psutil.Process) -> str | None:
    try:
        return str(process.status()) if process.is_running() else None
    except psutil.NoSuchProcess:
        return None


def resident_mb(process: psutil.Process) -> float:
    """Resident memory in megabytes, 0 when the process has ended."""
    try:
        return float(process.memory_info().rss / 1e6)
    except psutil.NoSuchProcess:
        return 0.0


def mapped_frameworks(process: psutil.Process) -> set[str]:
    """The frameworks whose shared libraries a process has mapped."""
    try:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
    except OSError:
        return set()
    return {name for name in FRAMEWORKS if name in maps}


def _requests(prefix: Path) -> int:
    with prefix.with_name(f"{prefix.name}_stats.csv").open() as file:
        return sum(
            int(row["Request Count"]) for row in csv.DictReader(file) if row["Name"] == "Aggregated"
        )


def _failures(prefix: Path) -> dict[str, int]:
    with prefix.with_name(f"{prefix.name}_failures.csv").open() as file:
        return {
            row["Error"].removeprefix("CatchResponseError('").removesuffix("')"): int(
                row["Occurrences"]
            )
            for row in csv.DictReader(file)
        }
