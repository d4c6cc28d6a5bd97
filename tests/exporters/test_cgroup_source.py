"""CPU quotas of both versions of control groups, as file trees and in a real group."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.cgroup import CpuGroup, read_cpu_group
from tests.waiting import eventually

V1_MOUNTS = """\
24 23 0:22 / /sys rw - sysfs sysfs rw
32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 31 0:30 {root} /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
V2_MOUNTS = "31 23 0:28 {root} /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
V1_GROUP = "9:name=systemd:/s\n4:cpu,cpuacct:{path}\n3:cpuset:/x\n0::/u\n"
V2_GROUP = "0::{path}\n"
PID = 42


class Machine:
    """A tree of kernel files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def v1(self, path: str, mount_root: str = "/") -> None:
        self.write(f"proc/{PID}/cgroup", V1_GROUP.format(path=path))
        self.write("proc/self/mountinfo", V1_MOUNTS.format(root=mount_root))

    def v2(self, path: str, mount_root: str = "/") -> None:
        self.write(f"proc/{PID}/cgroup", V2_GROUP.format(path=path))
        self.write("proc/self/mountinfo", V2_MOUNTS.format(root=mount_root))

    def v1_group(self, below: str, quota_us: int, stat: str = "") -> Path:
        folder = f"sys/fs/cgroup/cpu,cpuacct/{below}"
        self.write(f"{folder}/cpu.cfs_quota_us", f"{quota_us}\n")
        self.write(f"{folder}/cpu.cfs_period_us", "100000\n")
        self.write(f"{folder}/cpu.stat", stat)
        return self.root / folder

    def v2_group(self, below: str, cpu_max: str | None, stat: str = "") -> Path:
        folder = f"sys/fs/cgroup/{below}"
        if cpu_max is not None:
            self.write(f"{folder}/cpu.max", f"{cpu_max}\n")
        self.write(f"{folder}/cpu.stat", stat)
        return self.root / folder

    def read(self) -> CpuGroup | None:
        return read_cpu_group(PID, self.root)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_v1_with_a_quota(machine: Machine) -> None:
    machine.v1("/a/b")
    stat = "nr_periods 70\nnr_throttled 30\nthrottled_time 2500000000\nnr_bursts 0\n"
    folder = machine.v1_group("a/b", 150_000, stat)
    machine.v1_group("a", -1)
    assert machine.read() == CpuGroup(folder, 1.5, 70, 30, 2.5)


def test_v2_with_a_quota(machine: Machine) -> None:
    machine.v2("/a/b")
    stat = "usage_usec 9\nnr_periods 70\nnr_throttled 30\nthrottled_usec 2500000\n"
    folder = machine.v2_group("a/b", "25000 50000", stat)
    machine.v2_group("a", "max 100000")
    machine.v2_group(".", None, "usage_usec 9\n")
    assert machine.read() == CpuGroup(folder, 0.5, 70, 30, 2.5)


def test_the_least_quota_above_is_the_one_that_holds_back(machine: Machine) -> None:
    machine.v2("/a/b")
    machine.v2_group("a/b", "400000 100000", "nr_throttled 1\n")
    above = machine.v2_group("a", "200000 100000", "nr_throttled 5\nnr_periods 6\n")
    assert machine.read() == CpuGroup(above, 2.0, 6, 5, 0.0)


@pytest.mark.parametrize("mounted", ["/docker/abc", "/"])
def test_in_a_container_the_mount_is_the_group(machine: Machine, mounted: str) -> None:
    """Docker mounts the group itself; with a namespace of its own it also says "/" for it."""
    machine.v1("/docker/abc" if mounted != "/" else "/", mount_root=mounted)
    folder = machine.v1_group(".", 100_000)
    group = machine.read()
    assert group
    assert (group.path.resolve(), group.quota_cores) == (folder.resolve(), 1.0)


def test_a_group_outside_what_is_mounted(machine: Machine) -> None:
    machine.v2("/../other", mount_root="/docker/abc")
    machine.v2_group(".", "100000 100000")
    group = machine.read()
    assert group
    assert group.quota_cores == 1.0


def test_no_quota_anywhere(machine: Machine) -> None:
    machine.v1("/a")
    folder = machine.v1_group("a", -1, "nr_periods 0\n")
    assert machine.read() == CpuGroup(folder, None, 0, 0, 0.0)


@pytest.mark.parametrize("text", ["", "nonsense\n", "0:\n", "0::/a\n"])
def test_nothing_is_told(machine: Machine, text: str) -> None:
    machine.write(f"proc/{PID}/cgroup", text)
    machine.write("proc/self/mountinfo", "rubbish\n")
    assert machine.read() is None


def test_a_process_that_is_not_there() -> None:
    assert read_cpu_group(2**31 - 1) is None


@pytest.fixture
def group() -> Iterator[Path]:
    """A real group of 0.2 cores."""
    own = read_cpu_group(os.getpid())
    if own is None:
        pytest.skip("no CPU controller here")
    folder = own.path / f"redline-test-{os.getpid()}"
    try:
        folder.mkdir()
        if (own.path / "cpu.cfs_quota_us").exists():
            (folder / "cpu.cfs_quota_us").write_text("20000")
        else:
            (folder / "cpu.max").write_text("20000 100000")
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"control groups cannot be made here: {error.strerror}")
    yield folder
    folder.rmdir()


def test_a_real_group_that_is_held_back(group: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            (group / "cgroup.procs").write_text(str(busy.pid))
            before = read_cpu_group(busy.pid)
            assert before
            assert (before.path, before.quota_cores) == (group, 0.2)
            assert eventually(lambda: (read_cpu_group(busy.pid) or before).throttled >= 3)
            after = read_cpu_group(busy.pid)
            assert after
            assert after.periods >= after.throttled
            assert after.throttled_s > before.throttled_s
        finally:
            busy.kill()
