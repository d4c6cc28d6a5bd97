"""Counters made to rise of sums that fall when one of their parts ends."""

from collections.abc import Hashable


class Rising:
    """Each key's first value, and every rise since; a fall counts as nothing.

    Prometheus takes a counter that falls for one that began anew, and adds all of it: when one
    thread of many ended, a rate would jump.
    """

    def __init__(self) -> None:
        self._last: dict[Hashable, float] = {}
        self._total: dict[Hashable, float] = {}

    def __call__(self, key: Hashable, value: float) -> float:
        """The counter of ``key``, now that its sum is ``value``."""
        rise = value - self._last.get(key, 0.0)
        self._last[key] = value
        self._total[key] = self._total.get(key, 0.0) + max(0.0, rise)
        return self._total[key]
