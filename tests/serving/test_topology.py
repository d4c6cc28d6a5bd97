"""Physical cores and NUMA nodes: of this machine as lscpu tells, of others by file."""

import os
import subprocess
from pathlib import Path

import pytest

from serving.cores import nested_cores, order_taken, process_on
from serving.errors import UsageError
from serving.topology import Place, Topology, read_places, read_topology


def machine(nodes: int, physical: int, threads: int) -> Topology:
    """As Linux numbers them: first all first threads, node by node, then all second threads."""
    total = nodes * physical
    siblings, places = {}, {}
    for core in range(total * threads):
        siblings[core] = frozenset(range(core % total, total * threads, total))
        places[core] = core % total // physical
    return Topology(siblings, places)


def test_this_machine_as_lscpu_tells() -> None:
    here = os.sched_getaffinity(0)
    found = read_topology(here)
    told = subprocess.run(
        ["lscpu", "-p=CPU,CORE,SOCKET,NODE"], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(",") for line in told.splitlines() if not line.startswith("#")]
    physical = {int(cpu): (core, socket) for cpu, core, socket, _ in rows}
    for core in here:
        same = {cpu for cpu, place in physical.items() if place == physical[core]}
        assert found.siblings[core] == same
    assert found.nodes == {int(cpu): int(node or 0) for cpu, _, _, node in rows if int(cpu) in here}


def test_files_of_another_machine(tmp_path: Path) -> None:
    for node, cores in enumerate(("0-1,4-5", "2-3,6-7")):
        folder = tmp_path / f"sys/devices/system/node/node{node}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(f"{cores}\n")
    for core in range(8):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{core}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{core % 4},{core % 4 + 4}\n")
    assert read_topology(range(8), tmp_path) == machine(nodes=2, physical=2, threads=2)


def test_places_are_those_of_every_cpu_that_is_online(tmp_path: Path) -> None:
    cpus = tmp_path / "sys/devices/system/cpu"
    node = tmp_path / "sys/devices/system/node/node1"
    node.mkdir(parents=True)
    (node / "cpulist").write_text("2-3\n")
    for cpu in range(4):
        folder = cpus / f"cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "core_id").write_text("0\n")
        (folder / "physical_package_id").write_text(f"{cpu // 2}\n")
        (folder / "thread_siblings_list").write_text(f"{cpu // 2 * 2}-{cpu // 2 * 2 + 1}\n")
    assert read_places(tmp_path) == []
    (cpus / "online").write_text("0,2-3\n")
    assert read_places(tmp_path) == [
        Place(0, 0, 0, 0, (0, 1)),
        Place(2, 0, 1, 1, (2, 3)),
        Place(3, 0, 1, 1, (2, 3)),
    ]
    (cpus / "cpu3/topology/core_id").unlink()
    assert read_places(tmp_path) == []


def test_a_machine_that_tells_nothing_has_cores_of_its_own(tmp_path: Path) -> None:
    assert read_topology([0, 3], tmp_path) == Topology(
        {0: frozenset({0}), 3: frozenset({3})}, {0: 0, 3: 0}
    )


def test_cores_without_threads() -> None:
    sets, generator = nested_cores([4, 1, 2], machine(nodes=1, physical=6, threads=1))
    assert sets == {1: (0,), 2: (0, 1), 4: (0, 1, 2, 3)}
    assert generator == (4, 5)


def test_physical_cores_come_before_second_threads_and_stay_apart_from_the_generator() -> None:
    eight = machine(nodes=1, physical=4, threads=2)
    sets, generator = nested_cores([1, 2, 3], eight)
    assert sets[3] == (0, 1, 2)
    assert generator == (3, 7)
    sets, generator = nested_cores([2, 6], eight)
    assert sets == {2: (0, 1), 6: (0, 1, 2, 4, 5, 6)}
    assert generator == (3, 7)
    assert (eight.physical(sets[6]), eight.physical(sets[2])) == (3, 2)


def test_one_numa_node_is_filled_before_the_next() -> None:
    two = machine(nodes=2, physical=4, threads=1)
    sets, generator = nested_cores([2, 4, 6], two)
    assert two.nodes_of(sets[4]) == [0]
    assert two.nodes_of(sets[6]) == [0, 1]
    assert generator == (6, 7)


def test_a_server_gets_cores_in_the_order_that_is_told() -> None:
    two = machine(nodes=2, physical=2, threads=2)
    order = order_taken(two)
    assert order == [0, 1, 2, 4, 5, 6, 3, 7]
    sets, generator = nested_cores(range(1, 7), two)
    assert all(sorted(order[:count]) == list(sets[count]) for count in sets)
    assert set(order[6:]) == set(generator)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([1, 4], r"--cores 4 leaves the load generator no core: this machine has 4 \(4 physical\)"),
        ([1, 99], "the server can have at most 3"),
        ([0], "--cores 0: a server needs at least 1"),
    ],
)
def test_counts_without_room_are_refused(counts: list[int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        nested_cores(counts, machine(nodes=1, physical=4, threads=1))


def test_a_process_gets_its_cores_back() -> None:
    before = os.sched_getaffinity(0)
    with process_on([min(before)]):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before
