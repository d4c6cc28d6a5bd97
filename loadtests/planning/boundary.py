"""How many cores of one kind a machine has, in the order in which a server is lent them."""

from collections.abc import Sequence

from loadtests.record.run import LogicalCpu
from loadtests.record.scale import Boundary


def first_boundary(order: Sequence[int], topology: Sequence[LogicalCpu]) -> Boundary | None:
    """Up to how many cores, taken in this ``order``, each is like those before it.

    None where ``topology`` does not tell of all of them.
    """
    known = {cpu.cpu: cpu for cpu in topology}
    if not order or not known.keys() >= set(order):
        return None
    first = known[order[0]]
    taken: set[int] = set()
    for count, number in enumerate(order):
        cpu = known[number]
        if taken & set(cpu.siblings):
            return Boundary(cores=count, beyond="second threads")
        if cpu.socket != first.socket:
            return Boundary(cores=count, beyond="another socket")
        if cpu.node != first.node:
            return Boundary(cores=count, beyond="another NUMA node")
        taken.add(number)
    return Boundary(cores=len(order), beyond="no more cores")
