"""What a scenario probes: its warm-up or a search for the ceiling, then its course."""

from dataclasses import replace

from loadtests.measure.replicates import Hold
from loadtests.search.ceiling import CeilingSearch
from loadtests.search.courses import Course
from loadtests.search.load import Load
from loadtests.search.profiles import Profile
from serving.errors import RedlineError

WARM_S = 1.0
WARMUPS = 12
"""So often ``WARM_S`` are spent on warming a server at the course's own rate, at most."""
COOLER = 0.1
"""A server whose latency is shorter by this share than ever before is not warm yet."""


class CourseSearch:
    """Seeks the ceiling, or only warms up if ``capacity_rps`` is known, and takes the course.

    Where the course names its rates itself, no more than these are offered: it warms the server at
    its own rate, until answers come no faster.

    In open loop ``users`` stand for the rate in each worker: the engine needs one, Python clients
    as many as requests may be in flight.

    Ask :meth:`next_load` and :meth:`feed` what it gave, in turns; ``None`` means the end.
    """

    def __init__(
        self, course: Course, profile: Profile, capacity_rps: float | None, users: int
    ) -> None:
        self.course = course
        self._users = users
        self._sought = course.needs_capacity and capacity_rps is None
        self._ceiling = CeilingSearch(profile)
        self.capacity_rps = capacity_rps if course.needs_capacity else None
        """Given, or the goodput that was held; None before that, and where it does not matter."""
        self.laid: Load | None = None
        """The course, once it is the next load."""
        self._warmed: list[float] = []
        """The mean latency of each warm-up at the course's own rate, in seconds."""
        self._load: Load | None = self._ceiling.next_load()
        if not course.needs_capacity:
            self._load = self._warm()

    def next_load(self) -> Load | None:
        """The load to probe now, None at the end."""
        return self._load

    def feed(self, gave: Hold, error_ratio: float, latency_s: float) -> None:
        """What the load that :meth:`next_load` named gave, with the mean latency of its answers.

        RedlineError without a ceiling.
        """
        load = self._load
        if load is None:
            raise ValueError("the search is over")
        if load is self.laid:
            self._load = None
            return
        if not self.course.needs_capacity:
            self._warmed.append(latency_s)
            if self._is_warm():
                self._load = self.laid = self._lay()
            return
        self._ceiling.feed(gave, error_ratio)
        if self._sought:
            self.capacity_rps = self._ceiling.goodput_rps
        following = self._ceiling.next_load()
        if following is not None and (self._sought or following.step == "warmup"):
            self._load = following
        else:
            self._load = self.laid = self._lay()

    def _warm(self) -> Load:
        rate_rps = self._lay().rate_rps
        return Load("warmup", self._users, 0, WARM_S, rate_rps, window_s=WARM_S)

    def _is_warm(self) -> bool:
        *before, last = self._warmed
        enough = len(self._warmed) >= WARMUPS
        return enough or (bool(before) and last >= (1 - COOLER) * min(before))

    def _lay(self) -> Load:
        if self.capacity_rps is None and self.course.needs_capacity:
            raise RedlineError(
                "no ceiling was found that the scenario's rates could be shares of: answers go "
                "wrong; see what they say, or give --capacity-rps"
            )
        laid = self.course.lay(self.capacity_rps or 0.0)
        then = tuple(replace(load, users=self._users) for load in laid.then)
        return replace(laid, users=self._users, then=then)
