"""The machine a run is made on, and the versions of what takes part."""

import contextlib
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import psutil

from exporters.kernel import read
from loadtests.record.run import Host, LogicalCpu
from serving.topology import read_places

_PACKAGES = (
    *("redline", "locust", "grpcio", "hdrhistogram"),
    *("torch", "torchserve", "tensorflow-cpu", "numpy"),
)


def describe_host() -> Host:
    """Processor, memory, system and topology of this machine."""
    return Host(
        hostname=platform.node(),
        cpu=_cpu_name(),
        cores=psutil.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{_distribution()}, Linux {platform.release()}",
        python=platform.python_version(),
        topology=[LogicalCpu.model_validate(asdict(place)) for place in read_places()],
    )


def governors(cores: Iterable[int], root: Path = Path("/")) -> dict[int, str]:
    """Each core's frequency policy, as the ``sys`` in ``root`` tells; empty where it has none."""
    told = {
        core: read(root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor")
        for core in cores
    }
    return {core: policy.strip() for core, policy in told.items() if policy}


def versions() -> dict[str, str]:
    """The installed version of each package that takes part in a run."""
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _distribution() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.system()
