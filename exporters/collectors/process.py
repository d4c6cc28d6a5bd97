"""A process tree and its control group, in the common schema."""

from collections.abc import Callable

from exporters import schema
from exporters.cgroup import read_cpu_group
from exporters.collector import Collector
from exporters.families import Families
from exporters.network import Flow, read_network
from exporters.process import TreeUsage, read_tree
from exporters.rising import Rising

FindPid = Callable[[float], int]
"""The root of the tree now, within so many seconds; SourceError when there is none."""


def collector(find_pid: FindPid, role: str) -> Collector:
    """Of the tree whose root ``find_pid`` tells, under the label ``role``."""
    return Collector(schema.PROCESS, [_Tree(find_pid).add], role=role)


class _Tree:
    def __init__(self, find_pid: FindPid) -> None:
        self._find_pid = find_pid
        self._rising = Rising()

    def add(self, families: Families, limit_s: float) -> None:
        pid = self._find_pid(limit_s)
        self._add_usage(families, read_tree(pid))
        _add_group(families, pid)
        for device, usage in read_network(pid).items():
            _add_flow(families, usage.received, device, "received")
            _add_flow(families, usage.sent, device, "sent")

    def _add_usage(self, families: Families, usage: TreeUsage) -> None:
        rising = self._rising
        families.add(schema.PROCESSES, usage.processes)
        families.add(schema.THREADS, usage.threads)
        families.add(schema.MEMORY, usage.rss_bytes)
        families.add(schema.OPEN_FILES, usage.open_files)
        families.add(schema.CPU_SECONDS, rising("cpu", usage.cpu_s))
        families.add(schema.CPU_WAIT_SECONDS, rising("wait", usage.waited_s))
        for kind in ("voluntary", "involuntary"):
            switches = rising(kind, getattr(usage, f"{kind}_switches"))
            families.add(schema.SWITCHES, switches, kind=kind)


def _add_group(families: Families, pid: int) -> None:
    if group := read_cpu_group(pid):
        families.add(schema.CPU_QUOTA, group.quota_cores)
        families.add(schema.CPU_PERIODS, group.periods)
        families.add(schema.THROTTLED_PERIODS, group.throttled)
        families.add(schema.THROTTLED_SECONDS, group.throttled_s)


def _add_flow(families: Families, flow: Flow, device: str, direction: str) -> None:
    labels = {"device": device, "direction": direction}
    families.add(schema.NETWORK_BYTES, flow.total_bytes, **labels)
    families.add(schema.NETWORK_PACKETS, flow.packets, **labels)
    families.add(schema.NETWORK_LOST, flow.lost, **labels)
