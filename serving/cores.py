"""Which CPU cores a server gets and which the load generator keeps."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from serving.errors import UsageError
from serving.topology import Topology


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


@contextmanager
def process_on(cores: Sequence[int]) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, to ``cores``."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def nested_cores(
    counts: Sequence[int], topology: Topology
) -> tuple[dict[int, tuple[int, ...]], tuple[int, ...]]:
    """A server's cores for each of ``counts``, and the generator's, the same for all of them.

    Each set holds the smaller ones. Physical cores come before their second threads and one NUMA
    node before the next; the generator keeps whole physical cores. UsageError for the first count
    that leaves it none.
    """
    groups = _physical(topology)
    order = _threads_in_turn(groups[:-1])
    for count in counts:
        if not 1 <= count <= len(order):
            raise UsageError(_no_room(count, len(order), groups))
    server = {count: tuple(sorted(order[:count])) for count in sorted(set(counts))}
    taken = {topology.siblings[core] for core in order[: max(counts)]}
    generator = [core for core in topology.nodes if topology.siblings[core] not in taken]
    return server, tuple(sorted(generator))


def order_taken(topology: Topology) -> list[int]:
    """All cores in the order in which a server gets them, last those that the generator keeps."""
    groups = _physical(topology)
    return [*_threads_in_turn(groups[:-1]), *sorted(groups[-1])]


def _physical(topology: Topology) -> list[frozenset[int]]:
    """The threads of each physical core, one NUMA node after the other."""
    return sorted(
        {frozenset(group & topology.nodes.keys()) for group in topology.siblings.values()},
        key=lambda group: (topology.nodes[min(group)], min(group)),
    )


def _threads_in_turn(groups: Sequence[frozenset[int]]) -> list[int]:
    """The first thread of every group, then the second ones."""
    by_turn = zip_longest(*(sorted(group) for group in groups))
    return [core for turn in by_turn for core in turn if core is not None]


def _no_room(count: int, most: int, groups: Sequence[frozenset[int]]) -> str:
    if count < 1:
        return f"--cores {count}: a server needs at least 1"
    cores = sum(map(len, groups))
    return (
        f"--cores {count} leaves the load generator no core: this machine has {cores} "
        f"({len(groups)} physical), the server can have at most {most}"
    )
