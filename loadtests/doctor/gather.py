"""Gathers the facts about this machine; takes a second, in part to watch what others do."""

import os
import re
import resource
import shutil
import subprocess
import time
from dataclasses import astuple
from importlib import util
from pathlib import Path

import psutil

from exporters.cgroup import read_cpu_group
from exporters.host import HostUsage, read_host
from exporters.kernel import read, read_number
from loadtests import engine
from loadtests.doctor.checks import OPTIONAL_PROGRAMS
from loadtests.doctor.facts import Cores, Facts, Limits, Sample, Software
from loadtests.host import governors
from serving.cores import share_cores
from serving.deployment import port_trouble
from serving.tfserving import launch as tfserving
from serving.topology import read_topology
from serving.torchserve import launch as torchserve

ROOT = Path("/")
SAMPLE_S = 0.5
PACKAGES = {
    "tensorflow-cpu": "tensorflow",
    "torch": "torch",
    "torchserve": "ts",
    "torch-model-archiver": "model_archiver",
    "scikit-learn": "sklearn",
}
"""What serves and builds models: each package's name, and that of its module."""
_CPUS = "sys/devices/system/cpu"
_CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
_PORTS = "proc/sys/net/ipv4/ip_local_port_range"
_JAVA_TIMEOUT_S = 10


def gather() -> Facts:
    """All facts about this machine, for a run of this process. SourceError without a /proc."""
    cores = gather_cores()
    return Facts(cores, watch(cores), _limits(), _software())


def gather_cores(root: Path = ROOT) -> Cores:
    """The cores that ``redline run`` would take, as the ``sys`` and ``proc`` in ``root`` tell."""
    server, generator = share_cores(None)
    group = read_cpu_group(os.getpid(), root)
    usable = {*server, *generator}
    return Cores(
        server=tuple(server),
        generator=tuple(generator),
        siblings=read_topology(usable, root).siblings,
        governors=governors(usable, root),
        turbo=_turbo(root),
        clock_source=(read(root / _CLOCK) or "").strip(),
        quota_cores=group.quota_cores if group else None,
        quota_path=str(group.path) if group else "",
    )


def watch(cores: Cores, span_s: float = SAMPLE_S) -> Sample:
    """What happens on ``cores`` within ``span_s`` seconds of waiting."""
    before, swap, group = read_host(), psutil.swap_memory(), read_cpu_group(os.getpid())
    time.sleep(span_s)
    after, group_after = read_host(), read_cpu_group(os.getpid())
    swap_after = psutil.swap_memory()
    return Sample(
        span_s=span_s,
        busy={core: _share(before, after, core, "busy_s") for core in cores.usable},
        stolen={core: _share(before, after, core, "steal_s") for core in cores.usable},
        running=after.running - 1,  # one is this process
        throttled_s=group_after.throttled_s - group.throttled_s if group and group_after else 0.0,
        swapped_bytes=swap_after.sin + swap_after.sout - swap.sin - swap.sout,
    )


def _share(before: HostUsage, after: HostUsage, core: int, kind: str) -> float:
    """Of all the time that the kernel accounted for the core; a core's own clock may be late."""
    pairs = zip(astuple(before.cores[core]), astuple(after.cores[core]), strict=True)
    spent_s = sum(later - earlier for earlier, later in pairs)
    used_s = float(getattr(after.cores[core], kind) - getattr(before.cores[core], kind))
    return used_s / spent_s if spent_s > 0 else 0.0


def _turbo(root: Path) -> bool | None:
    no_turbo = read(root / _CPUS / "intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo.strip() == "0"
    boost = read(root / _CPUS / "cpufreq/boost")
    return None if boost is None else boost.strip() == "1"


def _limits() -> Limits:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    first, last = (int(port) for port in (read(ROOT / _PORTS) or "32768 60999").split())
    resting = re.search(r"^TCP:.* tw (\d+)", read(ROOT / "proc/net/sockstat") or "", re.MULTILINE)
    return Limits(
        open_files=_files(soft),
        open_files_hard=_files(hard),
        ephemeral_ports=(first, last),
        time_wait=int(resting[1]) if resting else 0,
        memory_available_bytes=psutil.virtual_memory().available,
    )


def _files(limit: int) -> int:
    most = read_number(ROOT / "proc/sys/fs/nr_open") or 1 << 20
    return most if limit == resource.RLIM_INFINITY else limit


def _software() -> Software:
    ports = (*astuple(tfserving.Ports()), *astuple(torchserve.Ports()))
    troubles = {port: port_trouble(port) for port in ports}
    return Software(
        java=_java(),
        programs={name: shutil.which(name) is not None for name in OPTIONAL_PROGRAMS},
        packages={name: util.find_spec(module) is not None for name, module in PACKAGES.items()},
        engine_missing=engine.why_unavailable(),
        taken_ports={port: trouble for port, trouble in troubles.items() if trouble},
    )


def _java() -> int:
    home = os.environ.get("JAVA_HOME")
    command = [f"{home}/bin/java" if home else "java", "-version"]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_JAVA_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r'version "(\d+)', told.stderr + told.stdout)
    return int(version[1]) if version else 0
