"""The CPU quota of a process, and how often it was held back by it: cgroup v1 and v2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exporters.kernel import read, read_number

ROOT = Path("/")
_NS_PER_S = 1e9
_US_PER_S = 1e6
_MOUNT = re.compile(
    r"^\S+ \S+ \S+ (?P<root>\S+) (?P<point>\S+) .* - cgroup(?P<v2>2?) \S+ (?P<options>\S+)"
)


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """The control group that holds a process back most.

    That is the one of the least quota among its own and those above it, without any quota its own.
    ``quota_cores`` is None without one. The others count since the group was made: ``periods`` in
    which it ran, ``throttled`` of them in which it was held back, for ``throttled_s`` in all
    (summed over its cores).
    """

    path: Path
    quota_cores: float | None
    periods: int
    throttled: int
    throttled_s: float


def read_cpu_group(pid: int, root: Path = ROOT) -> CpuGroup | None:
    """The group of ``pid`` on the machine whose ``proc`` and ``sys`` lie in ``root``.

    None where the kernel accounts none for it: no such process, or no CPU controller in sight.
    """
    own = _own_group(pid, root)
    if own is None:
        return None
    group, mount, version = own
    levels = [_level(folder, version) for folder in _up(group, mount)]
    limited = [level for level in levels if level.quota_cores is not None]
    return min(limited, key=lambda level: level.quota_cores or 0.0) if limited else levels[0]


def _own_group(pid: int, root: Path) -> tuple[Path, Path, int] | None:
    """The group's folder, the mount that it lies in, and the version, 1 or 2."""
    for line in (read(root / f"proc/{pid}/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "cpu" in controllers.split(","):
            return _folder(path, root, 1)
        if number == "0" and not controllers:  # the last line, so that version 1 goes first
            return _folder(path, root, 2)
    return None


def _folder(path: str, root: Path, version: int) -> tuple[Path, Path, int] | None:
    for line in (read(root / "proc/self/mountinfo") or "").splitlines():
        found = _MOUNT.search(line)
        if found and (found["v2"] if version == 2 else "cpu" in found["options"].split(",")):
            mount, mount_root = root / found["point"].lstrip("/"), found["root"]
            inside = Path("/", path)
            # In a container the mount may begin at the group itself, under the host's name for it.
            below = inside.relative_to(mount_root) if inside.is_relative_to(mount_root) else "."
            return mount / below, mount, version
    return None


def _up(group: Path, mount: Path) -> Iterator[Path]:
    yield group
    while group != mount and group.is_relative_to(mount):
        group = group.parent
        yield group


def _level(folder: Path, version: int) -> CpuGroup:
    lines = (line.split() for line in (read(folder / "cpu.stat") or "").splitlines())
    stat = {pair[0]: int(pair[1]) for pair in lines if len(pair) == 2}
    throttled_s = stat.get("throttled_time", 0) / _NS_PER_S
    return CpuGroup(
        path=folder,
        quota_cores=_quota_v2(folder) if version == 2 else _quota_v1(folder),
        periods=stat.get("nr_periods", 0),
        throttled=stat.get("nr_throttled", 0),
        throttled_s=stat["throttled_usec"] / _US_PER_S if "throttled_usec" in stat else throttled_s,
    )


def _quota_v1(folder: Path) -> float | None:
    quota_us = read_number(folder / "cpu.cfs_quota_us")
    period_us = read_number(folder / "cpu.cfs_period_us")
    if not quota_us or not period_us or quota_us < 0:
        return None
    return quota_us / period_us


def _quota_v2(folder: Path) -> float | None:
    quota, _, period = (read(folder / "cpu.max") or "max").partition(" ")
    return int(quota) / int(period) if quota.strip().isdigit() else None
