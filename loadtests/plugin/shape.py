"""A Locust shape that lets a search choose the users: headless, in the web UI and distributed."""

import sys
from argparse import Namespace
from typing import Any, Protocol

import gevent
from locust import LoadTestShape, User
from locust.runners import Runner

from loadtests.plugin.conductor import Conductor, DataLostError, Probed
from loadtests.search.load import Load
from serving.errors import RedlineError

VOID_PROBES = 3
"""So many probes of one load may lose a worker's windows; the search ends with one more."""


class Search(Protocol):
    """What a shape asks for the next load; it must be fed before it is asked again."""

    def next_load(self) -> Load | None:
        """The load to probe now, None at the end."""


class SearchShape(LoadTestShape):
    """Ticks once a load: has the conductor probe it, feeds the search, asks for the next.

    Subclasses make the search and the conductor. A tick blocks while a load is measured, which
    holds up nothing but the next tick.
    """

    abstract = True
    chooses_users = False
    """Whether only one of several user classes runs, its ``user_class``."""
    user_class: type[User]
    _search: Search | None = None
    _conductor: Conductor | None = None
    _load: Load | None = None
    _users = 0

    def make_search(self, options: Namespace) -> Search:
        """A fresh search, as the command line asks for."""
        raise NotImplementedError

    def feed(self, search: Any, probed: Probed) -> None:
        """Tell the search, of the kind that :meth:`make_search` made, what its load gave."""
        raise NotImplementedError

    def make_conductor(self, options: Namespace, runner: Runner) -> Conductor:
        """The one conductor of this process."""
        raise NotImplementedError

    def reset_time(self) -> None:
        """Called by Locust whenever a test starts; by a master also within its first load."""
        super().reset_time()
        if self.runner is not None and self.runner.shape_greenlet is gevent.getcurrent():
            return
        self._search, self._load, self._users = None, None, 0
        if self._conductor is not None:
            self._conductor.forget()

    def tick(self) -> tuple[int, float] | tuple[int, float, list[type[User]]] | None:
        """Probe the load asked for last and ask for the next; None at the end."""
        if self.runner is None:
            return None
        try:
            return self._step(self.runner)
        except (DataLostError, RedlineError) as error:
            sys.stderr.write(f"redline: {error}\n")
            self.runner.environment.process_exit_code = 1
            return None

    def _step(self, runner: Runner) -> tuple[int, float] | None:
        options = runner.environment.parsed_options or Namespace()
        if self._conductor is None:
            self._conductor = self.make_conductor(options, runner)
        if self._search is None:
            self._search = self.make_search(options)
            self._conductor.wait_until_ready()
        if self._load is None and (first := self._search.next_load()) is not None:
            self._begin(runner, self._conductor.users_of(first))
            self._load = first
        if self._load is not None:
            self.feed(self._search, self.probed(self._conductor, self._load))
        self._load = self._search.next_load()
        if self._load is None:
            runner.environment.process_exit_code = 0  # overload fails requests by design
            return None
        users = self._conductor.users_of(self._load)
        change, self._users = abs(users - self._users), users
        return users, max(1, change)

    def _begin(self, runner: Runner, users: int) -> None:
        """Start the first load's users at once: after a tick Locust lets a second pass."""
        chosen = [self.user_class] if self.chooses_users else None
        runner.start(users, max(1, users), user_classes=chosen)
        self._users = users

    def probed(self, conductor: Conductor, load: Load) -> Probed:
        """A probe that lost a worker's windows is void, and made again.

        A worker that dies and is started anew, as a container is, may void two: it joins before
        Locust misses the one that died.
        """
        for _ in range(VOID_PROBES):
            try:
                return conductor.probe(load)
            except DataLostError as error:
                sys.stderr.write(f"a probe is void and made again: {error}\n")
        return conductor.probe(load)
