"""What a process and all its descendants use: counters, so that any two readings make a rate."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import psutil

from exporters.errors import SourceError, Trouble
from exporters.kernel import read_small

_NS_PER_S = 1e9
_ATTEMPTS = 3
_SWITCHES = re.compile(rb"^(?:non)?voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)
_PARENT, _STARTED = 1, 19
"""Fields of ``/proc/PID/stat``, counted from behind the command's name."""


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """A process tree.

    ``cpu_s`` holds what descendants used that have ended since, once their parent has waited for
    them. ``waited_s`` (for a core, while able to run), ``threads_cpu_s`` (by the thread's id) and
    the context switches are of the threads that live, and fall when one ends. Memory that processes
    share counts once for each of them in ``rss_bytes``, once in all in ``pss_bytes``.
    ``open_files`` and ``pss_bytes`` are None where this user may not see them (or did not ask).
    """

    processes: int
    threads: int
    cpu_s: float
    threads_cpu_s: Mapping[int, float]
    waited_s: float
    voluntary_switches: int
    involuntary_switches: int
    rss_bytes: int
    pss_bytes: int | None
    open_files: int | None


def oldest_of(user: int) -> int:
    """The id of the oldest process of ``user``, a number; SourceError when there is none."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.uids().real == user:
                found.append((process.create_time(), process.pid))
    if not found:
        raise SourceError(f"user {user}", Trouble.GONE, "no process is this user's")
    return min(found)[1]


def read_tree(pid: int, *, with_pss: bool = False) -> TreeUsage:
    """The tree below and with ``pid``; SourceError when there is no such process.

    ``with_pss`` asks for memory shares, which hold the processes up for a moment: seldom.
    """
    for _ in range(_ATTEMPTS):
        tree = _tree(pid)
        usage = _sum([each for one in tree for each in _usages(one, with_pss=with_pss)])
        # One that ended meanwhile may be counted twice, its parent having waited for it, or not.
        if all(_started(one) == started for one, started in tree.items()):
            break
    return usage


def _tree(root: int) -> dict[int, int]:
    """When each process of the tree was started, by its id."""
    started: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 - names, not paths
        pid = int(name)
        if fields := _stat(pid):
            started[pid] = int(fields[_STARTED])
            children.setdefault(int(fields[_PARENT]), []).append(pid)
    if root not in started:
        raise SourceError(f"process {root}", Trouble.GONE, "it has ended")
    found = [root]
    for pid in found:  # grows as it goes
        found += children.get(pid, [])
    return {pid: started[pid] for pid in found}


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[_STARTED]) if fields else None


def _stat(pid: int) -> list[bytes]:
    """The fields of the process's ``stat`` behind the command's name, which may hold anything."""
    stat = read_small(f"/proc/{pid}/stat")
    return stat[stat.rfind(b")") + 2 :].split()


def _usages(pid: int, *, with_pss: bool) -> Iterator[TreeUsage]:
    """The usage of one process, without its descendants; nothing when it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        with process.oneshot():
            yield _usage(process, with_pss=with_pss)


def _usage(process: psutil.Process, *, with_pss: bool) -> TreeUsage:
    times = process.cpu_times()
    threads_cpu_s, waited_s, voluntary, involuntary = _threads(process.pid)
    return TreeUsage(
        processes=1,
        threads=process.num_threads(),
        cpu_s=times.user + times.system + times.children_user + times.children_system,
        threads_cpu_s=threads_cpu_s,
        waited_s=waited_s,
        voluntary_switches=voluntary,
        involuntary_switches=involuntary,
        rss_bytes=process.memory_info().rss,
        pss_bytes=_pss_bytes(process) if with_pss else None,
        open_files=_open_files(process),
    )


def _sum(usages: list[TreeUsage]) -> TreeUsage:
    return TreeUsage(
        processes=len(usages),
        threads=sum(each.threads for each in usages),
        cpu_s=sum(each.cpu_s for each in usages),
        threads_cpu_s={task: s for each in usages for task, s in each.threads_cpu_s.items()},
        waited_s=sum(each.waited_s for each in usages),
        voluntary_switches=sum(each.voluntary_switches for each in usages),
        involuntary_switches=sum(each.involuntary_switches for each in usages),
        rss_bytes=sum(each.rss_bytes for each in usages),
        pss_bytes=_sum_known(each.pss_bytes for each in usages),
        open_files=_sum_known(each.open_files for each in usages),
    )


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    """The sum; None when one is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _threads(pid: int) -> tuple[dict[int, float], float, int, int]:
    """CPU seconds of each living thread; of all, seconds of waiting for a core, voluntary and
    involuntary switches.

    psutil tells the switches of a process's first thread only.
    """
    cpu_s: dict[int, float] = {}
    waited_ns = voluntary = involuntary = 0
    for folder in _tasks(pid):
        ran_ns, wait_ns, *_ = map(int, (read_small(f"{folder}/schedstat") or b"0 0").split())
        cpu_s[int(folder.rpartition("/")[2])] = ran_ns / _NS_PER_S
        waited_ns += wait_ns
        switches = [int(count) for count in _SWITCHES.findall(read_small(f"{folder}/status"))]
        if switches:
            voluntary += switches[0]
            involuntary += switches[1]
    return cpu_s, waited_ns / _NS_PER_S, voluntary, involuntary


def _tasks(pid: int) -> list[str]:
    folder = f"/proc/{pid}/task"
    with contextlib.suppress(OSError):
        return [f"{folder}/{task}" for task in os.listdir(folder)]  # noqa: PTH208
    return []


def _pss_bytes(process: psutil.Process) -> int | None:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return None
    except psutil.ZombieProcess:  # ended, not yet waited for: only its CPU time is left
        return 0


def _open_files(process: psutil.Process) -> int | None:
    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return None
    except psutil.ZombieProcess:
        return 0
