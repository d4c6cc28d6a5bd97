"""Holds up the users that send by themselves, and knows how many of them wait for an answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent.event import Event


class Gate:
    """Open at first. ``in_flight`` counts those who went through and did not come back."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._open = Event()
        self._empty = Event()
        self._open.set()
        self._empty.set()
        self._gap_s = 0.0
        self._next_s = 0.0

    def open(self, most_rps: float | None = None) -> None:
        """Let everybody through, but no more than ``most_rps`` a second."""
        self._gap_s = 1 / most_rps if most_rps else 0.0
        self._open.set()

    def close(self) -> None:
        """Hold up whoever comes from now on."""
        self._open.clear()

    def wait_until_empty(self, timeout_s: float) -> None:
        """Return when nobody is in flight, or after ``timeout_s``."""
        self._empty.wait(timeout_s)

    @contextmanager
    def passed(self, stopping: Event) -> Iterator[bool]:
        """Wait until the gate is open, or ``stopping`` is set: then the answer is False."""
        gevent.wait([self._open, stopping], count=1)
        if self._gap_s:
            self._take_turn(stopping)
        if stopping.is_set():
            yield False
            return
        self.in_flight += 1
        self._empty.clear()
        try:
            yield True
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._empty.set()

    def _take_turn(self, stopping: Event) -> None:
        """Wait for a time that is this user's alone, and then for the gate if it closed."""
        turn_s = max(self._next_s, time.monotonic())
        self._next_s = turn_s + self._gap_s
        stopping.wait(turn_s - time.monotonic())
        gevent.wait([self._open, stopping], count=1)
