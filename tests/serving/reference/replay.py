"""What the server should have done, computed again by other means from what it was asked."""

import heapq

import numpy as np
from numpy.typing import NDArray

_GAMMA = 0x9E3779B97F4A7C15
FATE_SEED = _GAMMA


def uniforms(seed: int, count: int) -> NDArray[np.float64]:
    """SplitMix64 (Steele, Lea, Flood 2014) as numbers in (0, 1]."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = state ^ (state >> np.uint64(31))
    return ((mixed >> np.uint64(11)).astype(float) + 1) * 2.0**-53


def starts(arrivals: list[int], ends: list[int], servers: int) -> list[int]:
    """When each service begins: first come, first served, by whichever server is free first."""
    free = [0] * servers
    begun = []
    for arrival, end in zip(arrivals, ends, strict=True):
        begun.append(max(arrival, heapq.heappop(free)))
        heapq.heappush(free, end)
    return begun
