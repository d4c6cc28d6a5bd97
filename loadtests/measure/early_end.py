"""Whether a check can end before its time, since it is shown already whether its SLO holds.

Who asks again and again whether something is shown will find it so by chance. So the looks are few,
and the risk is shared out among them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from loadtests.measure.evidence import Counts, counts_of, judge
from loadtests.measure.slo import Slo
from loadtests.measure.window import Window

LOOKS = 5
LOOKS_APART = 1.4
"""Each look comes so many times as late as the one before it."""


class Looks:
    """When to look: after ``least_s``, and then ever more seldom."""

    def __init__(self, least_s: float) -> None:
        self._next_s = least_s
        self._left = LOOKS

    def due(self, seen_s: float) -> bool:
        """Whether to look now that so much was seen; each look is due once."""
        if seen_s < self._next_s or not self._left:
            return False
        self._left -= 1
        while self._next_s <= seen_s:
            self._next_s *= LOOKS_APART
        return True


def decided(counts: Counts, slo: Slo, seen_s: float) -> Literal["pass", "fail"] | None:
    """What one look shows; ``late`` in ``counts`` is what is in flight, as if it were too slow.

    Whether that is in time must not matter, for nobody knows yet.
    """
    if judge(counts, slo, seen_s, looks=LOOKS).outcome == "pass":
        return "pass"
    in_time = replace(counts, late=0, late_over=0)
    return "fail" if judge(in_time, slo, seen_s, looks=LOOKS).outcome == "fail" else None


class EarlyEnd:
    """Asked with the windows measured so far: whether the check can end."""

    def __init__(self, slo: Slo, least_s: float) -> None:
        self._slo = slo
        self._looks = Looks(least_s)

    def __call__(self, windows: Sequence[Window]) -> bool:
        """True once it is shown that the SLO holds, or that it does not."""
        seen_s = sum(window.duration_s for window in windows)
        if not self._looks.due(seen_s):
            return False
        # What is in flight may be late, but it is seldom lost.
        counts = replace(counts_of(windows, (), self._slo), late_failed=0)
        return decided(counts, self._slo, seen_s) is not None
