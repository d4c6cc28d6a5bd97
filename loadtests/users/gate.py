"""Holds up the users that send by themselves, and knows how many of them wait for an answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent.event import Event

from loadtests.users.pacer import Due, Pacer, Turn


class Gate:
    """Open at first, and in closed loop; ``seed`` draws the arrivals of an open one."""

    def __init__(self, seed: str) -> None:
        self.pacer = Pacer(seed)
        self.paced = False
        """Whether requests fall due whatever becomes of those before."""
        self._through = 0
        self._open = Event()
        self._empty = Event()
        self._open.set()
        self._empty.set()
        self._gap_s = 0.0
        self._next_s = 0.0

    @property
    def in_flight(self) -> int:
        """Requests that are due and have not ended: those who went through and did not come back,
        and in open loop those that wait for a user.
        """
        return self._through + self.pacer.waiting

    def open(self, due: Due = None, most_rps: float | None = None) -> None:
        """Let everybody through, but no more than ``most_rps`` a second, or in open loop as many as
        fall due.
        """
        self._gap_s = 1 / most_rps if most_rps else 0.0
        self.paced = due is not None
        self.pacer.follow(due)
        if not self.paced:
            self.pacer.send_away()
        self._open.set()

    def close(self) -> None:
        """Hold up whoever comes from now on; what is due already is still sent."""
        self.pacer.follow(None)
        self._open.clear()

    def wait_until_empty(self, timeout_s: float) -> None:
        """Return when nothing is in flight, or after ``timeout_s``; what waits then is given up."""
        self._note()
        self._empty.wait(timeout_s)
        self.pacer.give_up()

    @contextmanager
    def passed(self, stopping: Event) -> Iterator[Turn | None]:
        """Wait for a turn; None when ``stopping`` is set, or there is nothing to do just now."""
        turn = self._turn(stopping)
        if turn is None:
            yield None
            return
        self._through += 1
        self._empty.clear()
        try:
            yield turn
        finally:
            self._through -= 1
            self._note()

    def _turn(self, stopping: Event) -> Turn | None:
        if not self.paced:
            gevent.wait([self._open, stopping], count=1)
        if self._gap_s and not self.paced:
            self._wait_for_gap(stopping)
        if stopping.is_set():
            return None
        return self.pacer.next(stopping) if self.paced else Turn()

    def _wait_for_gap(self, stopping: Event) -> None:
        """Until a time that is this user's alone, and then for the gate if it closed."""
        turn_s = max(self._next_s, time.monotonic())
        self._next_s = turn_s + self._gap_s
        stopping.wait(turn_s - time.monotonic())
        gevent.wait([self._open, stopping], count=1)

    def _note(self) -> None:
        if self.in_flight:
            self._empty.clear()
        else:
            self._empty.set()
