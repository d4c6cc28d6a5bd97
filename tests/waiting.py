"""Waiting for what another process does."""

import time
from collections.abc import Callable

LONGEST_PAUSE_S = 0.25


def eventually(condition: Callable[[], bool], timeout_s: float = 20) -> bool:
    """Whether ``condition`` comes true within ``timeout_s`` seconds.

    It is asked ever more seldom: many a condition is work for the very process that is waited for.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = 0.01
    while not condition() and time.monotonic() < deadline:
        time.sleep(pause_s)
        pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)
    return condition()
