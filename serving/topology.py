"""Which cores share a physical one and which memory is near: what Linux tells in ``/sys``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_CPUS = "sys/devices/system/cpu"
_NODES = "sys/devices/system/node"


@dataclass(frozen=True, slots=True)
class Topology:
    """``siblings`` has for each core all that share its physical one, itself among them.

    ``nodes`` has each core's NUMA node.
    """

    siblings: Mapping[int, frozenset[int]]
    nodes: Mapping[int, int]

    def physical(self, cores: Iterable[int]) -> int:
        """How many physical cores ``cores`` are threads of."""
        return len({self.siblings[core] for core in cores})

    def nodes_of(self, cores: Iterable[int]) -> list[int]:
        """The NUMA nodes of ``cores``, in order."""
        return sorted({self.nodes[core] for core in cores})


def read_topology(cores: Iterable[int], root: Path = Path("/")) -> Topology:
    """Of ``cores``, as the ``sys`` in ``root`` tells.

    Where it does not, each core is a physical one of its own, and all are on node 0.
    """
    cores = list(cores)
    nodes = dict.fromkeys(cores, 0)
    for folder in sorted((root / _NODES).glob("node[0-9]*")):
        number = int(folder.name.removeprefix("node"))
        nodes |= {core: number for core in _listed(folder / "cpulist") if core in nodes}
    siblings = {core: _siblings(core, root) for core in cores}
    return Topology(siblings, nodes)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a logical CPU is: ``core`` is a number within its ``socket``, ``node`` a NUMA node.

    ``siblings`` are all that share its physical core, itself among them.
    """

    cpu: int
    core: int
    socket: int
    node: int
    siblings: tuple[int, ...]


def read_places(root: Path = Path("/")) -> list[Place]:
    """Of every CPU that is online, by number, as the ``sys`` in ``root`` tells.

    None at all where it does not tell of each.
    """
    online = _listed(root / _CPUS / "online")
    near = read_topology(online, root)
    found = []
    for cpu in online:
        folder = root / _CPUS / f"cpu{cpu}/topology"
        core, socket = _listed(folder / "core_id"), _listed(folder / "physical_package_id")
        siblings = _listed(folder / "thread_siblings_list")
        if not (core and socket and siblings):
            return []
        found.append(Place(cpu, core[0], socket[0], near.nodes[cpu], tuple(siblings)))
    return found


def _siblings(core: int, root: Path) -> frozenset[int]:
    found = _listed(root / _CPUS / f"cpu{core}/topology/thread_siblings_list")
    return frozenset(found) or frozenset({core})


def _listed(path: Path) -> list[int]:
    """From a list as in ``0,4-5``; nothing where there is none."""
    try:
        text = path.read_text().strip()
    except OSError:
        return []
    spans = [[int(end) for end in part.split("-")] for part in text.split(",") if part]
    return [core for span in spans for core in range(span[0], span[-1] + 1)]
