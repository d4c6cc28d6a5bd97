"""What a search asks for: a load to probe."""

from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """The next load to probe: ``users`` in closed loop, measured after it settled.

    With ``rate_rps`` so many requests fall due each second instead, whatever the users are. The
    loads in ``then`` follow without a pause, which makes all of them one probe; they do not settle.
    What is measured is cut into windows of ``window_s``. With ``schedule_s`` requests fall due at
    these times, from the beginning of the load on, and ``rate_rps`` is their mean rate. Requests of
    these ``parts``, by name, are recorded apart, each under its name as the step. All workers have
    so many ``connections`` together, None where they follow the users; over HTTP/1.1 they always
    do, with one for each at least.
    """

    step: str
    users: int
    settle_s: float
    measure_s: float
    rate_rps: float | None = None
    then: tuple["Load", ...] = ()
    window_s: float = 1.0
    schedule_s: tuple[float, ...] = ()
    parts: tuple[str, ...] = ()
    connections: int | None = None

    @property
    def peak_rps(self) -> float | None:
        """The rate; of a schedule, the most that falls due within a second."""
        times = self.schedule_s
        if not times:
            return self.rate_rps
        return max(bisect_left(times, at + 1, now) - now for now, at in enumerate(times))
