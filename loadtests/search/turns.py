"""A load and twice that load, held in turns until both are known well enough, or time is up."""

from typing import Literal

from loadtests.measure.replicates import Hold, goodput_of, precise

Step = Literal["hold", "double"]


class Turns:
    """At least ``fewest`` holds, each with its double after it; at most ``most``.

    Taking turns, both see the same of a server that wanders, and neither is the last word of a
    moment. It ends in between once the mean of the holds is known to ``precision``, and whether
    its double gives more.
    """

    def __init__(self, fewest: int, most: int, precision: float) -> None:
        self._fewest, self._most = fewest, most
        self._precision = precision
        self._holds: list[Hold] = []
        self._doubles: list[Hold] = []

    @property
    def goodput_rps(self) -> float | None:
        """The mean of the holds; None before the first."""
        return goodput_of(self._holds) if self._holds else None

    def feed(self, step: Step, gave: Hold) -> Step | None:
        """What a turn gave, and what comes next; None at the end."""
        if step == "hold":
            self._holds.append(gave)
            return "double"
        self._doubles.append(gave)
        held = len(self._holds)
        if held >= self._most:
            return None
        known = held >= self._fewest and precise(self._holds, self._doubles, self._precision)
        return None if known else "hold"
