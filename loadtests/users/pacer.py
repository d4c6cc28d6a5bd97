"""Requests of Python clients that fall due at a rate, whatever the server does."""

import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import gevent
from gevent.event import Event

TURN = "redline_turn"
"""Under this name the context of a ``request`` event has the turn that the request was sent in."""
MOST_WAITING = 100_000
"""As in the engine: a request that falls due while so many others wait counts as unsent."""
Due = float | tuple[float, ...] | None
"""What falls due: so many a second, or at these times (s) from now on; None is closed loop."""
_TOGETHER_S = 0.02
"""A process that cannot follow lets its users go on at least so often."""


@dataclass(frozen=True, slots=True)
class Turn:
    """That a user may send now: how long its request waited since it was due, for a free user
    (``slot_wait_s``) and for that user to wake up (``lag_s``). In closed loop both are 0.
    """

    slot_wait_s: float = 0.0
    lag_s: float = 0.0

    @property
    def waited_s(self) -> float:
        """Since it was due."""
        return self.slot_wait_s + self.lag_s


class _Waiter:
    """A free user."""

    def __init__(self) -> None:
        self.woken = Event()
        self.due_s: float | None = None


class Pacer:
    """The arrivals of one Locust process. Each request goes to the user who is free longest.

    With no free user it waits for one, and keeps its due time.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - arrivals
        self._waiting: deque[float] = deque()
        self._free: deque[_Waiter] = deque()
        self._ticking: gevent.Greenlet | None = None
        self.due = self.unsent = 0
        """Requests since the beginning; the unsent ones are among those that were due."""

    @property
    def waiting(self) -> int:
        """Requests that are due and have no user."""
        return len(self._waiting)

    def follow(self, due: Due) -> None:
        """From now on; a rate is that of a Poisson process. What is due already stays due."""
        if self._ticking is not None:
            self._ticking.kill()
        self._ticking = None if not due else gevent.spawn(self._tick, self._times(due))

    def _times(self, due: float | tuple[float, ...]) -> Iterator[float]:
        now_s = time.perf_counter()
        if isinstance(due, tuple):
            yield from (now_s + time_s for time_s in due)
            return
        while True:
            now_s += self._random.expovariate(due)
            yield now_s

    def next(self, stopping: Event) -> Turn | None:
        """Wait for a request; None when ``stopping`` is set or the users are sent away."""
        if self._waiting:
            return Turn(slot_wait_s=time.perf_counter() - self._waiting.popleft())
        waiter = _Waiter()
        self._free.append(waiter)
        gevent.wait([waiter.woken, stopping], count=1)
        if waiter.due_s is None:
            if waiter in self._free:
                self._free.remove(waiter)
            return None
        return Turn(lag_s=time.perf_counter() - waiter.due_s)

    def send_away(self) -> None:
        """Wake all free users, with nothing to do."""
        while self._free:
            self._free.popleft().woken.set()

    def give_up(self) -> None:
        """What waits still will not be sent."""
        self.unsent += len(self._waiting)
        self._waiting.clear()

    def _tick(self, times_s: Iterator[float]) -> None:
        slept_s = time.perf_counter()
        for due_s in times_s:
            if (left_s := due_s - time.perf_counter()) > 0 or due_s - slept_s > _TOGETHER_S:
                gevent.sleep(max(0.0, left_s))
                slept_s = due_s
            self._fall_due(due_s)

    def _fall_due(self, due_s: float) -> None:
        self.due += 1
        if self._free:
            waiter = self._free.popleft()
            waiter.due_s = due_s
            waiter.woken.set()
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append(due_s)
        else:
            self.unsent += 1
