"""Where a machine's cores cease to be alike, in the order in which a server gets them."""

import pytest

from loadtests.planning.boundary import first_boundary
from loadtests.record.run import LogicalCpu
from loadtests.record.scale import Beyond


def cpus(sockets: int, nodes: int, physical: int, threads: int) -> list[LogicalCpu]:
    """First all first threads, socket by socket, each of so many nodes of physical cores."""
    total = sockets * nodes * physical
    return [
        LogicalCpu(
            cpu=cpu,
            core=cpu % (nodes * physical),
            socket=cpu % total // (nodes * physical),
            node=cpu % total // physical,
            siblings=list(range(cpu % total, total * threads, total)),
        )
        for cpu in range(total * threads)
    ]


@pytest.mark.parametrize(
    ("machine", "order", "cores", "beyond"),
    [
        (cpus(1, 1, 4, 2), range(8), 4, "second threads"),
        (cpus(2, 1, 4, 1), range(8), 4, "another socket"),
        (cpus(2, 1, 4, 2), range(8), 4, "another socket"),
        (cpus(1, 2, 4, 2), range(8), 4, "another NUMA node"),
        (cpus(1, 1, 4, 2), [0, 4, 1, 5], 1, "second threads"),
        (cpus(2, 1, 4, 1), [4, 5, 6, 0], 3, "another socket"),
        (cpus(1, 1, 6, 1), range(6), 6, "no more cores"),
        (cpus(1, 1, 6, 1), [2, 3], 2, "no more cores"),
    ],
)
def test_the_first_core_that_is_not_like_the_others_ends_them(
    machine: list[LogicalCpu], order: list[int], cores: int, beyond: Beyond
) -> None:
    found = first_boundary(order, machine)
    assert found is not None
    assert (found.cores, found.beyond) == (cores, beyond)


def test_of_a_machine_that_is_not_known_there_is_none() -> None:
    assert first_boundary([0, 1], []) is None
    assert first_boundary([], cpus(1, 1, 2, 1)) is None
    assert first_boundary([0, 1, 2], cpus(1, 1, 2, 1)) is None
