"""A locustfile: the capacity scenario, as it is, on the reference server."""

from loadtests.bench.blame.user import ReferenceUser
from loadtests.scenarios.capacity import Capacity

__all__ = ["Capacity", "ReferenceUser"]
