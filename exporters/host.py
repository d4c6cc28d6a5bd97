"""What the cores of this machine do: counters since boot, from ``/proc``."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporters.errors import SourceError, Trouble
from exporters.kernel import read

ROOT = Path("/")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NS_PER_S = 1e9
_US_PER_S = 1e6
_CORE = re.compile(r"cpu(\d+) (.+)")


@dataclass(frozen=True, slots=True)
class CoreTimes:
    """Seconds since boot, each in one only; waiting for a disk is idle.

    ``steal_s`` is what a hypervisor gave to others while this core had work.
    """

    busy_s: float
    idle_s: float
    steal_s: float


@dataclass(frozen=True, slots=True)
class HostUsage:
    """All cores by number, and the tasks that want them; None is what this kernel does not tell.

    ``running`` tasks run or wait for a core now, ``blocked`` ones wait for a disk. ``waited_s`` is
    the time that tasks waited for each core, summed over tasks; ``starved_s`` that in which at
    least one did (the kernel's pressure, "some").
    """

    cores: Mapping[int, CoreTimes]
    running: int
    blocked: int
    context_switches: int
    waited_s: Mapping[int, float] | None
    starved_s: float | None


def read_host(root: Path = ROOT) -> HostUsage:
    """The machine whose ``proc`` lies in ``root``; SourceError where there is none."""
    path = root / "proc/stat"
    try:
        return _parse(read(path) or "", root)
    except (ValueError, KeyError, IndexError):
        raise SourceError(path, Trouble.GARBLED, "no such file as Linux has") from None


def _parse(stat: str, root: Path) -> HostUsage:
    single = dict(line.split(" ", 1) for line in stat.splitlines() if " " in line)
    return HostUsage(
        cores={int(core): _times(rest.split()) for core, rest in _CORE.findall(stat)},
        running=int(single["procs_running"]),
        blocked=int(single["procs_blocked"]),
        context_switches=int(single["ctxt"]),
        waited_s=_waited_s(read(root / "proc/schedstat")),
        starved_s=_starved_s(read(root / "proc/pressure/cpu")),
    )


def _times(ticks: list[str]) -> CoreTimes:
    """From user, nice, system, idle, iowait, irq, softirq, steal; guests are in user and nice."""
    user, nice, system, idle, iowait, irq, softirq, steal = (int(each) for each in ticks[:8])
    return CoreTimes(
        busy_s=(user + nice + system + irq + softirq) / _TICKS_PER_S,
        idle_s=(idle + iowait) / _TICKS_PER_S,
        steal_s=steal / _TICKS_PER_S,
    )


def _waited_s(schedstat: str | None) -> dict[int, float] | None:
    if schedstat is None:
        return None
    return {int(core): int(rest.split()[7]) / _NS_PER_S for core, rest in _CORE.findall(schedstat)}


def _starved_s(pressure: str | None) -> float | None:
    found = re.search(r"^some .*total=(\d+)", pressure or "", re.MULTILINE)
    return int(found[1]) / _US_PER_S if found else None
