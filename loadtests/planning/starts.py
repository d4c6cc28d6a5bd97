"""How much starts of one server are known to differ, from records that have several; pure."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import variance

from loadtests.planning.likeness import Subject, of_one_kind
from loadtests.record.summary import Summary

EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class StartSpread:
    """``deviation`` is the standard deviation of the logarithms of starts' means, so a share.

    It has ``degrees`` of freedom, from so many ``groups`` of starts.
    """

    deviation: float
    degrees: int
    groups: int

    @classmethod
    def of(cls, groups: Iterable[Sequence[float]]) -> "StartSpread | None":
        """Pooled within groups; None where none has two. All values are above 0."""
        logs = [[math.log(value) for value in each] for each in groups if len(each) > 1]
        degrees = sum(len(each) - 1 for each in logs)
        if not degrees:
            return None
        squares = sum((len(each) - 1) * variance(each) for each in logs)
        return cls(math.sqrt(squares / degrees), degrees, len(logs))


def starts_at_hand(
    compared: Sequence[Subject],
    others: Iterable[Summary],
    read: Callable[[Subject], Sequence[float] | None],
) -> list[Sequence[float]]:
    """The starts of each run of this kind of target: those compared, and complete ``others``.

    ``read`` gives the figure of each start of a run, None where it is not to be relied on. What a
    run is compared with may be another version: a record counts that is like any of those compared.
    """
    names = {one.run.name for one in compared}
    like = [
        Subject(run, target)
        for run in others
        if run.complete and run.name not in names
        for target in run.targets
        if any(of_one_kind(Subject(run, target), one) for one in compared)
    ]
    found = (read(one) for one in (*compared, *like) if one.target.deployment != EXTERNAL)
    return [starts for starts in found if starts and len(starts) > 1]
